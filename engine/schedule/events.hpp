#pragma once
/// @file
/// What the scheduler is told (events) and what it asks for (actions). Plain values: the same events in the same order
/// give the same actions, so a journal that records the events can bring a machine back to where it was.

#include "engine/schedule/states.hpp"

#include <potoo/error.hpp>
#include <potoo/ids.hpp>
#include <potoo/time.hpp>

#include <cstdint>
#include <variant>

namespace potoo::schedule {

/// What `when` and `foreach` said.
enum class verdict : std::uint8_t
{
    run,
    skip, ///< `when` was false
    fail, ///< an expression could not be evaluated
};

/// The answer to `evaluate_task`. Ignored when the task was cancelled in the meantime.
struct task_evaluated
{
    task_index task;
    schedule::verdict verdict = schedule::verdict::run;
    std::uint32_t item_count = 1; ///< of `foreach`; not looked at when the task has none

    friend bool operator==(const task_evaluated&, const task_evaluated&) = default;
};

/// The attempt has begun. Of an attempt that the machine admitted it says that it cannot be withdrawn any more. Of an
/// item that is queued or retrying, as in a replay, it moves the item to running under that number, whatever limits
/// hold. Ignored when that attempt is known to have begun.
struct attempt_started
{
    task_index task;
    item_index item;
    attempt_number attempt; ///< more than the item's attempts before

    friend bool operator==(const attempt_started&, const attempt_started&) = default;
};

/// The attempt is suspended on something remote. A journal may leave it out: what was started is told by its start.
struct attempt_deferred
{
    task_index task;
    item_index item;
    bool keeps_slot = true; ///< otherwise it counts in its pool and in `max_active` no more, to its end

    friend bool operator==(const attempt_deferred&, const attempt_deferred&) = default;
};

/// The attempt runs again. Changes no decision, so a journal may leave it out.
struct attempt_resumed
{
    task_index task;
    item_index item;

    friend bool operator==(const attempt_resumed&, const attempt_resumed&) = default;
};

/// The attempt under way has ended, whatever was asked of it.
struct attempt_ended
{
    task_index task;
    item_index item;
    attempt_outcome outcome = attempt_outcome::success;
    bool retry_allowed = false; ///< by the failure's class and `retry.on`; the limit is the machine's to count
    double jitter = 0;          ///< -1…1, drawn by whoever makes the event; only used when there is a retry

    friend bool operator==(const attempt_ended&, const attempt_ended&) = default;
};

/// The delay of `arm_retry` has passed. Ignored when the item is not waiting for it (any more).
struct retry_due
{
    task_index task;
    item_index item;

    friend bool operator==(const retry_due&, const retry_due&) = default;
};

/// The whole run is to stop. The first request counts, later ones are ignored. `user` makes the run `cancelled`,
/// `deadline` makes it `timed_out`, `upstream` makes it `failed`; any other reason is an error, because work that
/// detaches (`shutdown`, `lost_lease`) is not cancelled.
struct cancel_requested
{
    cancel_reason reason = cancel_reason::user;

    friend bool operator==(const cancel_requested&, const cancel_requested&) = default;
};

/// One task is to stop, by the user's wish. Ignored when it has ended.
struct task_cancel_requested
{
    task_index task;

    friend bool operator==(const task_cancel_requested&, const task_cancel_requested&) = default;
};

/// A pool has this many slots from now on. When more are taken, they are kept until their attempts end.
struct pool_resized
{
    pool_index pool;
    std::uint32_t slots = 0;

    friend bool operator==(const pool_resized&, const pool_resized&) = default;
};

/// No attempt is started while so many of this run are in flight.
struct admission_limit_changed
{
    std::uint32_t max_attempts = 0; ///< 0 = no limit

    friend bool operator==(const admission_limit_changed&, const admission_limit_changed&) = default;
};

/// No attempt is started until `run_resumed`. Attempts that `admit` gave and that have not begun are withdrawn, and
/// wait again.
struct run_paused
{
    friend bool operator==(const run_paused&, const run_paused&) = default;
};

struct run_resumed
{
    friend bool operator==(const run_resumed&, const run_resumed&) = default;
};

/// The task is to run once more, with attempts numbered on and retries counted anew. A run that had ended goes on;
/// whatever it was cancelled for, or a pause, is over. Of several tasks, those upstream first. Ignored unless
/// `may_reopen`.
struct task_reopened
{
    task_index task;
    bool all = true; ///< as if it had never run: trigger rule, `when` and `foreach` decide anew. Otherwise, of a task
                     ///< with items, those that did not end well are queued

    friend bool operator==(const task_reopened&, const task_reopened&) = default;
};

using event = std::variant<task_evaluated, attempt_started, attempt_deferred, attempt_resumed, attempt_ended, retry_due,
                           cancel_requested, task_cancel_requested, pool_resized, admission_limit_changed, run_paused,
                           run_resumed, task_reopened>;

/// Evaluate the task's `when` and `foreach`, then apply `task_evaluated`. Only for tasks that have one of them.
struct evaluate_task
{
    task_index task;

    friend bool operator==(const evaluate_task&, const evaluate_task&) = default;
};

/// Start this attempt, then apply `attempt_ended` once when it has ended. One that `admit` gave is begun by
/// `attempt_started`.
struct start_attempt
{
    task_index task;
    item_index item;
    attempt_number attempt;

    friend bool operator==(const start_attempt&, const start_attempt&) = default;
};

/// Apply `retry_due` after the delay.
struct arm_retry
{
    task_index task;
    item_index item;
    attempt_number attempt; ///< the one that will start
    duration delay{0};

    friend bool operator==(const arm_retry&, const arm_retry&) = default;
};

/// `retry_due` is not needed any more: the item has ended `cancelled`.
struct disarm_retry
{
    task_index task;
    item_index item;

    friend bool operator==(const disarm_retry&, const disarm_retry&) = default;
};

/// Do not start this attempt, which `admit` gave and which has not begun: its item has ended `cancelled`, or waits
/// because the run is paused.
struct withdraw_attempt
{
    task_index task;
    item_index item;
    attempt_number attempt;

    friend bool operator==(const withdraw_attempt&, const withdraw_attempt&) = default;
};

/// Ask this attempt to stop. It stays in flight, `cancelling`, until `attempt_ended`.
struct cancel_attempt
{
    task_index task;
    item_index item;
    attempt_number attempt;
    cancel_reason reason = cancel_reason::user;

    friend bool operator==(const cancel_attempt&, const cancel_attempt&) = default;
};

/// The task has reached a terminal state. Once per task, and once more each time that it was reopened.
struct task_ended
{
    task_index task;
    task_state state = task_state::success;

    friend bool operator==(const task_ended&, const task_ended&) = default;
};

/// Every task has ended. The last action, unless a task is reopened.
struct run_ended
{
    run_state state = run_state::success;

    friend bool operator==(const run_ended&, const run_ended&) = default;
};

using action = std::variant<evaluate_task, start_attempt, arm_retry, disarm_retry, withdraw_attempt, cancel_attempt,
                            task_ended, run_ended>;

} // namespace potoo::schedule
