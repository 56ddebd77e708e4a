#pragma once
/// @file
/// Lines for a log file or a pipe: one for each change of a task, and now and then how far large fan-outs are.

#include "engine/cli/display/display.hpp"
#include "engine/cli/display/failure_notes.hpp"
#include "engine/cli/display/output.hpp"

#include <map>
#include <set>

namespace potoo::cli {

class plain_display final : public display
{
  public:
    /// Between two lines about how far a run is.
    static constexpr duration progress_interval{5'000};
    /// A DAG of more tasks is told by progress and failures only.
    static constexpr std::size_t tasks_told_singly = 200;

    /// @param out must outlive it
    explicit plain_display(output& out) : out_(out) {}

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
    void notice(std::string_view text) override;
    void tick() override;

  private:
    struct followed
    {
        failure_notes failures;
        std::set<std::uint32_t> begun;
        duration told_at{0};
        std::uint32_t told_ended = 0;
    };

    [[nodiscard]] bool tells_tasks(const shown_run& run) const;
    void say(const shown_run& run, std::string_view text);
    void tell_progress(const shown_run& run, followed& f);

    output& out_;
    std::map<const shown_run*, followed> runs_;
    std::string last_warning_;
};

} // namespace potoo::cli
