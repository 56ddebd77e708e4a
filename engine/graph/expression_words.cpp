#include "engine/graph/expression_words.hpp"

namespace potoo::graph {

value_type type_of(const json::value& v) noexcept
{
    switch (v.kind()) {
    case json::kind::null:
        return value_type::null;
    case json::kind::bool_:
        return value_type::boolean;
    case json::kind::int64:
    case json::kind::uint64:
    case json::kind::double_:
        return value_type::number;
    case json::kind::string:
        return value_type::string;
    case json::kind::array:
        return value_type::array;
    case json::kind::object:
        return value_type::object;
    }
    return value_type::any;
}

std::string_view with_article(value_type type) noexcept
{
    switch (type) {
    case value_type::any:
        return "any value";
    case value_type::null:
        return "null";
    case value_type::boolean:
        return "a boolean";
    case value_type::number:
        return "a number";
    case value_type::string:
        return "a string";
    case value_type::array:
        return "an array";
    case value_type::object:
        return "an object";
    }
    return "?";
}

std::string_view with_article(const json::value& v) noexcept
{
    return with_article(type_of(v));
}

std::string excerpt(std::string_view source)
{
    constexpr std::size_t longest = 60;
    constexpr auto continues_character = [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U; };
    auto end = source.size();
    if (end > longest) {
        end = longest;
        while (end > 0 && continues_character(source[end])) {
            --end;
        }
    }
    std::string text(source.substr(0, end));
    for (auto& c : text) {
        if (static_cast<unsigned char>(c) < ' ') {
            c = ' ';
        }
    }
    return end < source.size() ? text + "…" : text;
}

} // namespace potoo::graph
