#pragma once
/// @file
/// Members of the engine's answers, which may be missing.

#include <potoo/json_members.hpp>

#include <string_view>

namespace potoo::docker {

/// Empty when there is none, or none that is an object. What it returns lives as long as `v`.
[[nodiscard]] inline const json::object& object_in(const json::value& v, std::string_view name)
{
    static const json::object nothing;
    const json::object* o = v.if_object();
    const json::value* found = o ? o->if_contains(name) : nullptr;
    return found && found->is_object() ? found->get_object() : nothing;
}

} // namespace potoo::docker
