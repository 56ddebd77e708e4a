#pragma once
/// @file
/// What is said at the end of a run.

#include "engine/cli/display/display.hpp"

#include <string>

namespace potoo::cli {

/// Commands that the summary tells of.
struct next_commands
{
    std::string logs;   ///< `potoo logs RUN`, to which a task's name is added; empty = there is no journal to read
    std::string resume; ///< `potoo resume RUN`; empty = the run cannot be resumed
};

/// Whole lines: how the run ended, what failed and why, what goes on without the engine and how to take it up again.
[[nodiscard]] std::string summary_text(const run_report& report, const next_commands& next);

} // namespace potoo::cli
