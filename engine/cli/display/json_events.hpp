#pragma once
/// @file
/// One JSON event a line; docs/reference/events.md describes them.

#include "engine/cli/display/display.hpp"
#include "engine/cli/display/output.hpp"

#include <functional>

namespace potoo::cli {

class json_events final : public display
{
  public:
    /// Outputs of attempts that are larger, as JSON, are left out.
    static constexpr std::size_t largest_output = 64 * 1024;

    /// @param data must outlive it
    /// @param now the time to put into events
    json_events(output& data, std::function<wall_time()> now) : data_(data), now_(std::move(now)) {}

    void run_started(const shown_run& run) override;
    void attempt_started(const shown_run& run, task_index t, item_index i, attempt_number n) override;
    void attempt_deferred(const shown_run& run, task_index t, item_index i, bool deferred) override;
    void attempt_progress(const shown_run& run, task_index t, item_index i, double fraction,
                          std::string_view message) override;
    void attempt_ended(const shown_run& run, const runtime::attempt_report& report) override;
    void task_ended(const shown_run& run, task_index t, schedule::task_state state) override;
    void log(const shown_run& run, task_index t, item_index i, attempt_number n, journal::log_stream stream,
             std::string_view text) override;
    void run_ended(const shown_run& run, const run_report& report) override;
    void warning(std::string_view text) override;

    void notice(std::string_view) override {}

    void tick() override { data_.flush(); }

  private:
    [[nodiscard]] json::object begin(std::string_view type, const shown_run& run) const;
    [[nodiscard]] json::object begin(std::string_view type, const shown_run& run, task_index t, item_index i) const;
    void emit(const json::object& event);

    output& data_;
    std::function<wall_time()> now_;
};

/// `{"success":3,"failed":1}`: the states that there are, in the order of the states.
[[nodiscard]] json::object counts_object(const schedule::state_counts& counts);

} // namespace potoo::cli
