#include "engine/text/characters.hpp"

#include <algorithm>

namespace potoo::text {

character first_character(std::string_view text) noexcept
{
    const auto byte = [text](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U; };
    const unsigned lead = byte(0);
    if (lead < 0x80)
        return {lead, 1, true};
    if (lead < 0xC2 || lead > 0xF4)
        return {};
    const std::size_t bytes = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    char32_t code = lead & (0x7FU >> bytes);
    for (std::size_t i = 1; i < bytes; ++i) {
        if ((byte(i) & 0xC0U) != 0x80U)
            return {};
        code = code << 6U | (byte(i) & 0x3FU);
    }
    const bool overlong = (bytes == 3 && code < 0x800) || (bytes == 4 && code < 0x10000);
    const bool surrogate = code >= 0xD800 && code < 0xE000;
    if (overlong || surrogate || code > 0x10FFFF)
        return {};
    return {code, bytes, true};
}

std::size_t count_characters(std::string_view text) noexcept
{
    return static_cast<std::size_t>(std::ranges::count_if(text, [](char c) { return !continues_character(c); }));
}

std::string_view whole_characters(std::string_view text, std::size_t most) noexcept
{
    constexpr std::size_t longest_character = 4;
    if (text.size() <= most)
        return text;
    for (std::size_t cut = 0; cut < std::min(longest_character, most + 1); ++cut) {
        if (!continues_character(text[most - cut]))
            return text.substr(0, most - cut);
    }
    return text.substr(0, most);
}

} // namespace potoo::text
