// What a run is told while it is under way, and what had ended runs once more.

#include "engine/runtime/run_executor.hpp"
#include "engine/runtime/run_records.hpp"

#include <utility>

namespace potoo::runtime {

using journal::record;
using journal::record_kind;

void run_executor::pause()
{
    if (!ended_ && !detaching_ && !schedule::is_terminal(machine_.state()))
        enqueue(schedule::run_paused{}, task_record(record_kind::paused, journal::no_task));
}

void run_executor::unpause()
{
    if (!ended_ && !detaching_ && !schedule::is_terminal(machine_.state()))
        enqueue(schedule::run_resumed{}, task_record(record_kind::resumed, journal::no_task));
}

void run_executor::reopen(schedule::reopen_wish wish, std::function<void(reopening)> told)
{
    if (ended_ || detaching_) {
        told(ended_ ? reopening::ended : reopening::let_go);
        return;
    }
    reopenings_.push_back({std::move(wish), std::move(told)});
    wake();
}

void run_executor::take_reopenings()
{
    while (!reopenings_.empty()) {
        const pending_reopening next = std::move(reopenings_.front());
        reopenings_.pop_front();
        next.told(take(next.wish));
    }
}

void run_executor::refuse_reopenings() noexcept
{
    for (const pending_reopening& r : std::exchange(reopenings_, {}))
        r.told(reopening::let_go);
}

reopening run_executor::take(const schedule::reopen_wish& wish)
{
    // One that has ended waits for its last record to be durable, and takes nothing on any more.
    if (schedule::is_terminal(machine_.state()))
        return reopening::ended;
    if (machine_.cancelled_by() != cancel_reason::none)
        return reopening::cancelling;
    const auto standing = [this](task_index t) {
        const schedule::state_counts items = machine_.counts(t);
        return schedule::task_standing{machine_.state_of(t),
                                       dag()[t].foreach.has_value() && schedule::has_unsuccessful(items)};
    };
    const auto all = schedule::tasks_to_reopen(dag(), wish, standing);
    bool any = false;
    for (const schedule::task_reopened& e : all) {
        if (!machine_.may_reopen(e))
            continue;
        any = true;
        reopen(e);
    }
    if (any)
        caused_by_ = services_.log.last();
    return any ? reopening::done : reopening::nothing;
}

void run_executor::reopen(const schedule::task_reopened& e)
{
    if (e.all)
        record_items_to_retry(e);
    record r = task_record(record_kind::task_reopened, e.task);
    r.number = e.all ? 1 : 0;
    append(std::move(r));
    if (!e.all)
        record_items_to_retry(e);
    observer_.task_reopened(e.task);
    forget_end_of(e);
    carry_out(machine_.apply(e));
}

/// So that whoever reads the journal finds them waiting.
void run_executor::record_items_to_retry(const schedule::task_reopened& e)
{
    for (std::uint32_t i = 0; i < machine_.item_count(e.task); ++i) {
        const attempt_number last = machine_.attempt_of(e.task, item_index(i));
        if (last.value() == 0 || !(e.all || schedule::is_unsuccessful(machine_.state_of(e.task, item_index(i)))))
            continue;
        record r = attempt_record(record_kind::retry_scheduled, e.task, item_index(i), last);
        r.number = services_.loop.wall_now().time_since_epoch().count();
        append(std::move(r));
    }
}

/// Before the machine hears of it.
void run_executor::forget_end_of(const schedule::task_reopened& e)
{
    if (!schedule::is_terminal(machine_.state_of(e.task)))
        return;
    values_.reopen(e.task, e.all);
    prepared_[e.task.value()] = nullptr;
    not_evaluable_[e.task.value()] = false;
}

} // namespace potoo::runtime
