#include "engine/graph/expression_text.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <string>

namespace potoo::graph {

namespace {

template <class Number>
bool append_number(json::string& out, Number number)
{
    std::array<char, 32> text{};
    const auto end = std::to_chars(text.data(), text.data() + text.size(), number).ptr;
    return append_text(out, std::string_view(text.data(), static_cast<std::size_t>(end - text.data())));
}

constexpr bool continues_character(unsigned char c)
{
    return (c & 0xC0U) == 0x80U;
}

/// Length of the character that `text` starts with, 0 when it is not valid.
std::size_t character_length(std::string_view text)
{
    const auto byte = [text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const auto first = byte(0);
    if (first < 0x80) {
        return 1;
    }
    const std::size_t length = first >= 0xC2 && first < 0xE0 ? 2 : first >= 0xE0 && first < 0xF0 ? 3 : 4;
    if (first < 0xC2 || first > 0xF4 || text.size() < length) {
        return 0;
    }
    for (std::size_t i = 1; i < length; ++i) {
        if (!continues_character(byte(i))) {
            return 0;
        }
    }
    const auto second = byte(1);
    const bool overlong = (first == 0xE0 && second < 0xA0) || (first == 0xF0 && second < 0x90);
    const bool surrogate = first == 0xED && second >= 0xA0;
    const bool too_large = first == 0xF4 && second >= 0x90;
    return overlong || surrogate || too_large ? 0 : length;
}

} // namespace

bool append_text(json::string& out, std::string_view text)
{
    if (text.size() > longest_text - std::min(longest_text, out.size())) {
        return false;
    }
    out.append(text);
    return true;
}

bool append_text(json::string& out, const json::value& v)
{
    switch (v.kind()) {
    case json::kind::null:
        return true;
    case json::kind::string:
        return append_text(out, std::string_view(v.get_string()));
    default:
        return append_json(out, v);
    }
}

bool append_json(json::string& out, const json::value& v)
{
    switch (v.kind()) {
    case json::kind::bool_:
        return append_text(out, v.get_bool() ? std::string_view("true") : "false");
    case json::kind::int64:
        return append_number(out, v.get_int64());
    case json::kind::uint64:
        return append_number(out, v.get_uint64());
    case json::kind::double_:
        // Boost.JSON writes 1.5 as 1.5E0, which is JSON but not what a command line expects.
        if (std::isfinite(v.get_double())) {
            return append_number(out, v.get_double());
        }
        break;
    default:
        break;
    }
    return append_text(out, std::string_view(json::serialize(v)));
}

std::optional<std::size_t> find_invalid_utf8(std::string_view text) noexcept
{
    for (std::size_t i = 0; i < text.size();) {
        const auto length = character_length(text.substr(i));
        if (length == 0) {
            return i;
        }
        i += length;
    }
    return std::nullopt;
}

std::size_t count_code_points(std::string_view text) noexcept
{
    return static_cast<std::size_t>(
        std::ranges::count_if(text, [](char c) { return !continues_character(static_cast<unsigned char>(c)); }));
}

} // namespace potoo::graph
