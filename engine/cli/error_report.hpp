#pragma once
/// @file
/// Errors on standard error, and the exit codes that belong to them.

#include "engine/cli/display/exit_code.hpp"
#include "engine/schedule/states.hpp"

#include <string_view>

namespace potoo::cli {

/// `potoo: error: TEXT`, or whole lines as they are. Never throws: there is nobody else to tell.
void report_error(std::string_view text) noexcept;

/// Whole lines on standard error.
void report_text(std::string_view text) noexcept;

/// Within a `catch`: reports what was caught. @return what the program should end with
[[nodiscard]] exit_code report_current_exception() noexcept;

/// Of a run that has ended.
[[nodiscard]] constexpr exit_code exit_code_of(schedule::run_state s) noexcept
{
    switch (s) {
    case schedule::run_state::success:
        return exit_code::success;
    case schedule::run_state::failed:
    case schedule::run_state::timed_out:
        return exit_code::failed;
    default:
        return exit_code::interrupted;
    }
}

} // namespace potoo::cli
