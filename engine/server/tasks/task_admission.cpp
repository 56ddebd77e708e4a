#include "engine/server/tasks/task_admission.hpp"

#include "engine/server/tasks/task_rights.hpp"

#include <potoo/concurrency.hpp>

#include <fmt/format.h>

#include <exception>
#include <utility>

namespace potoo::server {

task_entry_ptr task_admission::make_entry(task_view wish)
{
    auto e = std::make_shared<task_entry>();
    e->readers = wish.subscribers;
    e->shown = std::move(wish);
    do
        e->shown.id = runs_.make_id().value();
    while (!book_.add(e));
    return e;
}

/// @return null when somebody else has the key
task<task_entry_ptr> task_admission::claim(task_view wish, std::string slot)
{
    const task_entry_ptr e = make_entry(std::move(wish));
    if (slot.empty())
        co_return e;
    bool mine = false;
    try {
        mine = co_await kept_.take_key(slot, e->shown.id);
    } catch (...) {
        book_.withdraw(e->shown.id);
        throw;
    }
    if (!mine) {
        book_.withdraw(e->shown.id);
        co_return task_entry_ptr();
    }
    book_.give_key(slot, e);
    co_return e;
}

/// The run of a task whose key is taken. @throws what keeps it from beginning; the key is let go of
task<> task_admission::begin(task_entry_ptr e, std::shared_ptr<const graph::dag> dag)
{
    std::exception_ptr failed;
    try {
        task_run run{run_id(e->shown.id), std::move(dag), {}};
        run.origin.by = "task";
        run.origin.who = e->shown.owner;
        run.origin.name = e->shown.name;
        run.origin.cause = e->shown.id;
        run.origin.key = e->shown.key;
        // Written in this order, so that there is no such run without its entry.
        auto written = kept_.write(e);
        auto started = runs_.start(std::move(run));
        co_await all(std::move(written), std::move(started));
    } catch (...) {
        failed = std::current_exception();
    }
    if (!failed) {
        book_.show(e);
        co_return;
    }
    e->failed = true;
    e->settled.advance_to(1);
    backlog_.add_end(e);
    std::rethrow_exception(failed);
}

/// Who has the key that was asked for in vain; null when it has just been let go of.
task_entry_ptr task_admission::winner_of(const std::string& slot) const
{
    const auto id = kept_.holder(slot);
    if (!id)
        return nullptr;
    task_entry_ptr e = book_.find(*id);
    if (!e)
        throw task_refused(task_refused::kind::conflict,
                           fmt::format("the key is held by the task {}, of which the state directory says nothing that "
                                       "can be read: ask with another key",
                                       id->empty() ? "?" : *id));
    return e;
}

/// @return false when it is over: the key is free again
task<bool> task_admission::join(task_entry_ptr e, principal who)
{
    co_await e->settled.reached(1);
    if (!e->failed)
        ends_.catch_up(e);
    if (e->failed || e->has_ended()) {
        co_await e->released.reached(1);
        co_return false;
    }
    if (subscribe(who, *e))
        co_await kept_.write(e);
    co_return true;
}

task<submitted_task> task_admission::submit(principal who, task_view wish, std::shared_ptr<const graph::dag> dag)
{
    const std::string slot = slot_of(wish);
    for (;;) {
        task_entry_ptr e = slot.empty() ? nullptr : book_.holder(slot);
        if (!e) {
            const task_entry_ptr made = co_await claim(wish, slot);
            if (made) {
                co_await begin(made, dag);
                co_return submitted_task{made->shown.id, true};
            }
            e = winner_of(slot);
            if (!e)
                continue;
        }
        const bool joined = co_await join(e, who);
        if (joined)
            co_return submitted_task{e->shown.id, false};
    }
}

} // namespace potoo::server
