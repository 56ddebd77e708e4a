#pragma once
/// @file
/// Pools as JSON, and what the ledger says of them: the same for the API, the control socket and the command line.

#include "engine/host/host.hpp"
#include "engine/host/run_sight.hpp"
#include "engine/journal/store.hpp"

#include <potoo/json.hpp>

#include <vector>

namespace potoo::host {

/// Kind of the ledger's entries for pools that were resized.
inline constexpr const char* pool_entries = "pool";

/// As the ledger has them, by name; nobody uses them. @throws journal::store_error
[[nodiscard]] std::vector<pool_state> resized_pools(journal::reader& journal);

/// The members of `pool_state`; `by` is a list of `run` and `slots`.
[[nodiscard]] json::object pool_json(const pool_state& p, const run_sight& sees = {});

[[nodiscard]] json::array pools_json(const std::vector<pool_state>& pools, const run_sight& sees = {});

} // namespace potoo::host
