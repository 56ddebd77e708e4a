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

} // namespace potoo::graph
