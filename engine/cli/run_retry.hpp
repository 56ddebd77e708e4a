#pragma once
/// @file
/// Letting tasks run once more, in a state directory.

#include "engine/cli/display/exit_code.hpp"
#include "engine/host/request_result.hpp"

#include <string>

namespace potoo::cli {

/// Says what has come of it.
exit_code retry_in(const std::string& state, const std::string& run, const host::retry_wish& wish, bool as_json);

} // namespace potoo::cli
