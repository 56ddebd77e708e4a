#pragma once
/// @file
/// Single tasks that applications submit, each a run of its own: who asked for it under which key, who has subscribed
/// to it, how far it is. What is remembered where: `task_book` (memory), `task_ledger` (for good), `task_backlog` (not
/// for good yet). What it does with that: `task_recovery` at the start, `task_admission`, `task_upkeep` from then on. A
/// task has ended as soon as the journal says so of its run (`task_ends`).

#include "engine/runtime/ledger.hpp"
#include "engine/server/access/principal.hpp"
#include "engine/server/runs/run_carrier.hpp"
#include "engine/server/tasks/task_admission.hpp"
#include "engine/server/tasks/task_page.hpp"
#include "engine/server/tasks/task_request.hpp"
#include "engine/server/tasks/task_rights.hpp"
#include "engine/server/tasks/task_rules.hpp"
#include "engine/server/tasks/task_runs.hpp"
#include "engine/server/tasks/task_view.hpp"

#include <potoo/loop.hpp>
#include <potoo/operator.hpp>
#include <potoo/task.hpp>

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace potoo::server {

/// All calls on the loop. Nothing is asked of it before `start` has returned.
class task_service
{
  public:
    /// All of them outlive it. @param warn tells the operator of the server what is wrong (the log), one line a
    /// call; may be empty
    task_service(potoo::loop& l, runtime::ledger& facts, task_runs& runs, const operator_registry& operators,
                 task_rules rules = {}, std::function<void(std::string_view)> warn = {});
    ~task_service();

    task_service(const task_service&) = delete;
    task_service& operator=(const task_service&) = delete;

    /// Reads what the ledger knows, and mends what a crash has left half done: keys whose task never began are free
    /// again, ends that were missed are noted, cancellations that were accepted are asked for again. What cannot be
    /// read is told and left as it is: its key stays taken. To be called before the runs of the journal are resumed.
    [[nodiscard]] task<> start();

    /// Writes down what tasks tell of themselves, lets go of keys, keeps the retention. Runs until it is cancelled.
    [[nodiscard]] task<> tend();

    /// From now on these hold. Operators that they name and that are not there are told.
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
