#include "engine/server/tasks/task_book.hpp"

#include "engine/schedule/states.hpp"
#include "engine/server/tasks/task_rights.hpp"

#include <algorithm>
#include <utility>

namespace potoo::server {

bool task_book::add(const task_entry_ptr& e)
{
    return entries_.emplace(e->shown.id, e).second;
}

void task_book::withdraw(const std::string& id)
{
    entries_.erase(id);
}

task_entry_ptr task_book::find(const std::string& id) const
{
    const auto found = entries_.find(id);
    return found == entries_.end() ? nullptr : found->second;
}

task_entry_ptr task_book::find_begun(const std::string& id) const
{
    task_entry_ptr e = find(id);
    return e && e->has_begun() ? e : nullptr;
}

task_entry_ptr task_book::holder(const std::string& slot) const
{
    const auto found = holders_.find(slot);
    return found == holders_.end() ? nullptr : found->second;
}

void task_book::give_key(const std::string& slot, const task_entry_ptr& e)
{
    holders_[slot] = e;
}

void task_book::take_key_back(const std::string& slot, const task_entry_ptr& e)
{
    if (holder(slot) == e)
        holders_.erase(slot);
}

void task_book::show(const task_entry_ptr& e)
{
    order_.insert(place_of(e->shown));
    if (e->has_ended())
        ended_.emplace(*e->shown.ended, e->shown.id);
    e->settled.advance_to(1);
}

void task_book::end(const task_entry_ptr& e, std::string state, wall_time now)
{
    e->shown.state = std::move(state);
    if (e->shown.state == to_string(schedule::run_state::success))
        e->shown.fraction = 1;
    if (e->has_ended())
        return;
    e->shown.ended = now;
    if (e->has_begun())
        ended_.emplace(now, e->shown.id);
}

task_page task_book::page(const principal& who, const task_filter& which) const
{
    task_page page;
    auto at = which.cursor.empty() ? order_.end() : order_.lower_bound(parse_cursor(which.cursor));
    while (at != order_.begin()) {
        --at;
        const task_entry_ptr e = find(at->second);
        if (!may_see(who, *e) || !matches(which, e->shown))
            continue;
        if (page.tasks.size() == std::max<std::size_t>(which.limit, 1)) {
            page.next = cursor_of(place_of(page.tasks.back()));
            break;
        }
        page.tasks.push_back(e->shown);
    }
    return page;
}

task_entry_ptr task_book::oldest_not_kept(const task_retention& keep, wall_time now) const
{
    if (ended_.empty())
        return nullptr;
    const auto& [when, id] = *ended_.begin();
    const bool kept = ended_.size() <= keep.count && now - when <= keep.age;
    return kept ? nullptr : find(id);
}

void task_book::forget(const task_entry_ptr& e)
{
    order_.erase(place_of(e->shown));
    if (e->has_ended())
        ended_.erase({*e->shown.ended, e->shown.id});
    entries_.erase(e->shown.id);
}

} // namespace potoo::server
