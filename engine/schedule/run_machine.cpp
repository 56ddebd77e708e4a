#include "engine/schedule/run_machine.hpp"

#include "engine/schedule/retry_delay.hpp"

#include <stdexcept>
#include <string>

namespace potoo::schedule {
namespace {

task_state state_after(attempt_outcome outcome)
{
    switch (outcome) {
    case attempt_outcome::success:
        return task_state::success;
    case attempt_outcome::failed:
        return task_state::failed;
    case attempt_outcome::timed_out:
        return task_state::timed_out;
    case attempt_outcome::skipped:
        return task_state::skipped;
    case attempt_outcome::cancelled:
    case attempt_outcome::interrupted:
        return task_state::cancelled;
    }
    throw std::invalid_argument("attempt_ended: outcome " + std::to_string(static_cast<int>(outcome)) +
                                " is not one of attempt_outcome");
}

/// What a task whose items are in several states is shown as; `otherwise` when none of them is on its way.
task_state live_state(const state_counts& items, task_state otherwise)
{
    for (const auto s :
         {task_state::cancelling, task_state::running, task_state::deferred, task_state::retrying, task_state::queued})
        if (items[s] > 0)
            return s;
    return otherwise;
}

} // namespace

run_machine::run_machine(const graph::dag& dag) : dag_(&dag), tasks_(dag.tasks.size())
{
    for (std::size_t t = 0; t < tasks_.size(); ++t) {
        const graph::task_spec& spec = dag.tasks[t];
        if (!spec.retry)
            throw std::invalid_argument("task '" + spec.name + "' has no retry policy");
        task_row& row = tasks_[t];
        row.upstream.waiting = static_cast<std::uint32_t>(spec.upstream.size());
        row.rule = spec.rule;
        row.allow_failure = spec.allow_failure;
        row.has_foreach = spec.foreach.has_value();
        row.needs_evaluation = spec.when.has_value() || row.has_foreach;
        if (!row.has_foreach)
            ++item_totals_[task_state::pending];
    }
    open_tasks_ = static_cast<std::uint32_t>(tasks_.size());
    task_totals_[task_state::pending] = open_tasks_;
    rank_tasks();
    fill_pools();
}

std::span<const action> run_machine::start()
{
    if (state_ != run_state::queued)
        throw std::logic_error("the run of '" + dag_->name + "' has been started before");
    state_ = run_state::running;
    actions_.clear();
    for (std::uint32_t t = 0; t < tasks_.size(); ++t)
        consider(t);
    settle();
    return actions_;
}

std::span<const action> run_machine::apply(const event& e)
{
    if (state_ == run_state::queued)
        throw std::logic_error("the run of '" + dag_->name + "' has not been started");
    actions_.clear();
    std::visit([this](const auto& alternative) { on(alternative); }, e);
    settle();
    return actions_;
}

std::span<const action> run_machine::admit(std::uint32_t most)
{
    if (state_ == run_state::queued || !on_request_)
        throw std::logic_error("the run of '" + dag_->name +
                               (on_request_ ? "' has not been started" : "' starts attempts without being asked"));
    actions_.clear();
    start_ready(most);
    return actions_;
}

void run_machine::on(const task_evaluated& e)
{
    const std::uint32_t t = checked(e.task);
    task_row& row = tasks_[t];
    if (!row.evaluating) {
        if (row.cancelled_by != cancel_reason::none)
            return;
        throw std::logic_error("task_evaluated: task '" + dag_->tasks[t].name + "' is not being evaluated (it is " +
                               std::string(to_string(row.own.state)) + ")");
    }
    if (e.verdict > verdict::fail)
        throw std::invalid_argument("task_evaluated: verdict " + std::to_string(static_cast<int>(e.verdict)) +
                                    " is not one of verdict");
    row.evaluating = false;
    switch (e.verdict) {
    case verdict::run:
        open_items(t, e.item_count);
        return;
    case verdict::skip:
        end_task(t, task_state::skipped);
        return;
    case verdict::fail:
        end_task(t, task_state::failed);
        fail_fast_after(t, task_state::failed);
        return;
    }
}

void run_machine::on(const attempt_started& e)
{
    const std::uint32_t t = checked(e.task, e.item);
    const task_state state = state_of(e.task, e.item);
    const attempt_number known = attempt_of(e.task, e.item);
    if (is_in_flight(state) && known == e.attempt) {
        row_at(t, e.item.value()).begun = true;
        return;
    }
    const bool waits = state == task_state::queued || state == task_state::retrying;
    if (!waits || e.attempt <= known)
        throw std::logic_error("attempt_started: task '" + dag_->tasks[t].name + "', item " +
                               std::to_string(e.item.value()) + " cannot start attempt " +
                               std::to_string(e.attempt.value()) + " (it is " + std::string(to_string(state)) +
                               " after attempt " + std::to_string(known.value()) + ")");
    if (state == task_state::retrying)
        actions_.emplace_back(disarm_retry{e.task, e.item});
    put_in_flight(t, e.item.value(), e.attempt.value(), true);
}

void run_machine::on(const attempt_deferred& e)
{
    if (in_flight_item(e.task, e.item, "attempt_deferred").state == task_state::running)
        set_item_state(e.task.value(), e.item.value(), task_state::deferred);
    if (!e.keeps_slot) {
        release_slot(e.task.value(), e.item.value());
        refresh_ready(e.task.value());
    }
}

void run_machine::on(const attempt_resumed& e)
{
    if (in_flight_item(e.task, e.item, "attempt_resumed").state == task_state::deferred)
        set_item_state(e.task.value(), e.item.value(), task_state::running);
}

void run_machine::on(const attempt_ended& e)
{
    item_row& item = in_flight_item(e.task, e.item, "attempt_ended");
    const task_state ended_as = state_after(e.outcome);
    if (!(e.jitter >= -1 && e.jitter <= 1))
        throw std::invalid_argument("attempt_ended: jitter " + std::to_string(e.jitter) + " is not within -1…1");

    const std::uint32_t t = e.task.value();
    const std::uint32_t i = e.item.value();
    const bool may_try_again = item.state != task_state::cancelling;
    const bool is_failure = ended_as == task_state::failed || ended_as == task_state::timed_out;
    release(t, i);

    if (may_try_again && e.outcome == attempt_outcome::interrupted) {
        requeue(t, i);
    } else if (may_try_again && is_failure && e.retry_allowed && item.failures < dag_->tasks[t].retry->limit) {
        ++item.failures;
        set_item_state(t, i, task_state::retrying);
        actions_.emplace_back(arm_retry{e.task, e.item, attempt_number(item.attempt + 1),
                                        retry_delay(*dag_->tasks[t].retry, item.failures, e.jitter)});
        refresh_ready(t);
    } else {
        end_item(t, i, ended_as);
        fail_fast_after(t, ended_as);
    }
}

void run_machine::on(const retry_due& e)
{
    const std::uint32_t t = checked(e.task, e.item);
    if (state_of(e.task, e.item) == task_state::retrying)
        requeue(t, e.item.value());
}

void run_machine::on(const pool_resized& e)
{
    static_cast<void>(usage_of(e.pool));
    pool_row& pool = pools_[e.pool.value()];
    pool.slots = e.slots;
    offer(pool);
}

void run_machine::on(const admission_limit_changed& e)
{
    max_attempts_ = e.max_attempts;
}

void run_machine::settle()
{
    propagate();
    if (!on_request_)
        start_ready(none);
    if (open_tasks_ > 0 || is_terminal(state_))
        return;
    switch (cancelled_by_) {
    case cancel_reason::none:
        state_ = failed_tasks_ > 0      ? run_state::failed
                 : cancelled_tasks_ > 0 ? run_state::cancelled
                                        : run_state::success;
        break;
    case cancel_reason::deadline:
        state_ = run_state::timed_out;
        break;
    case cancel_reason::upstream:
        state_ = run_state::failed;
        break;
    default:
        state_ = run_state::cancelled;
        break;
    }
    actions_.emplace_back(run_ended{state_});
}

/// Tells successors of what ended, and the successors of those that end by it: a work list, because a chain of them may
/// be as long as the DAG.
void run_machine::propagate()
{
    // Nothing is pending in a run that was cancelled.
    if (cancelled_by_ != cancel_reason::none)
        just_ended_.clear();
    for (std::size_t n = 0; n < just_ended_.size(); ++n) {
        const std::uint32_t t = just_ended_[n];
        const task_state ended_as = tasks_[t].own.state;
        const bool allow_failure = tasks_[t].allow_failure;
        for (const task_index downstream : dag_->tasks[t].downstream) {
            tasks_[downstream.value()].upstream.add(ended_as, allow_failure);
            consider(downstream.value());
        }
    }
    just_ended_.clear();
}

void run_machine::consider(std::uint32_t t)
{
    task_row& row = tasks_[t];
    if (row.own.state != task_state::pending || row.evaluating)
        return;
    switch (decide(row.rule, row.upstream)) {
    case trigger_decision::wait:
        return;
    case trigger_decision::start:
        become_ready(t);
        return;
    case trigger_decision::skip:
        end_task(t, task_state::skipped);
        return;
    case trigger_decision::upstream_failed:
        end_task(t, task_state::upstream_failed);
        return;
    }
}

void run_machine::become_ready(std::uint32_t t)
{
    task_row& row = tasks_[t];
    if (!row.needs_evaluation) {
        open_items(t, 1);
        return;
    }
    row.evaluating = true;
    actions_.emplace_back(evaluate_task{task_index(t)});
}

void run_machine::open_items(std::uint32_t t, std::uint32_t count)
{
    task_row& row = tasks_[t];
    if (!row.has_foreach) {
        set_item_state(t, 0, task_state::queued);
    } else if (count == 0) {
        end_task(t, task_state::success);
        return;
    } else {
        row.fan_out = row.earlier != none ? row.earlier : static_cast<std::uint32_t>(fan_outs_.size());
        fan_out& items = row.earlier != none ? fan_outs_[row.earlier] : fan_outs_.emplace_back();
        items.count = items.open = count;
        items.max_active = dag_->tasks[t].max_active;
        items.counts[task_state::queued] = count;
        item_totals_[task_state::queued] += count;
        set_task_state(row, task_state::queued);
        bring_back_attempts(t);
    }
    refresh_ready(t);
}

task_state run_machine::worst_of(const state_counts& items)
{
    for (const auto s : {task_state::failed, task_state::timed_out, task_state::cancelled, task_state::upstream_failed})
        if (items[s] > 0)
            return s;
    return items[task_state::success] == 0 && items[task_state::skipped] > 0 ? task_state::skipped
                                                                             : task_state::success;
}

void run_machine::end_item(std::uint32_t t, std::uint32_t item, task_state state)
{
    task_row& row = tasks_[t];
    if (!row.has_foreach) {
        end_task(t, state);
        return;
    }
    set_item_state(t, item, state);
    fan_out& items = fan_outs_[row.fan_out];
    if (--items.open == 0)
        end_task(t, worst_of(items.counts));
    else
        refresh_ready(t);
}

void run_machine::end_task(std::uint32_t t, task_state state)
{
    task_row& row = tasks_[t];
    if (row.has_foreach)
        set_task_state(row, state);
    else
        set_item_state(t, 0, state);
    refresh_ready(t);
    count_end(row, false);
    --open_tasks_;
    just_ended_.push_back(t);
    actions_.emplace_back(task_ended{task_index(t), state});
}

void run_machine::count_end(const task_row& row, bool taken_back)
{
    if (row.allow_failure || !is_unsuccessful(row.own.state))
        return;
    const bool failed = row.own.state == task_state::failed || row.own.state == task_state::timed_out;
    std::uint32_t& ends = failed ? failed_tasks_ : cancelled_tasks_;
    taken_back ? --ends : ++ends;
}

void run_machine::fail_fast_after(std::uint32_t t, task_state state)
{
    if (!dag_->fail_fast || tasks_[t].allow_failure || cancelled_by_ != cancel_reason::none)
        return;
    if (state == task_state::failed || state == task_state::timed_out)
        cancel_run(cancel_reason::upstream);
}

void run_machine::set_item_state(std::uint32_t t, std::uint32_t item, task_state to)
{
    task_row& row = tasks_[t];
    if (!row.has_foreach) {
        item_totals_.move(row.own.state, to);
        set_task_state(row, to);
        return;
    }
    fan_out& items = fan_outs_[row.fan_out];
    const task_state from = items.rows[item].state;
    items.rows[item].state = to;
    items.counts.move(from, to);
    item_totals_.move(from, to);
    set_task_state(row, live_state(items.counts, row.own.state));
}

void run_machine::set_task_state(task_row& row, task_state to)
{
    task_totals_.move(row.own.state, to);
    row.own.state = to;
}

} // namespace potoo::schedule
