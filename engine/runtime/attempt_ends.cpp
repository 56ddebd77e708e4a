// How attempts are told to stop, and what is recorded of their ends.

#include "engine/runtime/launch_name.hpp"
#include "engine/runtime/run_executor.hpp"
#include "engine/runtime/run_records.hpp"
#include "engine/runtime/stop_timer.hpp"

#include <cassert>
#include <utility>

namespace potoo::runtime {

using journal::record;
using journal::record_kind;

void run_executor::carry_out(const schedule::cancel_attempt& a)
{
    if (replaying_)
        return;
    // One that is to be replayed is told as it starts, and stops what it had launched.
    if (live_attempt* found = attempts_.find(a.task, a.item))
        stop_once_recorded(*found, a.reason);
}

/// The machine has taken the cancellation; whoever acts on it must find it in the journal after a crash.
void run_executor::stop_once_recorded(live_attempt& a, cancel_reason reason)
{
    const journal::position after = services_.log.last();
    if (services_.log.is_durable(after)) {
        a.stop(reason);
        return;
    }
    const steady_time due = services_.loop.now() + longest_wait_to_stop;
    a.prepare_to_stop(reason);
    stops_.push_back({a.task_at(), a.item(), a.attempt(), after, due});
    if (stops_.size() > 1)
        return;
    if (!stop_timer_)
        stop_timer_ = std::make_unique<stop_timer>(*this);
    if (!stop_timer_->armed())
        services_.loop.arm(*stop_timer_, due);
}

void run_executor::stop_what_may_stop()
{
    while (!stops_.empty()) {
        const pending_stop s = stops_.front();
        if (!services_.log.is_durable(s.after) && services_.loop.now() < s.due) {
            if (!stop_timer_->armed())
                services_.loop.arm(*stop_timer_, s.due);
            return;
        }
        stops_.pop_front();
        live_attempt* found = attempts_.find(s.task, s.item);
        if (found && found->attempt() == s.attempt)
            found->go_on_to_stop();
    }
    stop_timer_.reset();
}

void run_executor::attempt_has_ended(live_attempt& a, attempt_result&& result)
{
    if (a.is_reconciliation()) {
        reconciliation_has_ended(a);
        return;
    }
    const task_index task = a.task_at();
    const item_index item = a.item();
    assert(attempts_.find(task, item) == &a);
    retired_.push_back(attempts_.take(task, item));
    callbacks_.forget(task, item, a.attempt());
    const cancel_reason stopped = a.stop_requested();
    const bool let_go = stopped == cancel_reason::shutdown || stopped == cancel_reason::lost_lease;
    if (let_go && result.outcome == schedule::attempt_outcome::cancelled) {
        wake();
        return;
    }
    auto e = std::make_unique<pending_event>(std::move(result));
    attempt_result& r = e->result;
    mask_.clean(r.output);
    for (auto& member : r.error)
        mask_.clean(member.value());
    fill(e->record, record_kind::attempt_ended, task, item, a.attempt());
    e->record.data = recorded_data(r);
    e->record.state = to_recorded(r.outcome);
    e->record.number = std::chrono::floor<std::chrono::milliseconds>(clock_.look() - a.started()).count();
    const bool retry = retry_allowed(*dag()[task].retry, r);
    const double jitter = retry ? replayable_fraction(id(), task, item, a.attempt()) * 2 - 1 : 0;
    e->event = schedule::attempt_ended{task, item, r.outcome, retry, jitter};
    e->remote = remote_record(a);
    if (!unconfirmed_.empty())
        unconfirmed_.erase({task, item, a.attempt()});
    enqueue(std::move(e));
}

/// A crash may have come between an earlier such record and the end of the attempt.
std::unique_ptr<record> run_executor::remote_record(const live_attempt& a) const
{
    const bool announced = !unconfirmed_.empty() && unconfirmed_.contains({a.task_at(), a.item(), a.attempt()});
    if (a.unconfirmed().empty() && !announced)
        return nullptr;
    const auto kind = a.unconfirmed().empty() ? record_kind::remote_confirmed : record_kind::remote_unconfirmed;
    auto r = std::make_unique<record>(attempt_record(kind, a.task_at(), a.item(), a.attempt()));
    r->name = a.token().value();
    if (!a.unconfirmed().empty()) {
        r->data = json::serialize(json::string(mask_.clean(a.unconfirmed())));
        r->number = a.handlers();
    }
    return r;
}

} // namespace potoo::runtime
