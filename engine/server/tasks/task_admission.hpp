#pragma once
/// @file
/// How single tasks begin: of those that ask with one key at once, one begins the task and the others join it.

#include "engine/graph/dag.hpp"
#include "engine/server/access/principal.hpp"
#include "engine/server/tasks/task_backlog.hpp"
#include "engine/server/tasks/task_book.hpp"
#include "engine/server/tasks/task_ends.hpp"
#include "engine/server/tasks/task_ledger.hpp"
#include "engine/server/tasks/task_runs.hpp"

#include <potoo/task.hpp>

#include <memory>
#include <string>

namespace potoo::server {

struct submitted_task
{
    std::string id;
    bool created = false; ///< otherwise there was one of that key, and the asker has joined it
};

class task_admission
{
  public:
    /// All of them outlive it.
    task_admission(task_book& book, task_ledger& kept, task_runs& runs, task_ends& ends, task_backlog& backlog)
        : book_(book), kept_(kept), runs_(runs), ends_(ends), backlog_(backlog)
    {}

    /// Durable when it returns. @param wish without an id @throws task_refused (`conflict`)
    [[nodiscard]] task<submitted_task> submit(principal who, task_view wish, std::shared_ptr<const graph::dag> dag);

  private:
    [[nodiscard]] task_entry_ptr make_entry(task_view wish);
    [[nodiscard]] task<task_entry_ptr> claim(task_view wish, std::string slot);
    [[nodiscard]] task<> begin(task_entry_ptr e, std::shared_ptr<const graph::dag> dag);
    [[nodiscard]] task_entry_ptr winner_of(const std::string& slot) const;
    [[nodiscard]] task<bool> join(task_entry_ptr e, principal who);

    task_book& book_;
    task_ledger& kept_;
    task_runs& runs_;
    task_ends& ends_;
    task_backlog& backlog_;
};

} // namespace potoo::server
