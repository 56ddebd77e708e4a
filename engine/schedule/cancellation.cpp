#include "engine/schedule/run_machine.hpp"

#include <stdexcept>
#include <string>

namespace potoo::schedule {

void run_machine::on(const cancel_requested& e)
{
    if (e.reason != cancel_reason::user && e.reason != cancel_reason::deadline && e.reason != cancel_reason::upstream)
        throw std::invalid_argument("cancel_requested: a run is not cancelled for the reason '" +
                                    std::string(to_string(e.reason)) + "'; it is for user, deadline or upstream");
    if (cancelled_by_ == cancel_reason::none && !is_terminal(state_))
        cancel_run(e.reason);
}

void run_machine::on(const task_cancel_requested& e)
{
    cancel_task(checked(e.task), cancel_reason::user);
}

void run_machine::cancel_run(cancel_reason reason)
{
    cancelled_by_ = reason;
    for (std::uint32_t t = 0; t < tasks_.size(); ++t)
        cancel_task(t, reason);
}

void run_machine::cancel_task(std::uint32_t t, cancel_reason reason)
{
    task_row& row = tasks_[t];
    if (is_terminal(row.own.state) || row.cancelled_by != cancel_reason::none)
        return;
    row.cancelled_by = reason;
    row.evaluating = false;
    if (row.own.state == task_state::pending) {
        end_task(t, task_state::cancelled);
    } else if (!row.has_foreach) {
        cancel_item(t, 0);
    } else {
        fan_out& items = fan_outs_[row.fan_out];
        items.requeued.clear();
        cancel_unstarted(t);
        for (std::uint32_t i = 0; i < items.rows.size(); ++i)
            cancel_item(t, i);
    }
}

void run_machine::cancel_item(std::uint32_t t, std::uint32_t item)
{
    const item_row& row = row_at(t, item);
    switch (row.state) {
    case task_state::retrying:
        actions_.emplace_back(disarm_retry{task_index(t), item_index(item)});
        end_item(t, item, task_state::cancelled);
        return;
    case task_state::queued:
        end_item(t, item, task_state::cancelled);
        return;
    case task_state::running:
    case task_state::deferred:
        if (!row.begun)
            return withdraw(t, item);
        actions_.emplace_back(
            cancel_attempt{task_index(t), item_index(item), attempt_number(row.attempt), tasks_[t].cancelled_by});
        set_item_state(t, item, task_state::cancelling);
        return;
    default:
        return;
    }
}

void run_machine::withdraw(std::uint32_t t, std::uint32_t item)
{
    take_back_attempt(t, item);
    end_item(t, item, task_state::cancelled);
}

/// To be followed by what becomes of its item.
void run_machine::take_back_attempt(std::uint32_t t, std::uint32_t item)
{
    item_row& row = row_at(t, item);
    actions_.emplace_back(withdraw_attempt{task_index(t), item_index(item), attempt_number(row.attempt)});
    --row.attempt;
    row.begun = true;
    release(t, item);
}

/// Ends the items that never started, without making a row for each.
void run_machine::cancel_unstarted(std::uint32_t t)
{
    fan_out& items = fan_outs_[tasks_[t].fan_out];
    const auto unstarted = items.count - static_cast<std::uint32_t>(items.rows.size());
    if (unstarted == 0)
        return;
    items.abandoned = true;
    items.counts.move(task_state::queued, task_state::cancelled, unstarted);
    item_totals_.move(task_state::queued, task_state::cancelled, unstarted);
    items.open -= unstarted;
    if (items.open == 0)
        end_task(t, worst_of(items.counts));
    else
        refresh_ready(t);
}

} // namespace potoo::schedule
