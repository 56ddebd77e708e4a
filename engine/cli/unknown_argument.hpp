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

/// `potoo token create`
[[nodiscard]] std::string name_of_command(const CLI::App& command);

} // namespace potoo::cli
