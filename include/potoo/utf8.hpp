#pragma once
/// @file
/// Bytes from outside that are to be text: JSON holds none that are not valid UTF-8. Valid is what Unicode 15, table
/// 3-7, allows: no overlong form, no surrogate, nothing beyond U+10FFFF.

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace potoo {

/// @return the offset of the first byte that is not part of valid UTF-8
[[nodiscard]] std::optional<std::size_t> find_invalid_utf8(std::string_view text) noexcept;

[[nodiscard]] bool is_utf8(std::string_view text) noexcept;

/// `text` with every byte that is not part of valid UTF-8 replaced by U+FFFD.
[[nodiscard]] std::string valid_utf8(std::string_view text);

} // namespace potoo
