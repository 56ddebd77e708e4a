#pragma once
/// @file
/// Which potoo this is.

#include <string>

namespace potoo::cli {

/// What `potoo --version` prints.
[[nodiscard]] std::string version_text();

/// `1.2.3`
[[nodiscard]] std::string version_number();

} // namespace potoo::cli
