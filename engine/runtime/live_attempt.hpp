#pragma once
/// @file
/// One attempt under way: the branch that its operator runs on, and what the operator may do.

#include "engine/journal/record.hpp"
#include "engine/runtime/attempt_result.hpp"
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

class live_attempt final : public execution, public context, private timer_node
{
  public:
    /// @param recorded what the journal holds of it already, in order: empty unless it is replayed
    /// @param first_started when it was started for the first time, if it is replayed
    live_attempt(run_executor& owner, task_index task, item_index item, attempt_number number,
                 std::vector<journal::record> recorded, std::optional<wall_time> first_started);
    ~live_attempt() override;

    /// Renders its inputs and starts the operator. It may have ended when this returns.
    void start();

    [[nodiscard]] task_index task_at() const noexcept { return task_; }

    [[nodiscard]] attempt_result take_result() { return std::move(result_); }

    [[nodiscard]] steady_time started() const noexcept { return started_; }

    const json::object& input() const noexcept override { return *input_; }

    std::optional<value_template> late(std::string_view property) const override;

    const bindings& names() const noexcept override { return names_; }

    const run_id& run() const noexcept override;
    std::string_view task_name() const noexcept override;

    item_index item() const noexcept override { return item_; }

    attempt_number attempt() const noexcept override { return number_; }

    const launch_token& token() const noexcept override { return token_; }

    std::span<const std::pair<std::string, std::string>> environment() const noexcept override { return environment_; }

    const json::object* connection(std::string_view name) override;

    steady_time deadline() const noexcept override { return deadline_; }

    potoo::loop& loop() noexcept override { return execution::loop(); }

    http_client& http() noexcept override;
    process_runner& processes() noexcept override;
    void log(std::string_view line) override;
    void log_output(output_stream stream, std::string_view piece) override;
    void progress(double fraction, std::string_view message) override;
    double random() noexcept override;
    task<json::value> step(std::string name, task<json::value> work) override;
    std::optional<json::value> recorded(std::string_view name) const override;
    task<> record(std::string name, json::value fact) override;
    void mark_unconfirmed(std::string_view why) override;

  private:
    void set_deferred(bool deferred) override;
    std::shared_ptr<void>& shared_slot(std::type_index type, const std::string& key) override;
    void on_end() noexcept override;
    void on_due() override;

    void render();
    void add_log(journal::log_stream stream, std::string text);
    [[nodiscard]] journal::record make_record(journal::record_kind kind, std::string name) const;
    [[nodiscard]] task<> commit(journal::record r);

    /// Path of a branch below this attempt: `1.0` is the first below the second.
    [[nodiscard]] std::string path_of(const branch& b) const;
    [[nodiscard]] const journal::record* find_step(const std::string& path, std::uint32_t step) const;

    run_executor& owner_;
    task_index task_;
    item_index item_;
    attempt_number number_;
    bool timed_out_ = false;
    bool deferred_ = false;
    steady_time started_;
    steady_time deadline_ = steady_time::max();
    launch_token token_;
    bindings names_;
    json::value number_value_;
    json::value item_index_value_;
    json::value token_value_;
    std::shared_ptr<const json::object> input_;
    std::vector<std::pair<std::string, std::string>> environment_;
    std::vector<journal::record> recorded_;
    std::map<std::string, std::uint32_t> next_step_; ///< by branch
    log_lines out_lines_;
    log_lines err_lines_;
    std::size_t logged_ = 0;
    std::size_t log_dropped_ = 0;
    std::string unconfirmed_;
    potoo::task<json::value> coroutine_;
    attempt_result result_;
};

} // namespace potoo::runtime
