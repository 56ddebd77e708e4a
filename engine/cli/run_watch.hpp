#pragma once
/// @file
/// Tells a display what happens to a run.

#include "engine/cli/display/display.hpp"
#include "engine/runtime/run_observer.hpp"

#include <cstddef>
#include <functional>
#include <optional>
#include <string>

namespace potoo::cli {

class run_watch final : public runtime::run_observer
{
  public:
    /// Failures of tasks that a report names.
    static constexpr std::size_t failures_reported = 10;

    /// What is told one by one of a run that had ended before; the rest is left to a summary.
    static constexpr std::size_t notices_shown = 10;

    /// @param on_output_lost called once, when the display cannot be written any more
    /// @param d must outlive it
    /// @param ended of a run that had ended before: what it is called. What is told of it is no warning then
    run_watch(display& d, std::function<void(const std::string&)> on_output_lost, std::string ended = {})
        : display_(d), on_output_lost_(std::move(on_output_lost)), ended_(std::move(ended))
    {}

    void run_started(const runtime::run_executor& executor, bool resumed) override;
    void attempt_started(task_index t, item_index i, attempt_number n) override;
    void attempt_deferred(task_index t, item_index i, bool deferred) override;
    void attempt_progress(task_index t, item_index i, double fraction, std::string_view message) override;
    void attempt_ended(const runtime::attempt_report& reported) override;
    void task_ended(task_index t, schedule::task_state state) override;
    void log(task_index t, item_index i, attempt_number n, journal::log_stream stream, std::string_view text) override;
    void warning(std::string_view text) override;
    void run_ended(const runtime::run_executor& executor) override;

    /// Nothing before the run has ended.
    [[nodiscard]] const std::optional<run_report>& report() const noexcept { return report_; }

  private:
    template <class Function>
    void show(Function&& f);

    template <class Function>
    void show_of_run(Function&& f);

    void notice(std::string_view text);

    display& display_;
    std::function<void(const std::string&)> on_output_lost_;
    std::optional<shown_run> run_;
    std::optional<run_report> report_;
    std::string ended_;
    std::size_t notices_ = 0;
    bool output_lost_ = false;
};

} // namespace potoo::cli
