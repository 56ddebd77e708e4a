#include "engine/graph/expression_words.hpp"

#include "engine/text/characters.hpp"

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
    std::string shown(text::whole_characters(source, longest));
    const bool cut = shown.size() < source.size();
    for (auto& c : shown) {
        if (static_cast<unsigned char>(c) < ' ') {
            c = ' ';
        }
    }
    return cut ? shown + "…" : shown;
}

} // namespace potoo::graph
