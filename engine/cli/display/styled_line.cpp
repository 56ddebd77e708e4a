#include "engine/cli/display/styled_line.hpp"

#include <array>

namespace potoo::cli {

namespace {

constexpr std::array<std::string_view, 8> codes{"", "1", "2", "31", "32", "33", "34", "36"};

} // namespace

styled_line& styled_line::add(std::string_view text, style s)
{
    if (left_ == 0 || text.empty())
        return *this;
    const std::string shown = fit(text, left_, utf8_);
    left_ -= width_of(shown);
    const std::string_view code = codes[static_cast<std::size_t>(s)];
    if (!colour_ || code.empty()) {
        text_ += shown;
        return *this;
    }
    text_ += "\x1b[";
    text_ += code;
    text_ += 'm';
    text_ += shown;
    text_ += "\x1b[0m";
    return *this;
}

std::size_t width_of_styled(std::string_view text) noexcept
{
    std::size_t width = 0;
    while (!text.empty()) {
        const auto escape = text.find("\x1b[");
        width += width_of(text.substr(0, escape));
        if (escape == std::string_view::npos)
            break;
        const auto end = text.find('m', escape);
        if (end == std::string_view::npos)
            break;
        text.remove_prefix(end + 1);
    }
    return width;
}

} // namespace potoo::cli
