#pragma once
/// @file
/// Carries out one run: asks the machine what follows, starts attempts as coroutines, and writes every event to the
/// journal before anything that depends on it is started.
///
/// A run that was stopped is brought back by the same path: its records are applied to a fresh machine (`recover`), and
/// what was under way is started again. Attempts that left steps behind go on from them; others were interrupted and
/// get a new number.
///
/// An attempt that ended without a confirmation that nothing of it runs at a remote side is *reconciled* when its run
/// is recovered, which may have ended: its operator runs again from its records, beside the machine, only to be stopped
/// for certain.

#include "engine/graph/dag.hpp"
#include "engine/runtime/attempt_table.hpp"
#include "engine/runtime/callback_book.hpp"
#include "engine/runtime/live_attempt.hpp"
#include "engine/runtime/outside_values.hpp"
#include "engine/runtime/prepared_task.hpp"
#include "engine/runtime/run_observer.hpp"
#include "engine/runtime/run_origin.hpp"
#include "engine/runtime/secret_mask.hpp"
#include "engine/runtime/services.hpp"
#include "engine/runtime/task_values.hpp"
#include "engine/runtime/turn_clock.hpp"
#include "engine/schedule/explain.hpp"
#include "engine/schedule/run_machine.hpp"
#include "engine/schedule/tasks_to_reopen.hpp"

#include <potoo/expression.hpp>

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <tuple>
#include <unordered_map>
#include <vector>

namespace potoo::runtime {

/// What a run is made from.
struct run_plan
{
    run_id id;
    std::shared_ptr<const graph::dag> dag;
    json::object params;                             ///< complete and checked
    json::object secrets;                            ///< name → text, resolved
    std::shared_ptr<const outside_values> outside{}; ///< of the configuration: counts after what the DAG says; or null
    wall_time created{};
    run_origin origin{};
};

/// What became of a wish that tasks run once more.
enum class reopening : std::uint8_t
{
    done,
    nothing,    ///< there is nothing to run once more
    ended,      ///< the run has ended
    cancelling, ///< the run is being cancelled
    let_go,     ///< the run has been let go of
};

class run_executor final : private ready_node, private timer_node, private start_gate::client, public pool_book::client
{
  public:
    /// `s`, `mask` and `observer` must outlive it.
    run_executor(services& s, run_plan plan, secret_mask& mask, run_observer& observer);
    ~run_executor();

    /// Creates the run in the journal and starts it. @param when_ended called on the loop, once the end is durable or
    /// the run has been detached; the executor may be destroyed from there on, but not in it
    void start(std::function<void()> when_ended);

    /// Goes on with a run that the journal knows. Of one that has ended only what is unconfirmed is reconciled: its
    /// state stays, and neither a start nor an end is recorded or told to the observer. @param when_ended called when
    /// the reconciliations have ended too
    /// @param records all of its records, in order
    void recover(journal::run_number number, std::span<const journal::record> records,
                 std::function<void()> when_ended);

    /// Asks the whole run to stop. Ignored when it has ended.
    void cancel(cancel_reason reason);

    /// Asks one task to stop, all its items, by a person's wish. Ignored when it has ended.
    /// @throws std::out_of_range when there is no such task
    void cancel(task_index task);

    /// Starts no attempt until `unpause`; those under way go on. Ignored when the run has ended.
    void pause();
    void unpause();

    /// Lets tasks run once more, after what the run was told before. @param told called once, on the loop; in the
    /// journal's line by then
    void reopen(schedule::reopen_wish wish, std::function<void(reopening)> told);

    /// Delivers what an attempt waits for in `context::completion`. @param data the answer; of a failure a string, or
    /// an object with `message` and `code`, says why
    /// @throws fatal when `data` is larger than a result may be
    callback_outcome complete_callback(std::string_view token, bool success, json::value data);

    /// A sign of life of what an attempt waits for. @param fraction nothing = as it was
    callback_outcome hear_of_callback(std::string_view token, std::optional<double> fraction, std::string_view message);

    /// Why a task, or one item of it, does not run, or why it does: what this run knows of it, and of the engine.
    /// @throws std::out_of_range when there is no such task or item
    [[nodiscard]] schedule::explanation why(task_index task, std::optional<item_index> item) const;

    /// Lets go of the run without ending it: local processes are stopped, remote jobs are left alone, nothing more is
    /// recorded.
    void detach();

    [[nodiscard]] bool detached() const noexcept { return detaching_; }

    /// The durable part of the journal has grown.
    void durable(journal::position p);

    [[nodiscard]] const run_id& id() const noexcept { return plan_.id; }

    [[nodiscard]] const graph::dag& dag() const noexcept { return *plan_.dag; }

    [[nodiscard]] const schedule::run_machine& machine() const noexcept { return machine_; }

    [[nodiscard]] runtime::services& services() noexcept { return services_; }

    [[nodiscard]] const task_values& values() const noexcept { return values_; }

    [[nodiscard]] callback_book& callbacks() noexcept { return callbacks_; }

    [[nodiscard]] const bindings& names() const noexcept { return names_; }

    [[nodiscard]] const secret_mask& mask() const noexcept { return mask_; }

    void conceal(std::string secret) { mask_.add(std::move(secret)); }

    [[nodiscard]] steady_time deadline() const noexcept { return deadline_; }

    [[nodiscard]] const turn_clock& clock() const noexcept { return clock_; }

    [[nodiscard]] steady_clock::duration elapsed() const noexcept { return services_.loop.now() - started_; }

    /// @throws fatal
    [[nodiscard]] const prepared_task& prepared(task_index task);
    /// @throws fatal when its settings cannot be rendered
    [[nodiscard]] const json::object* connection(std::string_view name);
    [[nodiscard]] const json::object* shared_connection(std::string_view name) const;
    /// @throws expression_error when there is none
    [[nodiscard]] const json::value* secret(std::string_view name) const;

    journal::position append(journal::record&& r);
    void add_log(live_attempt& a, journal::log_stream stream, std::string text);
    void note_deferred(live_attempt& a, bool deferred);
    void note_progress(live_attempt& a, double fraction, std::string_view message);
    void note_property(live_attempt& a, std::string_view name, json::value value);

    /// From the attempt, once: it is destroyed soon after.
    void attempt_has_ended(live_attempt& a, attempt_result&& result);

  private:
    /// A journal that cannot be written does not keep an attempt from being stopped for longer.
    static constexpr duration longest_wait_to_stop{10'000};

    /// Attempts started in one turn of the loop, so that I/O gets its turn while a large fan-out starts.
    static constexpr std::size_t starts_a_turn = 512;

    /// Attempts that are admitted and wait for their turn or the journal, so that a large fan-out streams in.
    static constexpr std::size_t most_pending_starts = 4'096;

    struct pending_event : detail::slab_allocated
    {
        pending_event(schedule::event e, journal::record&& r) : event(e), record(std::move(r)) {}

        explicit pending_event(attempt_result&& r) : result(std::move(r)) {}

        schedule::event event;
        journal::record record;
        attempt_result result;                   ///< of an attempt that ended
        std::unique_ptr<journal::record> remote; ///< what is known of its remote job then, recorded before it

        [[nodiscard]] bool is_end() const noexcept { return record.kind == journal::record_kind::attempt_ended; }
    };

    struct pending_start
    {
        task_index task;
        item_index item;
        attempt_number attempt;
        journal::position after; ///< not before this is durable
    };

    /// An attempt under way that is to be told to stop.
    struct pending_stop
    {
        task_index task;
        item_index item;
        attempt_number attempt;
        journal::position after; ///< not before this is durable, or `due`
        steady_time due;
    };

    /// `attempt_started` is not awaited, so what a crash leaves may be no more than steps.
    struct item_history
    {
        std::vector<journal::record> steps; ///< of the latest attempt
        std::optional<wall_time> started;   ///< of the latest attempt, by its first start
        wall_time retry_at{};
    };

    using attempt_key = std::tuple<task_index, item_index, attempt_number>;

    /// An attempt of which something may run still.
    struct unconfirmed_attempt
    {
        std::vector<journal::record> steps;
        std::string why;
        std::uint32_t handlers = 0; ///< of `on_cancel` that it had been given
    };

    struct reconciliation
    {
        std::unique_ptr<live_attempt> attempt;
        std::uint32_t handlers;
    };

    using item_key = std::uint64_t;

    [[nodiscard]] static item_key key_of(task_index t, item_index i) noexcept
    {
        return (item_key{t.value()} << 32) | i.value();
    }

    struct pending_reopening
    {
        schedule::reopen_wish wish;
        std::function<void(reopening)> told;
    };

    void on_ready() override;
    void on_due() override;

    void may_have_room() override { wake(); }

    void may_have_slots() override { wake(); }

    void bind_names();
    [[nodiscard]] const prepared_task& prepare(const graph::task_spec& spec);
    void begin(std::function<void()> when_ended);
    void arm_deadline(wall_time started);
    void enqueue(schedule::event e, journal::record&& r);
    void enqueue(std::unique_ptr<pending_event> e);
    void wake();
    void pump();
    void take_event(pending_event& e);
    void take_end(pending_event& e, attempt_report report, std::span<const schedule::action> actions);
    void take_reopenings();
    [[nodiscard]] reopening take(const schedule::reopen_wish& wish);
    void refuse_reopenings() noexcept;
    void reopen(const schedule::task_reopened& e);
    void forget_end_of(const schedule::task_reopened& e);
    void record_items_to_retry(const schedule::task_reopened& e);
    void say_what_holds(const schedule::run_machine& m, schedule::explanation& e) const;
    void say_when_retried(task_index task, std::optional<item_index> item, schedule::explanation& e) const;
    void say_since_when(task_index task, item_index item, schedule::explanation& e) const;
    void drop_withdrawn_starts();
    void lease_slots();
    void note_slots();
    void carry_out(std::span<const schedule::action> actions);
    void carry_out(const schedule::evaluate_task& a);
    void carry_out(const schedule::start_attempt& a);
    void carry_out(const schedule::arm_retry& a);
    void carry_out(const schedule::disarm_retry& a);
    void carry_out(const schedule::withdraw_attempt& a);
    void carry_out(const schedule::cancel_attempt& a);
    void carry_out(const schedule::task_ended& a);
    void carry_out(const schedule::run_ended& a);
    void record_end(task_index task, schedule::task_state state);
    void stop_once_recorded(live_attempt& a, cancel_reason reason);
    void stop_what_may_stop();
    void note_in_flight();
    [[nodiscard]] bool admit_more();
    void start_what_may_start();
    void add_start(task_index t, item_index i, attempt_number n);
    void start_attempt(const pending_start& s);
    void set_retry_timer(task_index t, item_index i, duration delay);
    void finish_if_done();
    [[nodiscard]] bool is_under_way(task_index t, item_index i, attempt_number n) const;
    [[nodiscard]] std::unique_ptr<journal::record> remote_record(const live_attempt& a) const;
    [[nodiscard]] std::string name_of(const attempt_key& k) const;
    void start_reconciliations();
    void reconciliation_has_ended(live_attempt& a);
    void warn_unconfirmed(const attempt_key& k, std::string_view why);

    [[nodiscard]] schedule::task_evaluated evaluate(task_index t, json::object& error);
    [[nodiscard]] std::uint32_t expand_items(task_index t);

    void replay(const journal::record& r);
    void replay_event(const schedule::event& e);
    void replay_start(const journal::record& r);
    void replay_end(const journal::record& r);
    void keep_step(const journal::record& r);
    void keep_unconfirmed(const journal::record& r);
    void begin_again();
    void replay_reopening(const schedule::task_reopened& e);
    void report_what_followed();
    void restart_in_flight();

    struct retry_timer;
    struct stop_timer;

    runtime::services& services_;
    turn_clock clock_;
    run_plan plan_;
    secret_mask& mask_;
    run_observer& observer_;
    schedule::run_machine machine_;
    task_values values_;
    bindings names_;
    json::value params_value_;
    json::value run_value_;
    json::object secrets_;
    journal::run_number number_;
    steady_time started_;
    steady_time deadline_ = steady_time::max();
    std::vector<const prepared_task*> prepared_; ///< by task; null until its first attempt
    std::deque<prepared_task> prepared_tasks_;
    std::map<std::string_view, const prepared_task*> bare_; ///< by operator: of tasks that give it nothing
    std::map<std::string, json::object, std::less<>> connections_;
    attempt_table attempts_;
    std::vector<std::unique_ptr<live_attempt>> retired_;
    std::unordered_map<item_key, std::unique_ptr<retry_timer>> retries_;
    std::unordered_map<item_key, item_history> history_;
    std::map<attempt_key, unconfirmed_attempt> unconfirmed_; ///< that nobody looks after at the moment
    std::map<attempt_key, reconciliation> reconciliations_;
    journal::position confirmed_position_ = 0; ///< of the last confirmation
    callback_book callbacks_;
    std::vector<bool> end_recorded_;  ///< by task; while it replays
    std::vector<bool> not_evaluable_; ///< by task: `when` or `foreach` failed
    std::deque<pending_reopening> reopenings_;
    std::deque<std::unique_ptr<pending_event>> events_;
    std::deque<pending_start> starts_;
    std::deque<pending_stop> stops_;
    std::unique_ptr<stop_timer> stop_timer_; ///< for the first of `stops_`
    journal::position caused_by_ = 0;        ///< what is recorded up to here may be why an attempt is admitted
    journal::position end_position_ = 0;
    std::function<void()> when_ended_;
    wall_time deadline_from_{};
    bool withdrawn_ = false; ///< some of `starts_` may have been
    bool pumping_ = false;
    bool replaying_ = false;
    bool detaching_ = false;
    bool ended_ = false;
    bool had_ended_ = false; ///< before it was recovered
};

} // namespace potoo::runtime
