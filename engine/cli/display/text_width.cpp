#include "engine/cli/display/text_width.hpp"

#include "engine/text/characters.hpp"

#include <algorithm>
#include <array>

namespace potoo::cli {

namespace {

struct range
{
    char32_t first;
    char32_t last;
};

constexpr std::array no_width{range{0x0300, 0x036F}, range{0x0483, 0x0489}, range{0x0591, 0x05BD},
                              range{0x0610, 0x061A}, range{0x064B, 0x065F}, range{0x1AB0, 0x1AFF},
                              range{0x1DC0, 0x1DFF}, range{0x200B, 0x200F}, range{0x20D0, 0x20FF},
                              range{0xFE00, 0xFE0F}, range{0xFE20, 0xFE2F}, range{0xFEFF, 0xFEFF}};
constexpr std::array double_width{range{0x1100, 0x115F},   range{0x2E80, 0x303E},   range{0x3041, 0x33FF},
                                  range{0x3400, 0x4DBF},   range{0x4E00, 0x9FFF},   range{0xA000, 0xA4CF},
                                  range{0xAC00, 0xD7A3},   range{0xF900, 0xFAFF},   range{0xFE30, 0xFE4F},
                                  range{0xFF00, 0xFF60},   range{0xFFE0, 0xFFE6},   range{0x1F300, 0x1F64F},
                                  range{0x1F680, 0x1F6FF}, range{0x1F900, 0x1F9FF}, range{0x20000, 0x3FFFD}};

template <std::size_t N>
bool is_in(const std::array<range, N>& ranges, char32_t code) noexcept
{
    return std::any_of(ranges.begin(), ranges.end(), [&](range r) { return code >= r.first && code <= r.last; });
}

std::size_t columns_of(char32_t code) noexcept
{
    if (code < 0x300)
        return 1;
    if (is_in(no_width, code))
        return 0;
    return is_in(double_width, code) ? 2 : 1;
}

} // namespace

std::size_t width_of(std::string_view text) noexcept
{
    std::size_t width = 0;
    while (!text.empty()) {
        const text::character c = text::first_character(text);
        width += columns_of(c.code);
        text.remove_prefix(c.bytes);
    }
    return width;
}

std::string fit(std::string_view text, std::size_t width, bool utf8)
{
    if (width_of(text) <= width)
        return std::string(text);
    if (width == 0)
        return {};
    std::size_t used = 0;
    std::size_t bytes = 0;
    while (bytes < text.size()) {
        const text::character c = text::first_character(text.substr(bytes));
        if (used + columns_of(c.code) > width - 1)
            break;
        used += columns_of(c.code);
        bytes += c.bytes;
    }
    return std::string(text.substr(0, bytes)) + (utf8 ? "…" : "~");
}

std::string fit_padded(std::string_view text, std::size_t width, bool utf8)
{
    std::string out = fit(text, width, utf8);
    out.append(width - std::min(width, width_of(out)), ' ');
    return out;
}

std::string printable(std::string_view text, bool utf8)
{
    std::string out;
    out.reserve(text.size());
    while (!text.empty()) {
        const text::character c = text::first_character(text);
        const bool control = c.code < 0x20 || (c.code >= 0x7F && c.code < 0xA0);
        if (c.code == '\t')
            out += ' ';
        else if (!c.valid || control || (!utf8 && c.code > 0x7F))
            out += '?';
        else
            out += text.substr(0, c.bytes);
        text.remove_prefix(c.bytes);
    }
    return out;
}

} // namespace potoo::cli
