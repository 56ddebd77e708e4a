#pragma once
/// @file
/// The characters that UTF-8 text is made of.

#include <cstddef>
#include <string_view>

namespace potoo::text {

struct character
{
    char32_t code = 0xFFFD;
    std::size_t bytes = 1;
    bool valid = false;
};

/// What `text`, which is not empty, begins with; as valid counts what `find_invalid_utf8` does not find. A byte that is
/// no part of a character is one that is not valid, and nothing is left of it but its place.
[[nodiscard]] character first_character(std::string_view text) noexcept;

/// Whether it is a byte of a character, but not its first.
[[nodiscard]] constexpr bool continues_character(char c) noexcept
{
    return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U;
}

/// How many code points valid UTF-8 has.
[[nodiscard]] std::size_t count_characters(std::string_view text) noexcept;

/// The longest prefix of at most `most` bytes that cuts no character in two. It is at most three bytes shorter than
/// that, also of what is no UTF-8.
[[nodiscard]] std::string_view whole_characters(std::string_view text, std::size_t most) noexcept;

} // namespace potoo::text
