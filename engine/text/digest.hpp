#pragma once
/// @file
/// Digests of bytes, and bytes in hexadecimal digits.

#include <array>
#include <string>
#include <string_view>

namespace potoo::text {

using sha256_digest = std::array<unsigned char, 32>;

[[nodiscard]] std::string sha256_hex(std::string_view text);
[[nodiscard]] std::string sha1_hex(std::string_view text);
[[nodiscard]] sha256_digest hmac_sha256(std::string_view key, std::string_view text);
[[nodiscard]] std::string hex(std::string_view bytes);

[[nodiscard]] inline std::string_view bytes_of(const sha256_digest& d) noexcept
{
    return {reinterpret_cast<const char*>(d.data()), d.size()};
}

} // namespace potoo::text
