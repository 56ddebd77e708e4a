#pragma once
/// @file
/// What others have sent, as far as it is repeated to somebody.

#include <cstddef>
#include <string>
#include <string_view>

namespace potoo::server {

/// At most `most` bytes of it and, where it goes on, `…`. @param text UTF-8, of which no character is cut
[[nodiscard]] inline std::string shortened(std::string_view text, std::size_t most)
{
    if (text.size() <= most)
        return std::string(text);
    const auto continues = [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U; };
    while (most > 0 && continues(text[most]))
        --most;
    return std::string(text.substr(0, most)) + "…";
}

} // namespace potoo::server
