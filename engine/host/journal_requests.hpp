#pragma once
/// @file
/// Requests that are about a run which no engine carries: the next one finds them in the journal, and does them.

#include "engine/graph/dag.hpp"
#include "engine/host/request_result.hpp"
#include "engine/host/waiting_callback.hpp"
#include "engine/journal/store.hpp"

#include <atomic>
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
[[nodiscard]] journal_request request_pause(journal::reader& journal, const journal::run_row& run, bool paused,
                                            wall_time now);

/// @param run not carried by any engine, and with nothing unconfirmed; refused when it has not ended
/// @throws std::runtime_error when its DAG does not load any more
[[nodiscard]] journal_request request_retry(journal::reader& journal, const journal::run_row& run,
                                            const retry_wish& wish, wall_time now);

/// @param run not carried by any engine
[[nodiscard]] journal_request request_completion(journal::reader& journal, const journal::run_row& run,
                                                 const callback_delivery& delivered, wall_time now);

/// Reads the whole run. @param stop set from another thread: ends it with `unknown`
[[nodiscard]] callback_standing standing_of_callback(journal::reader& journal, journal::run_number run,
                                                     const std::string& token, const std::atomic<bool>* stop = nullptr);

/// The answer about a token that is none. It does not tell whether there is such a run.
[[nodiscard]] request_result no_such_callback();

/// The answer that counts for a callback: the first that was recorded. Nothing when there is none yet.
[[nodiscard]] std::optional<callback_delivery> answer_of(journal::reader& journal, journal::run_number run,
                                                         const std::string& token);

/// The answer about a callback that was completed `before`.
[[nodiscard]] request_result answer_again(const run_id& run, const callback_delivery& before,
                                          const callback_delivery& delivered);

/// The run whose attempt made a callback's token, as the token says; it may be no run at all.
[[nodiscard]] run_id run_of(const std::string& token);

/// That run. Without one, `problem` says so.
[[nodiscard]] std::optional<journal::run_row> find_callback_run(journal::reader& journal, const std::string& token,
                                                                request_result& problem);

/// The run whose id is `named`, or the only one whose id begins so. Without one, `problem` says why.
[[nodiscard]] std::optional<journal::run_row> run_named(journal::reader& journal, const std::string& named,
                                                        request_result& problem);

[[nodiscard]] std::vector<std::string> task_names(const graph::dag& d);

/// The places of tasks among all of a run. @return the answer when there is no such task
[[nodiscard]] std::optional<request_result> find_tasks(const run_id& run, const std::string& dag_name,
                                                       const std::vector<std::string>& known,
                                                       const std::vector<std::string>& names,
                                                       std::vector<task_index>& out);

/// The answer about a run that is just being begun, or let go of: it is to be asked again.
[[nodiscard]] request_result not_begun(const run_id& run);

/// The answer about a run that is on its way to its end.
[[nodiscard]] request_result being_cancelled(const run_id& run);

/// The answer about a task that the run's DAG does not have.
[[nodiscard]] request_result no_such_task(const run_id& run, const std::string& dag_name, const std::string& task,
                                          const std::vector<std::string>& tasks);

/// The answer about a run that has ended.
[[nodiscard]] request_result has_ended(const run_id& run, std::string_view state);

} // namespace potoo::host
