#pragma once
/// @file
/// Requests that are about a run which no engine carries: the next one finds them in the journal, and does them.

#include "engine/host/request_result.hpp"
#include "engine/journal/store.hpp"

#include <optional>
#include <set>
#include <string>
#include <vector>

namespace potoo::host {

/// What a request comes to: the answer, and what is to be recorded before it is given.
struct journal_request
{
    request_result result;
    std::vector<journal::record> records;
};

/// What was asked of a run, by whomever, and need not be carried out yet.
struct requested_cancellation
{
    bool run = false;           ///< of the whole run
    std::set<task_index> tasks; ///< of single tasks
};

[[nodiscard]] requested_cancellation cancellation_of(journal::reader& journal, journal::run_number run);

/// @param run not carried by any engine
/// @param tasks by name; empty = the whole run
[[nodiscard]] journal_request request_cancel(journal::reader& journal, const journal::run_row& run,
                                             const std::vector<std::string>& tasks, wall_time now);

/// @param run not carried by any engine
[[nodiscard]] journal_request request_completion(journal::reader& journal, const journal::run_row& run,
                                                 const callback_delivery& delivered, wall_time now);

/// The answer that counts for a callback: the first that was recorded. Nothing when there is none yet.
[[nodiscard]] std::optional<callback_delivery> answer_of(journal::reader& journal, journal::run_number run,
                                                         const std::string& token);

/// The run whose attempt made a callback's token, as the token says; it may be no run at all.
[[nodiscard]] run_id run_of(const std::string& token);

/// That run. Without one, `problem` says so.
[[nodiscard]] std::optional<journal::run_row> find_callback_run(journal::reader& journal, const std::string& token,
                                                                request_result& problem);

/// The run whose id is `named`, or the only one whose id begins so. Without one, `problem` says why.
[[nodiscard]] std::optional<journal::run_row> run_named(journal::reader& journal, const std::string& named,
                                                        request_result& problem);

/// The answer about a task that the run's DAG does not have.
[[nodiscard]] request_result no_such_task(const run_id& run, const std::string& dag_name, const std::string& task,
                                          const std::vector<std::string>& tasks);

/// The answer about a run that has ended.
[[nodiscard]] request_result has_ended(const run_id& run, std::string_view state);

} // namespace potoo::host
