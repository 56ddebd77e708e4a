#pragma once
/// @file
/// Files named on the command line.

#include <cstddef>
#include <string>

namespace potoo::cli {

/// The whole text of a file, or of standard input for `-`.
/// @throws usage_error when it cannot be read, or has more than `limit` bytes
[[nodiscard]] std::string read_text(const std::string& file, std::size_t limit);

} // namespace potoo::cli
