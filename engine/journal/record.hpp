#pragma once
/// @file
/// What the journal records: one `record` for each thing that happened to a run. Records are only ever appended; what
/// is not in the journal did not happen.

#include <potoo/ids.hpp>
#include <potoo/time.hpp>

#include <array>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

namespace potoo::journal {

/// Short name of a run within one store, from 1 in the order of creation. Records carry it instead of the `run_id`.
using run_number = strong_id<struct run_number_tag, std::uint32_t>;

/// Position of a record in its store: grows from one record to the next over all runs, with no promise of no gaps.
using record_seq = strong_id<struct record_seq_tag, std::uint64_t>;

/// In a record that speaks of the whole run.
inline constexpr task_index no_task{std::numeric_limits<std::uint32_t>::max()};

/// In a record that speaks of the whole task.
inline constexpr item_index no_item{std::numeric_limits<std::uint32_t>::max()};

/// What happened. The numbers are in files: they never change and are never used again.
enum class record_kind : std::uint8_t
{
    run_created = 1,
    run_started = 2,
    run_ended = 3,
    task_evaluated = 4,
    task_ended = 5,
    attempt_started = 6,
    attempt_deferred = 7,
    attempt_resumed = 8,
    attempt_ended = 9,
    attempt_interrupted = 10,
    retry_scheduled = 11,
    step_recorded = 12,
    launch_intent = 13,
    launch_recorded = 14,
    cancel_requested = 15,
    callback_completed = 16,
    paused = 17,
    resumed = 18,
    pool_resized = 19,
    retry_due = 20,
    remote_unconfirmed = 21,
    remote_confirmed = 22,
    callback_opened = 23,
    run_reopened = 24,
    task_reopened = 25,
};

/// The state that a record or a row speaks of. The numbers are in files: they never change and are never used again.
enum class recorded_state : std::uint8_t
{
    none = 0,
    pending = 1,
    queued = 2,
    running = 3,
    deferred = 4,
    retrying = 5,
    cancelling = 6,
    paused = 7,
    success = 8,
    failed = 9,
    timed_out = 10,
    cancelled = 11,
    skipped = 12,
    upstream_failed = 13,
};

inline constexpr std::size_t recorded_state_count = 14;

/// Nothing follows such a state but a new attempt or a retry of the run.
[[nodiscard]] constexpr bool is_final(recorded_state s) noexcept
{
    return s >= recorded_state::success;
}

/// What is known about a kind of record.
struct record_kind_details
{
    record_kind kind;
    std::string_view name;
    std::string_view when; ///< at which moment it is written
    /// Whoever caused the record goes on only when it is durable. The others need no wait: a replay derives them, or
    /// their loss leads to the same end. Records become durable in the order in which they were appended, so that
    /// waiting for one is waiting for all before it.
    bool awaited;
    std::string_view fields; ///< which fields it uses, besides `run`, `kind`, `at` and `epoch`
};

/// The one table of all kinds, in order of number from 1.
inline constexpr std::array record_kinds{
    record_kind_details{record_kind::run_created, "run_created", "a run is created, with its DAG and parameters", true,
                        "-"},
    record_kind_details{record_kind::run_started, "run_started", "an engine begins with a run, or goes on with it",
                        false, "-"},
    record_kind_details{record_kind::run_ended, "run_ended", "the last task has ended, or the run was ended", true,
                        "state; data = error, if any"},
    record_kind_details{record_kind::task_evaluated, "task_evaluated",
                        "the condition and the items of a task are known", false,
                        "task; number = items (a task of which this is not recorded has one); state = skipped or "
                        "failed, if that came of it; data = error, if any"},
    record_kind_details{record_kind::task_ended, "task_ended",
                        "the last item of a task has ended, or the task ends without any", false,
                        "task, state; data = error of `when` or `foreach`, if any"},
    record_kind_details{record_kind::attempt_started, "attempt_started", "an attempt starts", false,
                        "task, item, attempt; name = the item's key, if the task gives one"},
    record_kind_details{record_kind::attempt_deferred, "attempt_deferred", "an attempt waits on something remote",
                        false, "task, item, attempt"},
    record_kind_details{record_kind::attempt_resumed, "attempt_resumed", "a deferred attempt goes on", false,
                        "task, item, attempt"},
    record_kind_details{record_kind::attempt_ended, "attempt_ended", "an attempt has ended", true,
                        "task, item, attempt, state; number = duration in ms; data = output, or error "
                        "`{class, code, message}`"},
    record_kind_details{record_kind::attempt_interrupted, "attempt_interrupted",
                        "an engine that goes on with a run finds an attempt that died with the engine before", false,
                        "task, item, attempt"},
    record_kind_details{record_kind::retry_scheduled, "retry_scheduled", "an attempt failed and another is due later",
                        false, "task, item, attempt (that failed); number = when the next is due, ms since 1970"},
    record_kind_details{
        record_kind::step_recorded, "step_recorded", "a step of an operator is done, or a fact of it is recorded", true,
        "task, item, attempt, branch, step, name; number = what it is: 0 a step or a fact, 1 `now`, 2 `sleep_until`, 4 "
        "who decided an `any` or `all` (only 0 is waited for); step = 4294967295 for a fact, which has no place; state "
        "= success or failed; data = result or error"},
    record_kind_details{record_kind::launch_intent, "launch_intent", "a remote job is about to be submitted", true,
                        "task, item, attempt; name = launch token"},
    record_kind_details{record_kind::launch_recorded, "launch_recorded", "the remote side has accepted a job", true,
                        "task, item, attempt; name = launch token; data = job id"},
    record_kind_details{record_kind::cancel_requested, "cancel_requested",
                        "somebody, or the run's deadline, asks to cancel", true,
                        "task, if not all of the run; name = reason"},
    record_kind_details{record_kind::callback_completed, "callback_completed",
                        "what an attempt waits for was delivered from outside", true,
                        "task, item, attempt, branch, step; name = callback; state = success or failed; data = what "
                        "was delivered"},
    record_kind_details{record_kind::paused, "paused", "somebody pauses the run", true, "-"},
    record_kind_details{record_kind::resumed, "resumed", "somebody lets a paused run go on", true, "-"},
    record_kind_details{record_kind::pool_resized, "pool_resized", "somebody changes the slots of a pool", true,
                        "name = pool; number = slots"},
    record_kind_details{record_kind::retry_due, "retry_due",
                        "the delay of a retry has passed: the next attempt may be admitted", false, "task, item"},
    record_kind_details{record_kind::remote_unconfirmed, "remote_unconfirmed",
                        "an attempt ends, in whatever way, and something that it began may run still: no confirmation "
                        "came, clean-up failed, or nobody looked after what it had launched",
                        false,
                        "task, item, attempt; name = launch token; number = handlers of `on_cancel` that it had; data "
                        "= why, a JSON string"},
    record_kind_details{record_kind::remote_confirmed, "remote_confirmed",
                        "it has since been confirmed that nothing of such an attempt runs", true,
                        "task, item, attempt; name = launch token, or nothing for all of the attempt's"},
    record_kind_details{record_kind::callback_opened, "callback_opened",
                        "an attempt begins to wait for something delivered from outside", true,
                        "task, item, attempt, branch, step; name = callback; data = token, a JSON string, or an "
                        "object of `token` and what it is `about`"},
    record_kind_details{record_kind::run_reopened, "run_reopened",
                        "somebody wants tasks of a run that has ended to run once more", true, "-"},
    record_kind_details{record_kind::task_reopened, "task_reopened",
                        "a task that has ended is to run once more, or some items of it", true,
                        "task; number = 1 as a whole, 0 only the items that did not end well; each item that was "
                        "tried has a retry_scheduled beside it"},
};

static_assert(record_kinds.back().kind == record_kind::task_reopened &&
              record_kinds.size() == static_cast<std::size_t>(record_kind::task_reopened));

[[nodiscard]] constexpr const record_kind_details& details(record_kind k) noexcept
{
    return record_kinds[static_cast<std::size_t>(k) - 1];
}

/// `run_created`, … as in the enumeration.
[[nodiscard]] constexpr std::string_view to_string(record_kind k) noexcept
{
    return details(k).name;
}

/// `pending`, … as in the enumeration; `none` is empty.
[[nodiscard]] constexpr std::string_view to_string(recorded_state s) noexcept
{
    constexpr std::array<std::string_view, recorded_state_count> names{
        "",       "pending", "queued", "running",   "deferred",  "retrying", "cancelling",
        "paused", "success", "failed", "timed_out", "cancelled", "skipped",  "upstream_failed"};
    return names[static_cast<std::size_t>(s)];
}

/// One thing that happened. Fields that a kind does not use keep their defaults, which take next to no room.
struct record
{
    run_number run;
    record_kind kind{};
    recorded_state state = recorded_state::none;
    task_index task = no_task;
    item_index item = no_item;
    attempt_number attempt{0};
    std::uint32_t step = 0;  ///< position among the steps of the same branch
    std::int64_t number = 0; ///< by kind: a duration, an instant, a count
    wall_time at{};
    std::uint64_t epoch = 0; ///< of the ownership under which it was written
    std::string branch;      ///< path through `all` and `any` by position, `1.0`; empty = the attempt's own line
    std::string name;
    std::string data; ///< JSON text; empty = nothing

    friend bool operator==(const record&, const record&) = default;
};

/// Where a piece of log came from. The numbers are in files.
enum class log_stream : std::uint8_t
{
    out = 1,    ///< standard output of a process
    err = 2,    ///< its standard error
    engine = 3, ///< what the operator or the engine said
};

/// `stdout`, `stderr`, `engine`.
[[nodiscard]] constexpr std::string_view to_string(log_stream s) noexcept
{
    switch (s) {
    case log_stream::out:
        return "stdout";
    case log_stream::err:
        return "stderr";
    case log_stream::engine:
        return "engine";
    }
    return "?";
}

/// A piece of an attempt's log. Any bytes; nothing waits for it.
struct log_chunk
{
    run_number run;
    task_index task;
    item_index item;
    attempt_number attempt;
    log_stream stream = log_stream::out;
    wall_time at{};
    std::string text;

    friend bool operator==(const log_chunk&, const log_chunk&) = default;
};

} // namespace potoo::journal
