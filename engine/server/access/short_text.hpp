#pragma once
/// @file
/// What others have sent, as far as it is repeated to somebody.

#include "engine/text/characters.hpp"

#include <cstddef>
#include <string>
#include <string_view>

namespace potoo::server {

/// At most `most` bytes of it and, where it goes on, `…`. @param text UTF-8, of which no character is cut
[[nodiscard]] inline std::string shortened(std::string_view text, std::size_t most)
{
    if (text.size() <= most)
        return std::string(text);
    return std::string(text::whole_characters(text, most)) + "…";
}

} // namespace potoo::server
