#pragma once
/// @file
/// One engine: the real parts wired together, and the runs on them.

#include "engine/graph/dag.hpp"
#include "engine/journal/state_dir.hpp"
#include "engine/journal/store.hpp"
#include "engine/runtime/run_executor.hpp"
#include "engine/runtime/run_observer.hpp"

#include <potoo/http.hpp>
#include <potoo/task.hpp>

#include <boost/asio/io_context.hpp>

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace potoo::host {

struct host_options
{
    std::filesystem::path state = ".potoo"; ///< ignored when `ephemeral`
    bool ephemeral = false;                 ///< keep the journal in memory
    http_options http;
};

/// What became of a run.
struct run_outcome
{
    run_id id;
    schedule::run_state state = schedule::run_state::queued;
    bool detached = false; ///< the engine let go of it: it can be resumed
    schedule::state_counts tasks;
    duration elapsed{0};
};

/// Runs DAGs on an io_context that somebody runs on one thread. Everything started must have ended, or been cancelled
/// with `shutdown` and awaited, before it is destroyed.
class engine_host
{
  public:
    /// Takes the state directory's lock and opens the journal. @throws journal::store_error
    engine_host(boost::asio::io_context& context, const host_options& options);
    ~engine_host();

    engine_host(const engine_host&) = delete;
    engine_host& operator=(const engine_host&) = delete;

    [[nodiscard]] potoo::loop& loop() noexcept;

    /// Starts a run and waits until it has ended and that is durable. Told to stop by `shutdown`, it detaches from the
    /// run; for any other reason it cancels the run and waits for its end.
    /// @param params complete and checked; `observer` must outlive the task
    /// @throws runtime::secret_error before anything is recorded; journal::store_error when the journal is damaged
    [[nodiscard]] task<run_outcome> run(std::shared_ptr<const graph::dag> d, json::object params,
                                        runtime::run_observer& observer);

    /// Goes on with a run that has not ended. @throws std::runtime_error when its DAG cannot be read any more
    [[nodiscard]] task<run_outcome> resume(journal::run_row row, runtime::run_observer& observer);

    /// Runs of the journal, as it was when the host was opened and before `run` or `resume`.
    [[nodiscard]] std::vector<journal::run_row> unfinished() const;

    /// Asks a run of this host to stop, all of them without an id. @return how many were asked
    std::size_t cancel(const std::optional<run_id>& id, cancel_reason reason);

    /// Lets go of every run, also of those that are being cancelled.
    void detach_all();

    /// Writes what is left of the journal and closes it. @return entries that could not be written
    std::size_t close();

  private:
    struct parts;

    [[nodiscard]] task<run_outcome> carry(runtime::run_executor& executor, counter& ended);

    std::unique_ptr<parts> parts_;
};

/// Loads a plugin's operators. @throws std::runtime_error that says what to rebuild, before any code of it has run,
/// when it was built for another potoo, compiler or Boost
void load_plugin(const std::filesystem::path& file);

} // namespace potoo::host
