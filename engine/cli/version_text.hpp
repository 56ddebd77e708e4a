#pragma once
/// @file
/// What `potoo --version` prints.

#include <string>

namespace potoo::cli {

[[nodiscard]] std::string version_text();

} // namespace potoo::cli
