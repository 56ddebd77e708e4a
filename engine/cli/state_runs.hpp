#pragma once
/// @file
/// Runs in a state directory.

#include "engine/cli/run_source.hpp"

namespace potoo::cli {

/// @throws journal::store_error when there is no journal that can be read
[[nodiscard]] std::unique_ptr<run_source> open_state_runs(const std::string& state);

} // namespace potoo::cli
