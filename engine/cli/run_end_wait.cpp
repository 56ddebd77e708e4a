#include "engine/cli/run_end_wait.hpp"

#include "engine/cli/display/output.hpp"
#include "engine/cli/display/terminal.hpp"

#include <fmt/format.h>

#include <array>
#include <optional>
#include <string>

#include <unistd.h>

namespace potoo::cli {

using journal::recorded_state;

namespace {

constexpr std::chrono::milliseconds look_again{100};

std::optional<recorded_state> end_of_run(journal::reader& journal, const journal::run_row& run)
{
    journal::run_filter same;
    same.id_prefix = run.id.value();
    const auto now = journal.runs(same);
    if (now.empty())
        return run.state;
    return now.front().ended ? std::optional(now.front().state) : std::nullopt;
}

/// The worst of their ends, once all have ended.
std::optional<recorded_state> end_of_tasks(journal::reader& journal, const journal::run_row& run,
                                           const std::vector<task_index>& tasks)
{
    const auto rows = journal.tasks(run.number);
    recorded_state worst = recorded_state::success;
    for (const task_index t : tasks) {
        const recorded_state s = rows.at(t.value()).state;
        if (!is_final(s))
            return std::nullopt;
        if (worse_of(exit_code_of_end(s), exit_code_of_end(worst)) != exit_code_of_end(worst))
            worst = s;
    }
    return worst;
}

/// One line that is written over and over.
class progress_line
{
  public:
    progress_line() : shown_(describe_terminal(STDERR_FILENO).is_terminal) {}

    progress_line(const progress_line&) = delete;
    progress_line& operator=(const progress_line&) = delete;

    ~progress_line()
    {
        if (!last_.empty())
            write("");
    }

    void show(journal::reader& journal, journal::run_number run)
    {
        if (!shown_)
            return;
        std::array<std::size_t, journal::recorded_state_count> counts{};
        for (const auto& t : journal.tasks(run)) {
            for (std::size_t s = 0; s < counts.size(); ++s)
                counts[s] += t.counts[s];
        }
        std::string text;
        for (std::size_t s = 1; s < counts.size(); ++s) {
            if (counts[s] > 0)
                text += fmt::format("{}{} {}", text.empty() ? "" : ", ", counts[s],
                                    to_string(static_cast<recorded_state>(s)));
        }
        if (text != last_)
            write(text);
    }

  private:
    void write(const std::string& text)
    {
        last_ = text;
        file_output out(STDERR_FILENO);
        out.write("\r\x1b[K" + text);
        out.flush();
    }

    bool shown_;
    std::string last_;
};

} // namespace

exit_code exit_code_of_end(recorded_state s) noexcept
{
    switch (s) {
    case recorded_state::success:
    case recorded_state::skipped:
        return exit_code::success;
    case recorded_state::failed:
    case recorded_state::timed_out:
    case recorded_state::upstream_failed:
        return exit_code::failed;
    default:
        return exit_code::interrupted;
    }
}

end_wait::end_wait() : signals_(context_, nullptr, [this](int signal) { signal_ = signal; }) {}

awaited_end end_wait::wait_for(journal::reader& journal, const journal::run_row& run,
                               const std::vector<task_index>& tasks, const journal::state_layout& layout)
{
    progress_line progress;
    for (;;) {
        // Asked before reading: what an engine wrote until it left is seen.
        const bool alive = journal::state_lock::is_held(layout);
        std::optional<recorded_state> end = end_of_run(journal, run);
        if (!tasks.empty())
            end = end_of_tasks(journal, run, tasks);
        if (end)
            return {true, *end, 0};
        if (!alive || signal_ != 0)
            return {false, recorded_state::none, alive ? signal_ : 0};
        progress.show(journal, run.number);
        context_.restart();
        context_.run_one_for(look_again);
    }
}

} // namespace potoo::cli
