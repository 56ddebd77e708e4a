#include "engine/server/tasks/task_upkeep.hpp"

#include <potoo/concurrency.hpp>

#include <utility>
#include <vector>

namespace potoo::server {

/// Of one that has ended, or never began: it is written, and its key is free for the next.
task<> task_upkeep::let_go(task_entry_ptr e)
{
    const std::string& id = e->shown.id;
    if (e->failed)
        co_await kept_.erase(id);
    else if (book_.find(id) == e)
        co_await kept_.write(e);
    const std::string slot = slot_of(e->shown);
    if (!slot.empty() && e->released.value() == 0) {
        co_await kept_.free_key(slot);
        book_.take_key_back(slot, e);
    }
    if (e->failed)
        book_.withdraw(id);
    e->released.advance_to(1);
}

task<> task_upkeep::write_ends()
{
    for (auto some = backlog_.next_ends(); !some.empty(); some = backlog_.next_ends()) {
        std::vector<task<>> work;
        for (const task_entry_ptr& e : some)
            work.push_back(let_go(e));
        co_await all(std::move(work));
        backlog_.drop_ends(some.size());
    }
}

task<> task_upkeep::write_changes()
{
    if (loop_.now() < backlog_.changes_due())
        co_return;
    while (backlog_.has_changes()) {
        const auto some = backlog_.take_changes();
        std::vector<task<>> work;
        for (const task_entry_ptr& e : some)
            work.push_back(kept_.write(e));
        try {
            co_await all(std::move(work));
        } catch (...) {
            backlog_.put_back(some, loop_.now() + time_to_recover);
            throw;
        }
    }
}

task<> task_upkeep::drop_old()
{
    for (;;) {
        const task_entry_ptr oldest = book_.oldest_not_kept(rules_.keep, loop_.wall_now());
        if (!oldest || oldest->released.value() == 0)
            break;
        co_await kept_.erase(oldest->shown.id);
        book_.forget(oldest);
    }
}

} // namespace potoo::server
