#pragma once
/// @file
/// Bytes from outside as text.

#include <string>
#include <string_view>

namespace potoo::remote {

/// For messages: control characters and what is no UTF-8 become `?`, line ends a space.
[[nodiscard]] std::string printable(std::string_view s);

[[nodiscard]] std::string base64(std::string_view bytes);

} // namespace potoo::remote
