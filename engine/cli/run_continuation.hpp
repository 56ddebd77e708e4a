#pragma once
/// @file
/// Runs that an engine before has left: those that have not ended, and those that have and left remote jobs behind.

#include "engine/cli/run_session.hpp"
#include "engine/journal/store.hpp"

#include <string>
#include <vector>

namespace potoo::cli {

/// Has a session go on with `rows`, after bringing in the plugins that they need. One whose plugins cannot be had is
/// reported and left.
/// @param role of those that have not ended
/// @param announce say so of each run
/// @return whether all could be begun
bool go_on_with(run_session& session, std::vector<journal::run_row> rows, run_role role, bool announce,
                const session_options& options);

/// Brings in the plugins that a run's DAG needs. @throws usage_error naming those that cannot be had
/// @param given on the command line
void load_plugins_of(journal::reader& journal, const journal::run_row& run, const std::vector<std::string>& given);

/// After the session: says what became of the remote jobs of those of `rows` that had ended before.
/// @return whether none of them may run still
bool tell_reconciled(const std::vector<journal::run_row>& rows, const session_options& options);

} // namespace potoo::cli
