#pragma once
/// @file
/// Members of JSON that others have written: each may be missing, or be something else than was expected. Where that
/// is to be an error, read it in another way.

#include <potoo/json.hpp>
#include <potoo/time.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace potoo {

/// Empty when there is no such member, or none that is a string.
[[nodiscard]] inline std::string text_in(const json::object& o, std::string_view name)
{
    const json::value* v = o.if_contains(name);
    return v && v->is_string() ? std::string(v->get_string()) : std::string();
}

/// The same; empty also when `v` is no object.
[[nodiscard]] inline std::string text_in(const json::value& v, std::string_view name)
{
    return v.is_object() ? text_in(v.get_object(), name) : std::string();
}

/// Nothing when there is no such member, or none that `parse_time` understands.
[[nodiscard]] inline std::optional<wall_time> time_in(const json::object& o, std::string_view name)
{
    return parse_time(text_in(o, name));
}

/// Empty when there is no such member, or none that is an object. Lives as long as `o`.
[[nodiscard]] inline const json::object& object_in(const json::object& o, std::string_view name)
{
    static const json::object none;
    const json::value* v = o.if_contains(name);
    return v && v->is_object() ? v->get_object() : none;
}

} // namespace potoo
