#pragma once
/// @file
/// How a run looks at a moment, as lines for a window of a given size.

#include "engine/cli/display/display.hpp"
#include "engine/cli/display/terminal.hpp"

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <vector>

namespace potoo::cli {

/// Follows one run. Costs what is under way or has failed, not what the DAG has.
class live_picture
{
  public:
    /// `run` must outlive it
    live_picture(const shown_run& run, terminal_traits traits) : run_(run), traits_(traits) {}

    void attempt_started(task_index t, attempt_number n);
    void attempt_progress(task_index t, double fraction, std::string_view message);
    void attempt_ended(task_index t);
    void task_ended(task_index t, schedule::task_state state);

    /// Two lines about the run, then as many tasks as fit: failed and running ones before others, all in the order of
    /// the file.
    /// @param rows at least 3
    [[nodiscard]] std::vector<std::string> lines(std::size_t columns, std::size_t rows);

  private:
    struct under_way
    {
        duration since{0};
        std::uint32_t attempt = 1;
        double fraction = 0;
        std::string message;
    };

    struct sample
    {
        duration at;
        std::uint32_t ended;
    };

    [[nodiscard]] std::vector<std::uint32_t> choose(std::size_t rows);
    [[nodiscard]] double rate();
    [[nodiscard]] std::string head_line(std::size_t columns);
    [[nodiscard]] std::string counts_line(std::size_t columns) const;
    [[nodiscard]] std::string task_line(std::uint32_t t, std::size_t name_width, std::size_t columns) const;
    [[nodiscard]] std::string rest_line(const std::vector<std::uint32_t>& shown, std::size_t columns) const;

    const shown_run& run_;
    terminal_traits traits_;
    std::map<std::uint32_t, under_way> active_;
    std::vector<std::uint32_t> failed_;
    std::uint32_t first_open_ = 0; ///< every task before it has ended
    std::deque<sample> samples_;
};

} // namespace potoo::cli
