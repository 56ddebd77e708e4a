#pragma once
/// @file
/// Words of a command line that is shown to be copied.

#include <string>
#include <string_view>

namespace potoo::cli {

/// `text` as one word for a POSIX shell, in quotes only where it needs them.
[[nodiscard]] inline std::string shell_word(std::string_view text)
{
    constexpr std::string_view harmless = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:=@%+,";
    if (!text.empty() && text.find_first_not_of(harmless) == std::string_view::npos)
        return std::string(text);
    std::string out = "'";
    for (const char c : text)
        out += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return out + "'";
}

} // namespace potoo::cli
