#pragma once
// Single tasks as they are kept, made for tests.

#include "engine/server/tasks/task_entry.hpp"

#include <memory>
#include <string>
#include <utility>

namespace potoo::server::test {

/// Of `owner`, who has subscribed to it; has not begun.
inline task_entry_ptr made_task(std::string id, std::string owner, wall_time created = wall_time())
{
    auto e = std::make_shared<task_entry>();
    e->shown.id = std::move(id);
    e->shown.operator_name = "work";
    e->shown.owner = owner;
    e->shown.created = created;
    e->shown.state = "running";
    e->subscribe(owner);
    return e;
}

/// The kind of refusal that `f` ends with; `none`.
template <class F>
std::string kind_of_refusal(F&& f)
{
    try {
        f();
    } catch (const task_refused& e) {
        constexpr std::string_view kinds[]{"invalid", "forbidden", "unknown", "conflict"};
        return std::string(kinds[static_cast<std::size_t>(e.why())]);
    }
    return "none";
}

} // namespace potoo::server::test
