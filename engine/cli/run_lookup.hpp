#pragma once
/// @file
/// Runs named on the command line.

#include "engine/journal/store.hpp"

#include <memory>
#include <string>

namespace potoo::cli {

/// Opens the journal in `state` for reading. @throws journal::store_error
[[nodiscard]] std::unique_ptr<journal::reader> open_journal(const std::string& state);

/// Among which runs to look: among all, or those that have not ended.
enum class run_choice
{
    any,
    to_resume,
    to_cancel,
};

/// The run whose id is `named`, or the only one whose id begins so; the latest when it is empty or `last`.
/// @throws usage_error when there is none, or there are several (which are named)
[[nodiscard]] journal::run_row find_run(journal::reader& journal, const std::string& named, const std::string& state,
                                        run_choice among = run_choice::any);

/// @throws usage_error naming the nearest task when the run's DAG has none of that name
[[nodiscard]] task_index find_task(const journal::dag_document& d, const std::string& name);

} // namespace potoo::cli
