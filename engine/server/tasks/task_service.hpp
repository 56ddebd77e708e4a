#pragma once
/// @file
/// Single tasks that applications submit, each a run of its own: who asked for it under which key, who has subscribed
/// to it, how far it is. Kept in the ledger: kind `task` by the task's id, kind `task_key` by scope and key.

#include "engine/graph/dag.hpp"
#include "engine/host/request_result.hpp"
#include "engine/journal/store.hpp"
#include "engine/runtime/ledger.hpp"
#include "engine/runtime/run_origin.hpp"
#include "engine/server/access/principal.hpp"
#include "engine/server/runs/run_carrier.hpp"
#include "engine/server/tasks/task_request.hpp"
#include "engine/server/tasks/task_rules.hpp"

#include <potoo/ids.hpp>
#include <potoo/json.hpp>
#include <potoo/loop.hpp>
#include <potoo/operator.hpp>
#include <potoo/task.hpp>
#include <potoo/time.hpp>

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace potoo::server {

/// What a run of one task is made from.
struct task_run
{
    run_id id;
    std::shared_ptr<const graph::dag> dag;
    runtime::run_origin origin;
};

/// The runs as the service needs them. `carried_task_runs` are the real ones.
class task_runs
{
  public:
    virtual ~task_runs() = default;

    [[nodiscard]] virtual run_id make_id() = 0;

    /// In the journal when it returns.
    [[nodiscard]] virtual task<> start(task_run wish) = 0;

    /// Asks the run to stop, carried or not; recorded when it returns.
    [[nodiscard]] virtual task<host::request_result> cancel(run_id id) = 0;

    /// @return nothing when the journal knows no such run
    [[nodiscard]] virtual std::optional<journal::run_row> find(const run_id& id) = 0;

    /// Output and error of the run's task, once it has ended; null where there is none.
    struct result
    {
        json::value output;
        json::value error;
    };

    [[nodiscard]] virtual result result_of(const run_id& id) = 0;
};

/// A task as people see it.
struct task_view
{
    std::string id; ///< of its run, too
    std::string operator_name;
    std::string name;
    std::string key;
    task_scope scope = task_scope::private_;
    std::string owner; ///< who submitted it first; empty = the local user
    std::vector<std::string> subscribers;
    wall_time created{};
    std::optional<wall_time> ended{};
    std::string state; ///< `running`, `cancelling`, then a run's final state
    double fraction = 0;
    std::string message; ///< of its progress
    json::object properties;
};

/// The members of `task_view`; times as RFC 3339, `progress` = {fraction, message}, names as `principal::shown`,
/// without what is empty.
[[nodiscard]] json::object to_json(const task_view& v);

struct task_filter
{
    std::optional<bool> active{}; ///< true = not ended
    std::string state;            ///< empty = any, as for the others
    std::string key;
    std::string name;
    std::string owner;
    std::string cursor;      ///< `next` of the page before
    std::size_t limit = 100; ///< at least 1
};

struct task_page
{
    std::vector<task_view> tasks; ///< the latest first
    std::string next;             ///< empty = there are no more
};

struct submitted_task
{
    std::string id;
    bool created = false; ///< otherwise there was one of that key, and the asker has joined it
};

enum class task_cancellation : std::uint8_t
{
    cancelling,   ///< the work is told to stop, which is recorded
    unsubscribed, ///< others want it still
    repeated,     ///< it was told to stop before
    ended,        ///< too late
};

/// All calls on the loop. Nothing is asked of it before `start` has returned.
class task_service
{
  public:
    /// All of them outlive it. @param say tells the operator of the server (the log), one line a call; may be empty
    task_service(potoo::loop& l, runtime::ledger& facts, task_runs& runs, const operator_registry& operators,
                 task_rules rules = {}, std::function<void(std::string_view)> say = {});
    ~task_service();

    task_service(const task_service&) = delete;
    task_service& operator=(const task_service&) = delete;

    /// Reads what the ledger knows, and mends what a crash has left half done: keys whose task never began are free
    /// again, ends that were missed are noted, cancellations that were accepted are asked for again. What cannot be
    /// read is told and left as it is: its key stays taken. To be called before the runs of the journal are resumed.
    [[nodiscard]] task<> start();

    /// Writes down what tasks tell of themselves, lets go of keys, keeps the retention. Runs until it is cancelled.
    [[nodiscard]] task<> tend();

    /// From now on these hold.
    void apply(task_rules rules);

    /// Durable when it returns. Of many that ask with one key at once, one creates the task; the ledger decides.
    /// @throws task_refused
    [[nodiscard]] task<submitted_task> submit(principal who, task_request wish);

    /// Unsubscribes the asker; when nobody is left, the work is cancelled. Durable when it returns.
    /// @param force cancels whoever has subscribed; admins only
    /// @throws task_refused
    [[nodiscard]] task<task_cancellation> cancel(principal who, std::string id, bool force);

    /// @throws task_refused (`unknown`)
    [[nodiscard]] task_view find(const principal& who, const std::string& id) const;

    /// Output and error of one that has ended. @throws task_refused (`unknown`)
    [[nodiscard]] task_runs::result result_of(const principal& who, const std::string& id) const;

    /// There is one of that id, whoever may see it.
    [[nodiscard]] bool knows(const std::string& id) const;

    /// It is not the asker's alone: somebody else has subscribed to it, or it is of the scope `system`.
    [[nodiscard]] bool is_wanted_by_others(const principal& who, const std::string& id) const;

    /// Those that the asker may see. @throws task_refused (`invalid`) when the cursor is none
    [[nodiscard]] task_page list(const principal& who, const task_filter& which) const;

    /// What a run tells of itself; others' runs are ignored. For `run_carrier::listen`.
    void hear(const run_notice& n);

    /// Tasks that have not ended.
    [[nodiscard]] std::size_t active() const noexcept;

  private:
    struct parts;

    std::unique_ptr<parts> parts_;
};

} // namespace potoo::server
