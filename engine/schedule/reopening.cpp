#include "engine/schedule/run_machine.hpp"

#include <algorithm>

namespace potoo::schedule {

bool run_machine::may_reopen(const task_reopened& e) const
{
    const task_row& row = tasks_[checked(e.task)];
    if (state_ == run_state::queued || (!is_terminal(state_) && cancelled_by_ != cancel_reason::none))
        return false;
    if (is_terminal(row.own.state))
        return true;
    return !e.all && row.cancelled_by == cancel_reason::none && has_unsuccessful_items(row);
}

void run_machine::on(const task_reopened& e)
{
    if (!may_reopen(e))
        return;
    const std::uint32_t t = e.task.value();
    if (is_terminal(state_))
        reopen_run();
    const task_row& row = tasks_[t];
    const bool only_items = !e.all && has_unsuccessful_items(row);
    if (is_terminal(row.own.state))
        take_back_end(t);
    if (only_items)
        requeue_unsuccessful(t);
    else
        start_over(t);
}

void run_machine::reopen_run()
{
    // Of what ended after a cancellation nobody was told.
    if (cancelled_by_ != cancel_reason::none)
        recount_upstream();
    cancelled_by_ = cancel_reason::none;
    paused_ = false;
    state_ = run_state::running;
}

/// Every task has ended.
void run_machine::recount_upstream()
{
    for (std::size_t t = 0; t < tasks_.size(); ++t) {
        upstream_tally& tally = tasks_[t].upstream;
        tally = {};
        tally.waiting = static_cast<std::uint32_t>(dag_->tasks[t].upstream.size());
        for (const task_index u : dag_->tasks[t].upstream)
            tally.add(tasks_[u.value()].own.state, tasks_[u.value()].allow_failure);
    }
}

void run_machine::take_back_end(std::uint32_t t)
{
    task_row& row = tasks_[t];
    count_end(row, true);
    ++open_tasks_;
    row.cancelled_by = cancel_reason::none;
    for (const task_index downstream : dag_->tasks[t].downstream)
        tasks_[downstream.value()].upstream.take_back(row.own.state, row.allow_failure);
}

void run_machine::start_over(std::uint32_t t)
{
    task_row& row = tasks_[t];
    if (!row.has_foreach) {
        row.own.failures = 0;
        set_item_state(t, 0, task_state::pending);
    } else {
        set_task_state(row, task_state::pending);
        if (row.fan_out != none) {
            fan_out& items = fan_outs_[row.fan_out];
            for (std::size_t s = 0; s < task_state_count; ++s)
                item_totals_[static_cast<task_state>(s)] -= items.counts[static_cast<task_state>(s)];
            items.counts = {};
            auto& before = items.attempts_before;
            before.resize(std::max(before.size(), items.rows.size()));
            for (std::size_t i = 0; i < items.rows.size(); ++i)
                before[i] = std::max(before[i], items.rows[i].attempt);
            row.earlier = row.fan_out;
            row.fan_out = none;
        }
    }
    consider(t);
}

/// Items of a task that runs once more have been tried before: their attempts are numbered on. One with a key may have
/// another place now, so that all go on from the highest number.
void run_machine::bring_back_attempts(std::uint32_t t)
{
    const task_row& row = tasks_[t];
    if (row.earlier == none)
        return;
    fan_out& items = fan_outs_[row.fan_out];
    items.abandoned = false;
    items.rows.clear();
    items.requeued.clear();
    const auto& before = items.attempts_before;
    const bool by_key = dag_->tasks[t].key.has_value();
    const std::uint32_t highest = before.empty() ? 0 : *std::max_element(before.begin(), before.end());
    const std::size_t tried = by_key && highest > 0 ? items.count : std::min<std::size_t>(items.count, before.size());
    for (std::uint32_t i = 0; i < tried; ++i) {
        items.rows.push_back({by_key ? highest : before[i], 0, task_state::queued});
        items.requeued.push_back(i);
    }
}

bool run_machine::has_unsuccessful_items(const task_row& row) const
{
    const fan_out* items = fan_out_of(row);
    return items && has_unsuccessful(items->counts);
}

void run_machine::requeue_unsuccessful(std::uint32_t t)
{
    fan_out& items = fan_outs_[tasks_[t].fan_out];
    if (items.abandoned) {
        const auto unstarted = items.count - static_cast<std::uint32_t>(items.rows.size());
        items.abandoned = false;
        items.counts.move(task_state::cancelled, task_state::queued, unstarted);
        item_totals_.move(task_state::cancelled, task_state::queued, unstarted);
        items.open += unstarted;
        // The state of the task follows from those that have rows, of which there may be none.
        set_task_state(tasks_[t], task_state::queued);
    }
    for (std::uint32_t i = 0; i < items.rows.size(); ++i) {
        if (!is_unsuccessful(items.rows[i].state))
            continue;
        items.rows[i].failures = 0;
        ++items.open;
        requeue(t, i);
    }
    refresh_ready(t);
}

} // namespace potoo::schedule
