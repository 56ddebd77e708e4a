// How a run that the journal knows is brought back to where it was.

#include "engine/runtime/launch_name.hpp"
#include "engine/runtime/run_executor.hpp"

#include <fmt/format.h>

#include <stdexcept>

namespace potoo::runtime {

using journal::record;
using journal::record_kind;
using journal::recorded_state;
using schedule::attempt_outcome;

namespace {

json::value data_of(const record& r)
{
    return parse_recorded(r.data);
}

cancel_reason reason_named(std::string_view name)
{
    for (const cancel_reason r : {cancel_reason::user, cancel_reason::deadline, cancel_reason::upstream}) {
        if (to_string(r) == name)
            return r;
    }
    throw std::runtime_error(fmt::format("the journal names the unknown cancellation reason '{}'", name));
}

} // namespace

void run_executor::recover(journal::run_number number, std::span<const record> records,
                           std::function<void()> when_ended)
{
    number_ = number;
    begin(std::move(when_ended));
    replaying_ = true;
    machine_.start();
    wall_time first_started = plan_.created;
    for (const record& r : records)
        replay(r);
    replaying_ = false;
    arm_deadline(first_started);
    append([] {
        record r;
        r.kind = record_kind::run_started;
        return r;
    }());
    observer_.run_started(*this, true);
    pumping_ = true;
    restart_in_flight();
    pumping_ = false;
    wake();
}

void run_executor::replay_event(const schedule::event& e)
{
    carry_out(machine_.apply(e));
}

void run_executor::replay(const record& r)
{
    const item_key key = key_of(r.task, r.item);
    switch (r.kind) {
    case record_kind::task_evaluated: {
        schedule::task_evaluated e{r.task, schedule::verdict::run, static_cast<std::uint32_t>(r.number)};
        if (r.state == recorded_state::skipped)
            e.verdict = schedule::verdict::skip;
        else if (r.state == recorded_state::failed) {
            e.verdict = schedule::verdict::fail;
            values_.set_error(r.task, item_index(0), data_of(r).as_object());
        } else if (dag()[r.task].foreach && expand_items(r.task) != e.item_count)
            throw std::runtime_error(fmt::format(
                "`foreach` of task `{}` yields another number of items than it did before", dag()[r.task].name));
        replay_event(e);
        break;
    }
    case record_kind::attempt_ended: {
        attempt_result result;
        result.outcome = outcome_of(r.state);
        if (result.outcome == attempt_outcome::success)
            values_.set_output(r.task, r.item, data_of(r));
        else if (!r.data.empty()) {
            result.error = data_of(r).as_object();
            values_.set_error(r.task, r.item, result.error);
        }
        history_.erase(key);
        replay_event(schedule::attempt_ended{r.task, r.item, result.outcome,
                                             retry_allowed(*dag()[r.task].retry, result),
                                             replayable_fraction(id(), r.task, r.item, r.attempt) * 2 - 1});
        break;
    }
    case record_kind::attempt_interrupted:
        history_.erase(key);
        replay_event(schedule::attempt_ended{r.task, r.item, attempt_outcome::interrupted, false, 0});
        break;
    case record_kind::retry_scheduled:
        history_[key].retry_at = wall_time(std::chrono::milliseconds(r.number));
        break;
    case record_kind::retry_due:
        history_.erase(key);
        replay_event(schedule::retry_due{r.task, r.item});
        break;
    case record_kind::attempt_started:
        if (!history_[key].started)
            history_[key].started = r.at;
        break;
    case record_kind::cancel_requested:
        if (r.task == journal::no_task)
            replay_event(schedule::cancel_requested{reason_named(r.name)});
        else
            replay_event(schedule::task_cancel_requested{r.task});
        break;
    case record_kind::paused:
        replay_event(schedule::run_paused{});
        break;
    case record_kind::resumed:
        replay_event(schedule::run_resumed{});
        break;
    case record_kind::step_recorded:
    case record_kind::launch_intent:
    case record_kind::launch_recorded:
    case record_kind::callback_completed:
        history_[key].steps.push_back(r);
        break;
    // Say nothing that the machine does not know: it said so itself, or they change no decision.
    case record_kind::run_created:
    case record_kind::run_started:
    case record_kind::run_ended:
    case record_kind::task_ended:
    case record_kind::attempt_deferred:
    case record_kind::attempt_resumed:
    case record_kind::pool_resized:
        break;
    }
}

void run_executor::restart_in_flight()
{
    std::vector<task_index> evaluating;
    machine_.for_each_evaluating([&](task_index t) { evaluating.push_back(t); });
    for (const task_index t : evaluating)
        carry_out(schedule::evaluate_task{t});

    machine_.for_each_retrying([&](task_index t, item_index i, attempt_number) {
        const auto found = history_.find(key_of(t, i));
        const wall_time due = found == history_.end() ? wall_time{} : found->second.retry_at;
        set_retry_timer(t, i, std::max(due - services_.loop.wall_now(), duration{0}));
    });

    machine_.for_each_in_flight([&](task_index t, item_index i, attempt_number n, schedule::task_state) {
        const auto found = history_.find(key_of(t, i));
        if (found != history_.end() && !found->second.steps.empty()) {
            starts_.push_back({t, i, n, services_.log.last()});
            return;
        }
        record r;
        r.kind = record_kind::attempt_interrupted;
        r.task = t;
        r.item = i;
        r.attempt = n;
        enqueue(schedule::attempt_ended{t, i, attempt_outcome::interrupted, false, 0}, std::move(r));
    });

    // The crash may have come between the last end and the record of it.
    if (schedule::is_terminal(machine_.state()))
        carry_out(schedule::run_ended{machine_.state()});
}

} // namespace potoo::runtime
