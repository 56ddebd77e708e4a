#pragma once
/// @file
/// Takes in the single tasks that an engine before has left, and mends what a crash has left half done.

#include "engine/server/tasks/task_backlog.hpp"
#include "engine/server/tasks/task_book.hpp"
#include "engine/server/tasks/task_ledger.hpp"
#include "engine/server/tasks/task_runs.hpp"

#include <potoo/task.hpp>

#include <functional>
#include <set>
#include <string>
#include <string_view>

namespace potoo::server {

class task_recovery
{
  public:
    /// All of them outlive it. @param say told of what cannot be read, a line a call; may be empty
    task_recovery(task_book& book, task_ledger& kept, task_runs& runs, task_backlog& backlog,
                  const std::function<void(std::string_view)>& say)
        : book_(book), kept_(kept), runs_(runs), backlog_(backlog), say_(say)
    {}

    /// Keys whose task never began are free again, ends that were missed are in the backlog, cancellations that were
    /// accepted are asked for again. What cannot be read is told and left as it is: its key stays taken.
    [[nodiscard]] task<> recover();

  private:
    void say(const std::string& line) const;
    [[nodiscard]] task<> take_in(task_entry_ptr e);
    [[nodiscard]] task<> free_keys(std::set<std::string> unreadable);

    task_book& book_;
    task_ledger& kept_;
    task_runs& runs_;
    task_backlog& backlog_;
    const std::function<void(std::string_view)>& say_;
};

} // namespace potoo::server
