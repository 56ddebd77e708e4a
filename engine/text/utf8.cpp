#include "engine/text/characters.hpp"

#include <potoo/utf8.hpp>

namespace potoo {

std::optional<std::size_t> find_invalid_utf8(std::string_view text) noexcept
{
    for (std::size_t i = 0; i < text.size();) {
        const text::character c = text::first_character(text.substr(i));
        if (!c.valid)
            return i;
        i += c.bytes;
    }
    return std::nullopt;
}

bool is_utf8(std::string_view text) noexcept
{
    return !find_invalid_utf8(text);
}

std::string valid_utf8(std::string_view text)
{
    constexpr std::string_view replacement = "\xEF\xBF\xBD";
    std::string out;
    out.reserve(text.size());
    while (const auto invalid = find_invalid_utf8(text)) {
        out += text.substr(0, *invalid);
        out += replacement;
        text.remove_prefix(*invalid + 1);
    }
    out += text;
    return out;
}

} // namespace potoo
