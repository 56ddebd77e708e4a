#pragma once
/// @file
/// One engine: runs DAGs on the ports it was given, and keeps their journal.

#include "engine/graph/dag.hpp"
#include "engine/host/host_ports.hpp"
#include "engine/host/request_result.hpp"
#include "engine/host/waiting_callback.hpp"
#include "engine/runtime/latency_histogram.hpp"
#include "engine/runtime/ledger.hpp"
#include "engine/runtime/run_executor.hpp"
#include "engine/runtime/run_observer.hpp"
#include "engine/runtime/run_origin.hpp"
#include "engine/schedule/explain.hpp"

#include <potoo/task.hpp>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace potoo::host {

/// A run that is to be begun.
struct run_request
{
    std::shared_ptr<const graph::dag> dag; ///< never null
    json::object params{};                 ///< complete and checked
    runtime::run_origin origin{};
    run_id id{}; ///< from `engine_host::make_id`, or chosen by whoever asks; empty = one is made
};

/// A pool as all runs of the engine share it.
struct pool_state
{
    std::string name;
    std::uint32_t slots = 0;
    std::uint32_t declared = 0; ///< by the DAGs of the runs under way, the smallest; 0 = by none of them
    bool resized = false;       ///< `slots` is what somebody set
    std::uint32_t used = 0;     ///< may exceed `slots` for a while after it was made smaller
    std::uint32_t waiting = 0;  ///< attempts that nothing but the pool holds back
    std::vector<std::pair<run_id, std::uint32_t>> by; ///< slots taken, by run; those that have none are left out
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

/// What the engine is at, in numbers.
struct engine_figures
{
    std::size_t runs = 0;                    ///< that it carries
    schedule::state_counts items;            ///< of all tasks of those runs; a task without `foreach` counts as one
    runtime::latency_histogram commits;      ///< from an append to the loop's knowing that it is durable; samples
    steady_clock::duration commit_waiting{}; ///< for the oldest sample that is not durable yet
    bool journal_broken = false;             ///< it cannot be written any more
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
    /// the same DAG that are under way, but for those of replays, are cancelled and awaited first.
    /// @param params complete and checked; `observer` must outlive the task
    /// @throws runtime::secret_error before anything is recorded; journal::store_error when the journal is damaged
    [[nodiscard]] task<run_outcome> run(std::shared_ptr<const graph::dag> d, json::object params,
                                        runtime::run_observer& observer);

    /// As above.
    /// @throws std::invalid_argument when the id is none that a run can have, or a run has it already
    [[nodiscard]] task<run_outcome> run(run_request wish, runtime::run_observer& observer);

    /// Secrets and connections that all DAGs may use, unless they have their own of that name. Runs under way keep what
    /// they have; the next one fetches what is not there yet, and fails when that does (`runtime::secret_error`).
    void share(std::shared_ptr<runtime::outside_source> outside);

    /// Never null.
    [[nodiscard]] const std::shared_ptr<runtime::outside_source>& shared() const noexcept;

    /// The id of a run to be: another one each time.
    [[nodiscard]] run_id make_id();

    /// Goes on with a run that has not ended; of one that has, only sees to it that the remote jobs whose end nobody
    /// confirmed are gone. @throws std::runtime_error when its DAG cannot be read any more, or it is under way
    /// already
    [[nodiscard]] task<run_outcome> resume(journal::run_row row, runtime::run_observer& observer);

    /// Runs of the journal that have not ended, those of this engine among them.
    [[nodiscard]] std::vector<journal::run_row> unfinished() const;

    /// Runs that have ended and left remote jobs behind whose end nobody confirmed.
    [[nodiscard]] std::vector<journal::run_row> unreconciled() const;

    /// Remote jobs of a run that may run still, for nothing has confirmed their end. @throws journal::store_error
    [[nodiscard]] std::size_t unconfirmed(const run_id& id) const;

    /// Asks a run of this host to stop, all of them without an id; with `shutdown` the host lets go of it instead.
    /// @return how many were asked
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

    /// Notes a sign of life of what an attempt waits for: nothing is recorded. @throws journal::store_error
    [[nodiscard]] task<request_result> hear_of_callback(callback_sign sign);

    /// What attempts wait for from outside, of all runs that have not ended. @throws journal::store_error
    [[nodiscard]] std::vector<waiting_callback> waiting_callbacks() const;

    /// How callbacks are reached from outside, before their tokens: an URL that ends with `callback_path`. From now on.
    void callbacks_at(std::string base);

    /// No attempt of the run is started until `unpause_on_request`; those under way go on, and so does its deadline.
    /// Otherwise as `cancel_on_request`; a run that is being cancelled has no use for it (`invalid`).
    [[nodiscard]] task<request_result> pause_on_request(std::string run);

    /// Takes a pause back. As `pause_on_request`.
    [[nodiscard]] task<request_result> unpause_on_request(std::string run);

    /// Lets tasks that have ended run once more, with what they had ended elsewhere (`schedule::tasks_to_reopen`).
    /// Attempts are numbered on, so that nothing is launched twice. A run that had ended has not ended any more, and
    /// its deadline begins anew. Of one that is not `carried` whoever asked is to `resume` it. Refused (`invalid`) are
    /// one that may still have remote jobs, and one that has neither ended nor is carried.
    /// @param run as for `cancel_on_request`
    [[nodiscard]] task<request_result> retry_on_request(std::string run, retry_wish wish);

    /// Removes a run that has ended from the journal, with its logs. One that may still have remote jobs is refused
    /// (`invalid`), and so is one that has not ended. @throws journal::store_error
    [[nodiscard]] task<request_result> remove_on_request(std::string run);

    /// Gives a pool so many slots from now on, whatever the DAGs say, also after a restart: kept in the ledger.
    /// @throws journal::store_error
    [[nodiscard]] task<request_result> resize_pool(std::string name, std::uint32_t slots);

    /// Takes back what `resize_pool` said: the pool has the slots again that the DAGs declare, also after a restart.
    /// Of one that nobody has resized: `unknown`. @throws journal::store_error
    [[nodiscard]] task<request_result> reset_pool(std::string name);

    /// Those that a run under way, or `resize_pool`, names; by name.
    [[nodiscard]] std::vector<pool_state> pools() const;

    /// Why a task, or one item of it, does not run (any more), or why it does. @param run carried by this engine
    /// @return nothing when this engine does not carry the run
    /// @throws std::invalid_argument when there is no such task or item
    [[nodiscard]] std::optional<schedule::explanation> why(const run_id& run, const std::string& task,
                                                           std::optional<item_index> item) const;

    /// What the operator of an attempt was given, rendered again from the journal (`host::rendered_input`). Of a run
    /// of the journal, carried or not. @throws std::invalid_argument when there is no such run, task, item or attempt;
    /// journal::store_error; std::runtime_error when the DAG cannot be read any more, or an expression fails
    [[nodiscard]] json::value rendered_input(const run_id& run, const std::string& task, item_index item,
                                             attempt_number attempt) const;

    /// Costs a look at each run.
    [[nodiscard]] engine_figures figures() const;

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

    /// What this engine remembers besides the journal's records.
    [[nodiscard]] runtime::ledger& ledger() noexcept;

    /// From now on calls `hook` whenever more of the journal is durable, for as long as there is this engine. On the
    /// loop; it must not throw.
    void when_durable(std::function<void()> hook);

    /// From now on calls `hook` with a pool and its slots whenever `resize_pool` or `reset_pool` has taken effect; of
    /// one that was reset and that no run under way declares these are 0. On the loop; it must not throw.
    void when_resized(std::function<void(std::string_view, std::uint32_t)> hook);

    /// From now on calls `hook` with a run that was asked for on request and has not ended, when this engine does not
    /// carry it: whoever sets the hook is to `resume` it. @param hook returns whether that is done; must not throw
    void when_to_carry(std::function<bool(journal::run_row)> hook);

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

    struct run_ask;

    [[nodiscard]] task<> end_older_runs(std::string dag_name, run_id than);
    void refuse_unusable(const run_id& id) const;
    [[nodiscard]] task<> fetch_all_secrets(runtime::run_plan& plan, runtime::secret_mask& mask);
    [[nodiscard]] task<> fetch_secrets(runtime::run_plan& plan, runtime::secret_mask& mask, counter& stops);
    [[nodiscard]] task<request_result> ask(std::string run, run_ask what);
    [[nodiscard]] task<std::optional<request_result>> ask_carried(run_id id, const run_ask& what);
    void hand_over(request_result& asked);
    [[nodiscard]] task<std::optional<request_result>> cancel_carried(run_id id, std::vector<std::string> tasks);
    [[nodiscard]] task<callback_standing> look_for_callback(std::string token);
    [[nodiscard]] task<std::optional<request_result>> complete_carried(run_id id, callback_delivery delivered);
    [[nodiscard]] task<std::optional<request_result>> set_paused_carried(run_id id, bool paused);
    [[nodiscard]] task<request_result> set_paused_on_request(std::string run, bool paused);
    [[nodiscard]] task<std::optional<request_result>> retry_carried(run_id id, retry_wish wish);
    [[nodiscard]] task<> record(std::vector<journal::record> records);
    [[nodiscard]] task<run_outcome> carry(runtime::run_executor& executor, counter& ended);

    std::unique_ptr<parts> parts_;
};

/// Loads a plugin's operators. @throws std::runtime_error that says what to rebuild, before any code of it has run,
/// when it was built for another potoo, compiler or Boost
void load_plugin(const std::filesystem::path& file);

} // namespace potoo::host
