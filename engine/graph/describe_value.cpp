#include "engine/graph/describe_value.hpp"

#include "engine/graph/expression_text.hpp"
#include "engine/text/characters.hpp"

namespace potoo::graph {

namespace {

constexpr std::size_t longest_shown = 60;

} // namespace

std::string quoted(std::string_view text)
{
    const auto shown = text::whole_characters(text, longest_shown);
    std::string out = "`";
    for (const char c : shown) {
        if (c == '\n')
            out += "\\n";
        else if (c == '\t')
            out += "\\t";
        else
            out += static_cast<unsigned char>(c) < 0x20 || c == 0x7F ? '?' : c;
    }
    if (shown.size() < text.size())
        out += "…";
    return out + "`";
}

std::string written(const json::value& v)
{
    json::string out;
    if (!append_json(out, v))
        return "…";
    return std::string(out);
}

std::string describe(const json::value& v)
{
    switch (v.kind()) {
    case json::kind::null:
        return "null";
    case json::kind::bool_:
        return v.get_bool() ? "true" : "false";
    case json::kind::string:
        return "the string " + quoted(v.get_string());
    case json::kind::array:
        return "a list";
    case json::kind::object:
        return "a map";
    default:
        return "the number " + written(v);
    }
}

std::string quoted_value(const json::value& v)
{
    return v.is_string() ? quoted(v.get_string()) : quoted(written(v));
}

} // namespace potoo::graph
