#pragma once
/// @file
/// Words of protocols and files, where only ASCII letters have a case. Unlike `std::tolower` it does not ask the
/// locale.

#include <algorithm>
#include <string>
#include <string_view>

namespace potoo::text {

[[nodiscard]] constexpr char lower(char c) noexcept
{
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

/// `text` with ASCII letters in lower case.
[[nodiscard]] inline std::string lower(std::string_view text)
{
    std::string out(text);
    std::ranges::transform(out, out.begin(), [](char c) { return lower(c); });
    return out;
}

/// Whether they are the same, ASCII case aside.
[[nodiscard]] constexpr bool same_word(std::string_view a, std::string_view b) noexcept
{
    return std::ranges::equal(a, b, [](char x, char y) { return lower(x) == lower(y); });
}

} // namespace potoo::text
