#pragma once
/// @file
/// Waiting for the end of a run that another process carries.

#include "engine/cli/display/exit_code.hpp"
#include "engine/journal/state_dir.hpp"
#include "engine/journal/store.hpp"

#include <vector>

namespace potoo::cli {

struct awaited_end
{
    bool ended = false; ///< else the engine has left before
    journal::recorded_state state = journal::recorded_state::none;
};

/// Until the run, or the given tasks of it, have ended, or no engine is at work any more. On a terminal, says how it
/// goes.
[[nodiscard]] awaited_end wait_for_run(journal::reader& journal, const journal::run_row& run,
                                       const std::vector<task_index>& tasks, const journal::state_layout& layout);

/// As `exit_code_of`.
[[nodiscard]] exit_code exit_code_of_end(journal::recorded_state s) noexcept;

} // namespace potoo::cli
