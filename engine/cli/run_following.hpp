#pragma once
/// @file
/// Looking on at a run that is carried elsewhere.

#include "engine/cli/display/exit_code.hpp"
#include "engine/cli/run_source.hpp"

#include <functional>
#include <string>

namespace potoo::cli {

/// Tells on standard output what happens to a run from now on until it has ended.
/// @param run its document
/// @param as_json events, one a line, instead of text
/// @param at_begin called once Ctrl-C and its like end the looking only
/// @param at_end called with the document of the run that has ended
/// @return how it ended; `interrupted` when the looking has ended before
[[nodiscard]] exit_code follow_run(run_source& source, const json::object& run, bool as_json,
                                   const std::function<void()>& at_begin,
                                   const std::function<void(const json::object&)>& at_end);

/// Says that only the looking has ended, and how to go on with it.
void tell_stopped(const run_source& source, const std::string& run, int signal);

} // namespace potoo::cli
