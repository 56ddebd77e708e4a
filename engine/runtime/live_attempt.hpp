#pragma once
/// @file
/// One attempt under way: the branch that its operator runs on, and what the operator may do.
///
/// An attempt that is told to stop while it is replayed and has not arrived where it was first goes on to there, so
/// that whoever must undo something is registered and knows of what: for at most `longest_replay`. It does nothing new
/// on the way.
///
/// There may be a million of them, which wait: each keeps what every attempt needs, and the rest (`attempt_parts`) only
/// if it needs it.

#include "engine/journal/record.hpp"
#include "engine/journal/writer.hpp"
#include "engine/runtime/attempt_parts.hpp"
#include "engine/runtime/attempt_result.hpp"
#include "engine/runtime/prepared_task.hpp"

#include <potoo/context.hpp>
#include <potoo/detail/frame_slab.hpp>
#include <potoo/execution.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace potoo::runtime {

class run_executor;

class live_attempt final : public execution, public context, public detail::slab_allocated
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

    /// What it set for itself is due: its timeout, or the end of a replay.
    void time_is_up();

    [[nodiscard]] bool is_reconciliation() const noexcept { return purpose_ == purpose::reconciliation; }

    [[nodiscard]] task_index task_at() const noexcept { return task_; }

    [[nodiscard]] steady_time started() const noexcept { return started_; }

    [[nodiscard]] bool has_released_slot() const noexcept { return slot_released_; }

    /// Why what it began at a remote side may run still; empty when it does not.
    [[nodiscard]] std::string_view unconfirmed() const noexcept
    {
        return parts_ && parts_->clean_up ? std::string_view(parts_->clean_up->unconfirmed) : std::string_view();
    }

    /// Handlers that `on_cancel` was given.
    [[nodiscard]] std::uint32_t handlers() const noexcept
    {
        return parts_ && parts_->clean_up ? parts_->clean_up->handlers_given : 0;
    }

    /// A reconciliation came by all that is recorded, and had as many handlers to run as the attempt had.
    [[nodiscard]] bool looked_after(std::uint32_t handlers_before) const
    {
        return parts_ && parts_->calls && parts_->calls->arrived() && handlers() >= handlers_before;
    }

    /// What it appended last, or was appended for it, that it has not waited for.
    void note_unawaited(journal::position p) noexcept { unawaited_ = p; }

    const json::object& input() const noexcept override;

    std::optional<value_template> late(std::string_view property) const override;

    attempt_names names() const override;

    const run_id& run() const noexcept override;
    std::string_view task_name() const noexcept override;

    item_index item() const noexcept override { return item_; }

    attempt_number attempt() const noexcept override { return number_; }

    launch_token token() const override;
    launch_token group_token() const override;
    void conceal(std::string secret) override;

    std::span<const std::pair<std::string, std::string>> environment() const noexcept override;

    const json::object* connection(std::string_view name) override;

    steady_time deadline() const noexcept override;

    potoo::loop& loop() noexcept override { return execution::loop(); }

    http_client& http() noexcept override;
    process_runner& processes() noexcept override;
    void log(std::string_view line) override;
    void log_output(output_stream stream, std::string_view piece) override;
    void progress(double fraction, std::string_view message) override;
    void publish(std::string_view name, json::value value) override;
    task<json::value> step(std::string name, task<json::value> work) override;
    task<> sleep_until(std::string name, wall_time t) override;
    task<wall_time> now() override;
    task<std::string> uuid() override;
    task<double> random() override;

    void release_slot() override { slot_released_ = true; }

    using context::callback;
    using context::completion;
    task<open_callback> callback(std::string name, json::value about) override;
    task<json::value> completion(open_callback c, duration silence) override;
    void on_cancel(task<> handler) override;
    std::optional<json::value> recorded(std::string_view name) override;
    task<> record(std::string name, json::value fact) override;
    launch_token claim_token() override;

    cancel_reason stop_requested() const noexcept override { return stop_; }

    void mark_unconfirmed(std::string_view why) override;

  private:
    friend class attempt_calls;

    void set_deferred(bool deferred) override;
    std::shared_ptr<void>& shared_slot(std::type_index type, const std::string& key) override;
    std::shared_ptr<const void>* task_slot(std::type_index type) override;
    void on_end() noexcept override;

    decision_memory* decisions() override { return &calls(); }

    [[nodiscard]] attempt_parts& parts();
    [[nodiscard]] attempt_timer& timer();
    [[nodiscard]] attempt_calls& calls();
    [[nodiscard]] attempt_log& log_part();
    [[nodiscard]] attempt_clean_up& clean_up();

    /// What the journal holds of it; null while there is no record to look for.
    [[nodiscard]] attempt_replay* records() const noexcept
    {
        return parts_ && parts_->calls ? parts_->calls->records() : nullptr;
    }

    void render();
    void disarm() noexcept;
    void add_log(journal::log_stream stream, std::string text);
    void finish_log();
    [[nodiscard]] journal::record make_record(journal::record_kind kind, std::string name) const;
    journal::position append(journal::record&& r);

    void append_unawaited(journal::record&& r) { note_unawaited(append(std::move(r))); }

    /// To be awaited: until it is durable.
    [[nodiscard]] counter::wait commit(journal::record&& r);

    /// Before something new is begun that is recorded: lets a stop that is held back go first, and writes down what
    /// groups before it came to. @throws cancelled when it must not begin; fatal when it did not in an earlier life
    [[nodiscard]] task<> begin_new(branch& here);

    /// A stop was asked for, and waits for the replay, or for the journal.
    [[nodiscard]] bool stop_is_held() const noexcept
    {
        return stop_ != cancel_reason::none && cancel_requested() == cancel_reason::none;
    }

    /// It has come by all that is recorded of it.
    [[nodiscard]] bool arrived() const { return !parts_ || !parts_->calls || parts_->calls->arrived(); }

    /// @throws cancelled when something new must not begin
    void refuse_if_stopped(const branch& here) const;
    void stop_once_arrived();
    void deliver_stop() noexcept;
    void deliver_stop_if_arrived() noexcept;

    [[nodiscard]] attempt_result take_outcome() noexcept;
    void check_arrival(attempt_result& r);
    [[nodiscard]] bool must_clean_up(const attempt_result& r) const noexcept;
    [[nodiscard]] task<> run_handlers();
    void conclude(attempt_result&& r);

    run_executor& owner_;
    task_index task_;
    item_index item_;
    attempt_number number_;
    std::int32_t deferrals_ = 0;
    purpose purpose_;
    bool timed_out_ = false;
    bool slot_released_ = false;
    bool token_claimed_ = false;
    bool operator_ended_ = false;
    bool stop_unrecorded_ = false; ///< not known to be in the journal yet
    cancel_reason stop_ = cancel_reason::none;
    steady_time started_;
    journal::position unawaited_ = 0;
    std::unique_ptr<attempt_parts> parts_;
    potoo::task<json::value> coroutine_;
};

} // namespace potoo::runtime
