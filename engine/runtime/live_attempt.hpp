#pragma once
/// @file
/// One attempt under way: the branch that its operator runs on, and what the operator may do.
///
/// An attempt that is told to stop while it is replayed and has not arrived where it was first goes on to there, so
/// that whoever must undo something is registered and knows of what: for at most `longest_replay`. It does nothing new
/// on the way.

#include "engine/journal/record.hpp"
#include "engine/runtime/attempt_replay.hpp"
#include "engine/runtime/attempt_result.hpp"
#include "engine/runtime/callback_book.hpp"
#include "engine/runtime/log_lines.hpp"
#include "engine/runtime/prepared_task.hpp"

#include <potoo/context.hpp>
#include <potoo/execution.hpp>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace potoo::runtime {

class run_executor;

class live_attempt final : public execution, public context, private decision_memory, private timer_node
{
  public:
    static constexpr duration longest_replay{60'000};
    static constexpr duration grace_of_handlers{60'000}; ///< of all `on_cancel` handlers together

    /// What it runs for.
    enum class purpose : std::uint8_t
    {
        its_result,
        reconciliation, ///< it has ended before, and runs again only to be stopped for certain
    };

    /// @param recorded what the journal holds of it already, in order: empty unless it is replayed
    /// @param first_started when it was started for the first time, if it is replayed
    live_attempt(run_executor& owner, task_index task, item_index item, attempt_number number,
                 std::vector<journal::record> recorded, std::optional<wall_time> first_started,
                 purpose p = purpose::its_result);
    ~live_attempt() override;

    /// Renders its inputs and starts the operator. It may have ended when this returns.
    void start();

    /// Tells it to stop; the first reason stays. May come before `start`.
    void stop(cancel_reason reason);

    /// It will be told to stop, by `go_on_to_stop`, once that is in the journal: until then it begins nothing new.
    void prepare_to_stop(cancel_reason reason);
    void go_on_to_stop();

    [[nodiscard]] bool is_reconciliation() const noexcept { return purpose_ == purpose::reconciliation; }

    [[nodiscard]] task_index task_at() const noexcept { return task_; }

    [[nodiscard]] attempt_result take_result() { return std::move(result_); }

    [[nodiscard]] steady_time started() const noexcept { return started_; }

    /// Why what it began at a remote side may run still; empty when it does not.
    [[nodiscard]] const std::string& unconfirmed() const noexcept { return unconfirmed_; }

    /// Handlers that `on_cancel` was given.
    [[nodiscard]] std::uint32_t handlers() const noexcept { return handlers_given_; }

    /// A reconciliation came by all that is recorded, and had as many handlers to run as the attempt had.
    [[nodiscard]] bool looked_after(std::uint32_t handlers) const
    {
        return replay_ && replay_->records.arrived() && handlers_given_ >= handlers;
    }

    /// What it appended last, or was appended for it, that it has not waited for.
    void note_unawaited(journal::position p) noexcept { unawaited_ = p; }

    const json::object& input() const noexcept override { return *input_; }

    std::optional<value_template> late(std::string_view property) const override;

    attempt_names names() const override;

    const run_id& run() const noexcept override;
    std::string_view task_name() const noexcept override;

    item_index item() const noexcept override { return item_; }

    attempt_number attempt() const noexcept override { return number_; }

    launch_token token() const override;

    std::span<const std::pair<std::string, std::string>> environment() const noexcept override { return environment_; }

    const json::object* connection(std::string_view name) override;

    steady_time deadline() const noexcept override { return deadline_; }

    potoo::loop& loop() noexcept override { return execution::loop(); }

    http_client& http() noexcept override;
    process_runner& processes() noexcept override;
    void log(std::string_view line) override;
    void log_output(output_stream stream, std::string_view piece) override;
    void progress(double fraction, std::string_view message) override;
    task<json::value> step(std::string name, task<json::value> work) override;
    task<> sleep_until(std::string name, wall_time t) override;
    task<wall_time> now() override;
    task<std::string> uuid() override;
    task<double> random() override;
    task<open_callback> callback(std::string name) override;
    task<json::value> completion(open_callback c) override;
    void on_cancel(task<> handler) override;
    std::optional<json::value> recorded(std::string_view name) override;
    task<> record(std::string name, json::value fact) override;
    launch_token claim_token() override;

    cancel_reason stop_requested() const noexcept override { return stop_; }

    void mark_unconfirmed(std::string_view why) override;

  private:
    /// Decisions of groups in which nothing is recorded that are kept until something is; such groups beyond that are
    /// neither numbered nor recorded. A loop may have any number of them.
    static constexpr std::size_t most_held = 16;

    /// Where a branch stands.
    struct branch_position
    {
        std::uint32_t calls = 0;         ///< that are recorded, and groups, so far
        std::uint32_t draws = 0;         ///< of `uuid` and `random`
        std::uint32_t unkept = 0;        ///< groups since the last of them that are not numbered
        std::uint32_t traces_before = 0; ///< the attempt's when the group began that the branch waits for
        bool decided = false;            ///< that group is, and its decision kept
    };

    struct held_decision
    {
        std::string path;
        std::uint32_t number;
        decision what;
    };

    /// A branch that begins nothing new, because its group is known to have ended.
    struct closed_branch
    {
        std::string path;
        std::string group; ///< path of the branch that waits for the group
        std::uint32_t number;
        bool lost; ///< it did not decide the group; otherwise it did nothing that is recorded
    };

    /// Of an attempt that has records.
    struct replay_state
    {
        explicit replay_state(std::vector<journal::record> records) : records(std::move(records)) {}

        attempt_replay records;
        std::vector<closed_branch> closed;
        counter let_go; ///< 1 once a stop that was held back is not any more
    };

    void set_deferred(bool deferred) override;
    std::shared_ptr<void>& shared_slot(std::type_index type, const std::string& key) override;
    std::shared_ptr<const void>* task_slot(std::type_index type) override;
    void on_end() noexcept override;
    void on_due() override;

    decision_memory* decisions() noexcept override { return this; }

    std::optional<std::uint32_t> recall(const branch& where, std::uint32_t tasks) override;
    void decide(const branch& where, std::uint32_t tasks, std::uint32_t decided_by) override;
    void settle(const branch& where, std::uint32_t tasks, std::optional<std::uint32_t> decided_by,
                bool stopped) override;

    void render();
    void add_log(journal::log_stream stream, std::string text);
    [[nodiscard]] journal::record make_record(journal::record_kind kind, std::string name) const;
    journal::position append(journal::record r);

    void append_unawaited(journal::record r) { note_unawaited(append(std::move(r))); }

    [[nodiscard]] task<> commit(journal::record r);

    /// A record of the next call of a branch, which is numbered by this.
    [[nodiscard]] journal::record next_call(const branch& here, call_kind kind, std::string name);

    /// What was recorded of it; null when it is new. @throws fatal when that was another call
    [[nodiscard]] const journal::record* recall_call(const journal::record& call);

    /// Before something new is begun that is recorded: lets a stop that is held back go first, and writes down what
    /// groups before it came to. @throws cancelled when it must not begin; fatal when it did not in an earlier life
    [[nodiscard]] task<> begin_new(branch& here);

    /// @throws as `begin_new`
    void refuse_if_closed(std::string_view path) const;

    /// What is recorded in the place of the next call of a branch, when that is the decision of such a group.
    [[nodiscard]] std::optional<decision> recorded_decision(const std::string& path, std::uint32_t tasks) const;
    void close_branches(const std::string& path, std::uint32_t tasks, const std::optional<decision>& known);
    /// @throws fatal when the group came to another end now
    void pass_recorded_group(const std::string& path, const decision& known, std::optional<std::uint32_t> decided_by,
                             bool stopped);
    void keep_decision(const std::string& path, std::uint32_t tasks, std::optional<std::uint32_t> decided_by);
    void write_held();

    /// The branch has come by something that is recorded, or drawn.
    branch_position& leave_trace(const std::string& path);
    [[nodiscard]] bool has_trace(const std::string& path, std::uint32_t tasks) const;
    [[nodiscard]] std::uint32_t calls_of(const std::string& path) const;

    /// A stop was asked for, and waits for the replay, or for the journal.
    [[nodiscard]] bool stop_is_held() const noexcept
    {
        return stop_ != cancel_reason::none && cancel_requested() == cancel_reason::none;
    }

    /// @throws cancelled when something new must not begin
    void refuse_if_stopped(const branch& here) const;
    void stop_once_arrived();
    void deliver_stop() noexcept;
    void deliver_stop_if_arrived() noexcept;

    void take_outcome() noexcept;
    void check_arrival();
    [[nodiscard]] bool must_clean_up() const noexcept;
    [[nodiscard]] task<> clean_up();
    void conclude();

    /// Path of a branch below this attempt: `1.0` is the first below the second. What follows a call of the branch
    /// above is told apart by how many there were: `1@3`.
    [[nodiscard]] std::string path_of(const branch& b) const;
    [[nodiscard]] std::string path_below(std::string path, std::uint32_t position) const;

    run_executor& owner_;
    task_index task_;
    item_index item_;
    attempt_number number_;
    purpose purpose_;
    bool timed_out_ = false;
    bool token_claimed_ = false;
    bool operator_ended_ = false;
    bool stop_unrecorded_ = false; ///< not known to be in the journal yet
    cancel_reason stop_ = cancel_reason::none;
    int deferrals_ = 0;
    steady_time started_;
    steady_time deadline_ = steady_time::max();
    std::shared_ptr<const json::object> input_;
    std::vector<std::pair<std::string, std::string>> environment_;
    std::unique_ptr<replay_state> replay_; ///< null while there is no record to look for
    std::map<std::string, branch_position, std::less<>> positions_;
    log_lines out_lines_;
    log_lines err_lines_;
    std::size_t logged_ = 0;
    std::size_t log_dropped_ = 0;
    std::string unconfirmed_;
    std::vector<held_decision> held_;
    std::uint32_t traces_ = 0;
    std::uint32_t handlers_given_ = 0;
    journal::position unawaited_ = 0;
    std::vector<potoo::task<>> handlers_;
    attempt_result result_;
    // The coroutines last: they are destroyed first, where they wait, and use the rest until then.
    potoo::task<json::value> coroutine_;
    potoo::task<> clean_up_;
};

} // namespace potoo::runtime
