#pragma once
/// @file
/// One engine: runs DAGs on the ports it was given, and keeps their journal.

#include "engine/graph/dag.hpp"
#include "engine/host/host_ports.hpp"
#include "engine/host/request_result.hpp"
#include "engine/runtime/run_executor.hpp"
#include "engine/runtime/run_observer.hpp"

#include <potoo/task.hpp>

#include <cstddef>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace potoo::host {

/// What became of a run.
struct run_outcome
{
    run_id id;
    schedule::run_state state = schedule::run_state::queued;
    bool detached = false; ///< the engine let go of it: it can be resumed
    schedule::state_counts tasks;
    duration elapsed{0};
};

/// Everything started must have ended, or been cancelled with `shutdown` and awaited, before it is destroyed; what has
/// not is destroyed where it waits, as in a crash.
class engine_host
{
  public:
    explicit engine_host(host_ports ports);
    ~engine_host();

    engine_host(const engine_host&) = delete;
    engine_host& operator=(const engine_host&) = delete;

    [[nodiscard]] potoo::loop& loop() noexcept;

    /// Starts a run and waits until it has ended and that is durable. Told to stop by `shutdown`, it detaches from the
    /// run; for any other reason it cancels the run and waits for its end. With `overlap: cancel_running` the runs of
    /// the same DAG that are under way are cancelled and awaited first.
    /// @param params complete and checked; `observer` must outlive the task
    /// @throws runtime::secret_error before anything is recorded; journal::store_error when the journal is damaged
    [[nodiscard]] task<run_outcome> run(std::shared_ptr<const graph::dag> d, json::object params,
                                        runtime::run_observer& observer);

    /// Goes on with a run that has not ended; of one that has, only sees to it that the remote jobs whose end nobody
    /// confirmed are gone. @throws std::runtime_error when its DAG cannot be read any more
    [[nodiscard]] task<run_outcome> resume(journal::run_row row, runtime::run_observer& observer);

    /// Runs of the journal that have not ended, those of this engine among them.
    [[nodiscard]] std::vector<journal::run_row> unfinished() const;

    /// Runs that have ended and left remote jobs behind whose end nobody confirmed.
    [[nodiscard]] std::vector<journal::run_row> unreconciled() const;

    /// Remote jobs of a run that may run still, for nothing has confirmed their end. @throws journal::store_error
    [[nodiscard]] std::size_t unconfirmed(const run_id& id) const;

    /// Asks a run of this host to stop, all of them without an id. @return how many were asked
    std::size_t cancel(const std::optional<run_id>& id, cancel_reason reason);

    /// As somebody outside asks for it: a run of the journal, carried by this engine or not, or some of its tasks.
    /// Returns when the answer will hold whatever happens to the engine.
    /// @param run its id, or the first characters of it
    /// @param tasks by name; empty = the whole run
    /// @throws journal::store_error
    [[nodiscard]] task<request_result> cancel_on_request(std::string run, std::vector<std::string> tasks);

    /// Delivers what an attempt waits for, carried by this engine or not. Returns as `cancel_on_request` does.
    /// @throws journal::store_error
    [[nodiscard]] task<request_result> complete_on_request(callback_delivery delivered);

    /// From now on takes on no more than this at once.
    void limit_starts(runtime::start_limits limits);

    /// From now on removes what `rules` does not keep: now, and whenever a run has ended. Without a rule: nothing.
    void keep(journal::retention rules);

    /// Removes what `rules` does not keep. @throws journal::store_error when it could not be done, or not all of it
    [[nodiscard]] task<journal::pruned> collect(journal::retention rules);

    /// Returns when nothing is being removed.
    [[nodiscard]] task<> collected();

    /// Lets go of every run, also of those that are being cancelled.
    void detach_all();

    /// Tells everybody who watches a run.
    void warn(std::string_view text);

    /// Returns when everything that was asked for up to now is in the journal.
    [[nodiscard]] task<> committed();

    /// With `writer_mode::manual`: something waits for `write_journal`.
    [[nodiscard]] bool has_unwritten() const;

    /// With `writer_mode::manual`: writes what has gathered. @return false when there is nothing, or it cannot be
    /// written
    bool write_journal();

    /// Writes what is left of the journal and closes it. @return entries that could not be written
    std::size_t close();

  private:
    struct parts;
    class presence;

    [[nodiscard]] task<> end_older_runs(std::string dag_name);
    [[nodiscard]] task<std::optional<request_result>> cancel_carried(run_id id, std::vector<std::string> tasks);
    [[nodiscard]] task<std::optional<request_result>> complete_carried(run_id id, callback_delivery delivered);
    [[nodiscard]] task<> record(std::vector<journal::record> records);
    [[nodiscard]] task<run_outcome> carry(runtime::run_executor& executor, counter& ended);

    std::unique_ptr<parts> parts_;
};

/// Loads a plugin's operators. @throws std::runtime_error that says what to rebuild, before any code of it has run,
/// when it was built for another potoo, compiler or Boost
void load_plugin(const std::filesystem::path& file);

} // namespace potoo::host
