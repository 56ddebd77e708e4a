#pragma once
/// @file
/// Runs named on the command line.

#include "engine/journal/store.hpp"

#include <memory>
#include <string>

namespace potoo::cli {

/// Opens the journal in `state` for reading. @throws journal::store_error
[[nodiscard]] std::unique_ptr<journal::reader> open_journal(const std::string& state);

/// Which run is `last`.
enum class latest_run
{
    of_all,
    unfinished,
};

/// The run whose id is `named`, or the only one of all whose id begins so; the latest when it is empty or `last`.
/// @throws usage_error when there is none, or there are several (which are named)
[[nodiscard]] journal::run_row find_run(journal::reader& journal, const std::string& named, const std::string& state,
                                        latest_run last = latest_run::of_all);

/// The run as it is shown: `cancelling` from when its cancellation is recorded to its end, engine or not.
[[nodiscard]] journal::run_row as_shown(journal::reader& journal, journal::run_row run);

/// @throws usage_error naming the nearest task when the run's DAG has none of that name
[[nodiscard]] task_index find_task(const journal::dag_document& d, const std::string& name);

} // namespace potoo::cli
