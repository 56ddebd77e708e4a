#pragma once
/// @file
/// What is said about a command or option that there is not.

#include <string>

namespace CLI {
class App;
} // namespace CLI

namespace potoo::cli {

/// Whole lines about what `app` could not use, with the nearest right spellings.
[[nodiscard]] std::string unknown_argument_text(const CLI::App& app);

} // namespace potoo::cli
