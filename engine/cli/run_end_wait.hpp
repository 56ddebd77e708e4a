#pragma once
/// @file
/// Waiting for the end of a run that another process carries.

#include "engine/cli/display/exit_code.hpp"
#include "engine/cli/stop_signals.hpp"
#include "engine/journal/state_dir.hpp"
#include "engine/journal/store.hpp"

#include <boost/asio/io_context.hpp>

#include <vector>

namespace potoo::cli {

struct awaited_end
{
    bool ended = false; ///< else the engine has left before, or a signal came
    journal::recorded_state state = journal::recorded_state::none;
    int signal = 0; ///< that came before the end; 0 = none
};

/// Takes Ctrl-C and its like over while it lives, so that whoever waits hears how to go on.
class end_wait
{
  public:
    end_wait();

    /// Until the run, or the given tasks of it, have ended, no engine is at work any more, or a signal has asked to
    /// stop. On a terminal, says how it goes.
    [[nodiscard]] awaited_end wait_for(journal::reader& journal, const journal::run_row& run,
                                       const std::vector<task_index>& tasks, const journal::state_layout& layout);

  private:
    boost::asio::io_context context_{1};
    int signal_ = 0;
    stop_signals signals_;
};

/// As `exit_code_of`.
[[nodiscard]] exit_code exit_code_of_end(journal::recorded_state s) noexcept;

} // namespace potoo::cli
