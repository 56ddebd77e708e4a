#include "engine/server/tasks/task_recovery.hpp"

#include <fmt/format.h>

#include <utility>

namespace potoo::server {

void task_recovery::say(const std::string& line) const
{
    if (say_)
        say_(line);
}

task<> task_recovery::take_in(task_entry_ptr e)
{
    std::string id = e->shown.id;
    const std::string slot = slot_of(e->shown);
    const auto run = runs_.find(run_id(id));
    if (!e->has_ended() && !run) {
        // Nobody was told of it: that waits for the run to be in the journal.
        co_await kept_.erase(std::move(id));
        co_return;
    }
    book_.add(e);
    if (e->has_ended()) {
        e->released.advance_to(1);
        book_.show(e);
        co_return;
    }
    if (!slot.empty() && !book_.holder(slot))
        book_.give_key(slot, e);
    if (run->ended) {
        book_.end(e, std::string(to_string(run->state)), *run->ended);
        backlog_.add_end(e);
    }
    book_.show(e);
    if (e->cancelling && !e->has_ended())
        co_await runs_.cancel(run_id(std::move(id)));
}

/// Lets go of the keys of tasks that never began.
/// @param unreadable ids of tasks of which the ledger says what cannot be read
task<> task_recovery::free_keys(std::set<std::string> unreadable)
{
    const auto leave = [this](const std::string& slot, std::string_view why) {
        say(fmt::format("what the state directory says of the key {} cannot be read: {}; it stays taken", slot, why));
    };
    for (const auto& [slot, id] : kept_.keys(leave)) {
        if (book_.holder(slot))
            continue;
        if (id.empty())
            leave(slot, "it names no task");
        else if (!unreadable.contains(id))
            co_await kept_.free_key(slot);
    }
}

task<> task_recovery::recover()
{
    std::set<std::string> unreadable;
    const auto leave = [&](const std::string& id, std::string_view why) {
        unreadable.insert(id);
        say(fmt::format("what the state directory says of the task {} cannot be read: {}; it is left as it is, and its "
                        "key stays taken",
                        id, why));
    };
    for (const task_entry_ptr& e : kept_.tasks(leave))
        co_await take_in(e);
    co_await free_keys(std::move(unreadable));
}

} // namespace potoo::server
