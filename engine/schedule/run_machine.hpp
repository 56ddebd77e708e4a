#pragma once
/// @file
/// The machine that decides what a run does next. It has no clock, does no I/O and starts nothing: it is told what
/// happened and says what follows.
///
/// @code
/// schedule::run_machine machine(dag);
/// carry_out(machine.start());
/// while (!is_terminal(machine.state()))
///     carry_out(machine.apply(next_event()));
/// @endcode
///
/// Recovery: make a machine of the same DAG, call `start_on_request` and `start`, apply the recorded events in their
/// order without carrying out the actions, then ask `for_each_evaluating`, `for_each_in_flight` and `for_each_retrying`
/// what is still to be done. Starts come from the recorded `attempt_started` alone, so that it does not matter which
/// limits held.
///
/// Admission: an attempt starts when the run is not paused, fewer attempts of the run are in flight than the admission
/// limit, its task's pool has a free slot, and fewer items of its task are in flight than `max_active`. Among those
/// that may start: larger `priority` first, then the earlier task, then items that have been tried before, then the
/// earlier item. In flight means running, deferred or cancelling.
///
/// Starts on request: after `start_on_request`, attempts are admitted by `admit` alone, as many as it is asked for, and
/// may be withdrawn by a cancellation until `attempt_started` says that they have begun. So the items of a large
/// fan-out start as there is room for them; until then they have no row. When attempts are admitted changes nothing but
/// that: an admitted attempt that has not begun is to every other decision as one that was not admitted.
///
/// Retries: a failed or timed-out attempt is followed by another while `retry_allowed` and fewer than `retry.limit`
/// retries have been spent. An interrupted attempt is followed by another without spending one. Nothing is retried once
/// a cancellation was asked for.
///
/// A task with `foreach` ends when all its items have, with the worst of their states: `failed`, `timed_out`,
/// `cancelled`, then `success`; `skipped` when all items were. A task without `foreach` has the one item 0.
///
/// Cancellation ends what is not in flight at once and asks attempts in flight to stop; one that ends in another way
/// than `cancelled` keeps what it ended as. With `fail_fast`, an item that ends `failed` or `timed_out` (and is of a
/// task without `allow_failure`) cancels the rest of the run with the reason `upstream`.
///
/// Reopening: a task that has ended runs once more (`task_reopened`), also in a run that has ended; of a task with
/// items only those that did not end well, if so wished, and these also while others of it are under way. Which tasks
/// are reopened together is for `tasks_to_reopen` to say. While the run, or the task, is being cancelled nothing is.
///
/// The run ends `cancelled`, `timed_out` or `failed` by the reason when it was cancelled as a whole; otherwise `failed`
/// when a task without `allow_failure` ended `failed` or `timed_out` (a task can end `upstream_failed` only behind such
/// a task or a cancelled one); otherwise `cancelled` when a task without `allow_failure` ended `cancelled` or
/// `upstream_failed`; otherwise `success`.

#include "engine/graph/dag.hpp"
#include "engine/schedule/events.hpp"
#include "engine/schedule/rank_set.hpp"
#include "engine/schedule/states.hpp"
#include "engine/schedule/trigger_rules.hpp"

#include <potoo/ids.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace potoo::schedule {

struct pool_usage
{
    std::uint32_t used = 0; ///< may exceed `slots` for a while after the pool was made smaller
    std::uint32_t slots = 0;

    friend bool operator==(const pool_usage&, const pool_usage&) = default;
};

/// Every function that takes a task, item or pool throws `std::out_of_range` when there is none of that number.
class run_machine
{
  public:
    /// @param dag must outlive the machine and not change
    /// @throws std::invalid_argument when a task has no retry policy or names a pool that is not there
    explicit run_machine(const graph::dag& dag);

    /// Begins the run. @return what follows, valid until the next call of `start` or `apply`.
    /// @throws std::logic_error when called twice
    std::span<const action> start();

    /// From now on `start` and `apply` start no attempt: they wait for `admit`.
    void start_on_request() noexcept { on_request_ = true; }

    /// Starts what may start now, the first in the order of admission.
    /// @param most attempts to start
    /// @return the starts, valid until the next call of `start`, `apply` or `admit`
    /// @throws std::logic_error when the run has not been started, or without `start_on_request`
    std::span<const action> admit(std::uint32_t most);

    /// `admit` would start an attempt now. O(1).
    [[nodiscard]] bool may_start() const noexcept { return has_room() && !ready_.empty(); }

    /// Takes note of what happened. O(log n) but for what ends because of it, and O(tasks + items tried) for a
    /// cancellation. After an exception the machine is as before.
    /// @return what follows, valid until the next call of `start` or `apply`.
    /// @throws std::logic_error when the run has not been started, or the event speaks of an attempt or evaluation that
    ///         is not under way
    /// @throws std::invalid_argument when a value of the event is out of its range
    std::span<const action> apply(const event& e);

    [[nodiscard]] run_state state() const noexcept;

    /// No attempt is started until it is resumed, should it not have ended by then.
    [[nodiscard]] bool is_paused() const noexcept { return paused_; }

    /// The event would change something.
    [[nodiscard]] bool may_reopen(const task_reopened& e) const;

    /// Its `evaluate_task` was not answered yet.
    [[nodiscard]] bool is_evaluating(task_index task) const;

    /// Some attempt waits for nothing but a slot of this pool. O(1).
    [[nodiscard]] bool wants_slot(pool_index pool) const;

    /// How many do. O(tasks).
    [[nodiscard]] std::uint32_t waiting_for(pool_index pool) const;

    /// Of a task with items of several states: the first there is of cancelling, running, deferred, retrying, queued.
    [[nodiscard]] task_state state_of(task_index task) const;

    [[nodiscard]] task_state state_of(task_index task, item_index item) const;

    /// The latest attempt of an item; 0 when it was not tried yet.
    [[nodiscard]] attempt_number attempt_of(task_index task, item_index item) const;

    /// Items by state. Empty for a task with `foreach` that was not evaluated (yet). O(1).
    [[nodiscard]] state_counts counts(task_index task) const;

    /// Of each state that items of the task are in, the first of these. O(items tried).
    [[nodiscard]] std::array<std::optional<item_index>, task_state_count> first_items(task_index task) const;

    /// 1 for a task without `foreach`; otherwise 0 until it was evaluated.
    [[nodiscard]] std::uint32_t item_count(task_index task) const;

    /// Tasks by state. O(1).
    [[nodiscard]] const state_counts& task_totals() const noexcept { return task_totals_; }

    /// Items of all tasks by state, as `counts` tells them. O(1).
    [[nodiscard]] const state_counts& item_totals() const noexcept { return item_totals_; }

    /// Attempts running, deferred or cancelling. O(1).
    [[nodiscard]] std::uint32_t in_flight() const noexcept { return in_flight_; }

    [[nodiscard]] pool_usage usage_of(pool_index pool) const;

    /// Why the task was asked to stop; `none` when it was not.
    [[nodiscard]] cancel_reason cancel_reason_of(task_index task) const;

    /// Why the whole run was asked to stop; `none` when it was not.
    [[nodiscard]] cancel_reason cancelled_by() const noexcept { return cancelled_by_; }

    [[nodiscard]] const graph::dag& dag() const noexcept { return *dag_; }

    /// Calls `fn(task_index, item_index, attempt_number, task_state)` for every attempt in flight, in order of task and
    /// item. `fn` must not call the machine's `apply`.
    template <class Function>
    void for_each_in_flight(Function&& fn) const
    {
        for_each_item([&](task_index t, item_index i, const item_row& row) {
            if (is_in_flight(row.state))
                fn(t, i, attempt_number(row.attempt), row.state);
        });
    }

    /// Calls `fn(task_index, item_index, attempt_number)` for every item between two attempts, with the attempt to
    /// come, as `arm_retry` named it. `fn` must not call the machine's `apply`.
    template <class Function>
    void for_each_retrying(Function&& fn) const
    {
        for_each_item([&](task_index t, item_index i, const item_row& row) {
            if (row.state == task_state::retrying)
                fn(t, i, attempt_number(row.attempt + 1));
        });
    }

    /// Calls `fn(task_index)` for every task whose `evaluate_task` was not answered yet.
    template <class Function>
    void for_each_evaluating(Function&& fn) const
    {
        for (std::uint32_t t = 0; t < tasks_.size(); ++t)
            if (tasks_[t].evaluating)
                fn(task_index(t));
    }

  private:
    static constexpr std::uint32_t none = UINT32_MAX;

    struct item_row
    {
        std::uint32_t attempt = 0;
        std::uint32_t failures : 24 = 0; ///< that count against the retry limit
        task_state state : 6 = task_state::pending;
        bool begun : 1 = true;     ///< of an attempt in flight: it cannot be withdrawn
        bool slotless : 1 = false; ///< of an attempt in flight: it has given back its slot
    };

    static_assert(sizeof(item_row) == 8);

    struct task_row
    {
        upstream_tally upstream;
        item_row own;              ///< the one item of a task without `foreach`; its state is the task's in any case
        std::uint32_t rank = 0;    ///< place among all tasks by priority and order
        std::uint32_t pool = none; ///< position in `pools_`
        std::uint32_t pool_rank = 0;
        std::uint32_t fan_out = none; ///< position in `fan_outs_`, once the items are known
        std::uint32_t earlier = none; ///< that of its items before it was reopened
        graph::trigger_rule rule = graph::trigger_rule::all_success;
        cancel_reason cancelled_by = cancel_reason::none;
        bool allow_failure : 1 = false;
        bool has_foreach : 1 = false;
        bool needs_evaluation : 1 = false;
        bool evaluating : 1 = false;
    };

    /// The items of one task. Those that never started are the range from `rows.size()` to `count` and cost nothing.
    struct fan_out
    {
        std::uint32_t count = 0;
        std::uint32_t max_active = 0;
        std::uint32_t slotless = 0; ///< items in flight that do not count in `max_active`
        std::uint32_t open = 0;     ///< not in a terminal state
        bool abandoned = false;     ///< those that never started are cancelled
        state_counts counts;
        std::vector<item_row> rows;
        /// Heap, smallest first: every queued item that has a row, and some that are not queued any more.
        std::vector<std::uint32_t> requeued;
        std::vector<std::uint32_t> attempts_before; ///< by item, those before the task was reopened

        /// In flight, and counted in `max_active`.
        [[nodiscard]] std::uint32_t active() const noexcept { return counts.in_flight() - slotless; }
    };

    struct pool_row
    {
        std::uint32_t slots = 0;
        std::uint32_t used = 0;
        std::uint32_t offered = none;       ///< rank that stands for this pool in `ready_`
        std::vector<std::uint32_t> members; ///< tasks by `pool_rank`
        rank_set ready;
    };

    void rank_tasks();
    void fill_pools();

    [[nodiscard]] std::uint32_t checked(task_index task) const;
    [[nodiscard]] std::uint32_t checked(task_index task, item_index item) const;
    [[nodiscard]] const item_row* find_item(task_index task, item_index item) const;
    [[nodiscard]] item_row& in_flight_item(task_index task, item_index item, const char* event_name);
    [[nodiscard]] const fan_out* fan_out_of(const task_row& row) const;
    [[nodiscard]] item_row& row_at(std::uint32_t t, std::uint32_t item);

    void on(const task_evaluated& e);
    void on(const attempt_started& e);
    void on(const attempt_deferred& e);
    void on(const attempt_resumed& e);
    void on(const attempt_ended& e);
    void on(const retry_due& e);
    void on(const cancel_requested& e);
    void on(const task_cancel_requested& e);
    void on(const pool_resized& e);
    void on(const admission_limit_changed& e);
    void on(const run_paused& e);
    void on(const run_resumed& e);
    void on(const task_reopened& e);

    void settle();
    void propagate();
    void consider(std::uint32_t t);
    void become_ready(std::uint32_t t);
    void open_items(std::uint32_t t, std::uint32_t count);
    void start_ready(std::uint32_t most);
    void start_one(std::uint32_t t);
    [[nodiscard]] std::uint32_t next_item(fan_out& items);
    void put_in_flight(std::uint32_t t, std::uint32_t item, std::uint32_t attempt, bool begun);
    void release(std::uint32_t t, std::uint32_t item);
    void release_slot(std::uint32_t t, std::uint32_t item);
    void refresh_ready(std::uint32_t t);
    void offer(pool_row& pool);
    [[nodiscard]] bool wants_start(const task_row& row) const;

    [[nodiscard]] bool has_room() const noexcept
    {
        return !paused_ && (max_attempts_ == 0 || in_flight_ < max_attempts_);
    }

    void requeue(std::uint32_t t, std::uint32_t item);
    void end_item(std::uint32_t t, std::uint32_t item, task_state state);
    void end_task(std::uint32_t t, task_state state);
    void fail_fast_after(std::uint32_t t, task_state state);
    void cancel_run(cancel_reason reason);
    void cancel_task(std::uint32_t t, cancel_reason reason);
    void cancel_item(std::uint32_t t, std::uint32_t item);
    void withdraw(std::uint32_t t, std::uint32_t item);
    void put_back_unbegun(std::uint32_t t, std::uint32_t item);
    void take_back_attempt(std::uint32_t t, std::uint32_t item);
    void reopen_run();
    void recount_upstream();
    void take_back_end(std::uint32_t t);
    void start_over(std::uint32_t t);
    void requeue_unsuccessful(std::uint32_t t);
    void bring_back_attempts(std::uint32_t t);
    [[nodiscard]] bool has_unsuccessful_items(const task_row& row) const;
    void cancel_unstarted(std::uint32_t t);
    [[nodiscard]] static task_state worst_of(const state_counts& items);
    void count_end(const task_row& row, bool taken_back);
    void set_item_state(std::uint32_t t, std::uint32_t item, task_state to);
    void set_task_state(task_row& row, task_state to);

    template <class Function>
    void for_each_item(Function&& fn) const
    {
        for (std::uint32_t t = 0; t < tasks_.size(); ++t) {
            const task_row& row = tasks_[t];
            if (is_terminal(row.own.state))
                continue;
            if (const fan_out* items = fan_out_of(row)) {
                for (std::uint32_t i = 0; i < items->rows.size(); ++i)
                    fn(task_index(t), item_index(i), items->rows[i]);
            } else {
                fn(task_index(t), item_index(0), row.own);
            }
        }
    }

    const graph::dag* dag_;
    std::vector<task_row> tasks_;
    std::vector<std::uint32_t> task_of_rank_;
    std::vector<fan_out> fan_outs_;
    std::vector<pool_row> pools_;
    rank_set ready_; ///< tasks without a pool that want to start, and the first such task of each pool with a free slot

    std::vector<action> actions_;
    std::vector<std::uint32_t> just_ended_; ///< tasks whose successors have not heard of it

    state_counts task_totals_;
    state_counts item_totals_;
    std::uint32_t open_tasks_ = 0;
    std::uint32_t in_flight_ = 0;
    std::uint32_t max_attempts_ = 0;
    cancel_reason cancelled_by_ = cancel_reason::none;
    run_state state_ = run_state::queued;
    bool paused_ = false;
    bool on_request_ = false;
    std::uint32_t failed_tasks_ = 0;    ///< without `allow_failure`, that ended so
    std::uint32_t cancelled_tasks_ = 0; ///< likewise, or `upstream_failed`
};

} // namespace potoo::schedule
