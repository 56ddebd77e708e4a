#pragma once
/// @file
/// The DAG of a run as the journal keeps it.

#include "engine/graph/dag.hpp"
#include "engine/journal/store.hpp"

#include <memory>

namespace potoo::host {

/// @throws std::runtime_error when it does not load any more; journal::store_error
[[nodiscard]] std::shared_ptr<const graph::dag> load_recorded_dag(journal::reader& journal,
                                                                  const journal::run_row& run);

} // namespace potoo::host
