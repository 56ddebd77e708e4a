#pragma once
/// @file
/// The ends of single tasks as the journal has them: others read them there, and in the events, a moment before the
/// notice of the run's end arrives.

#include "engine/server/tasks/task_backlog.hpp"
#include "engine/server/tasks/task_book.hpp"
#include "engine/server/tasks/task_runs.hpp"

namespace potoo::server {

/// Whoever has seen that a run is over finds its task over, too.
class task_ends
{
  public:
    /// All of them outlive it.
    task_ends(task_book& book, task_runs& runs, task_backlog& backlog) : book_(book), runs_(runs), backlog_(backlog) {}

    /// Of one that has begun: if its run has ended, so has it.
    void catch_up(const task_entry_ptr& e);

    /// All of which that may be so.
    void catch_up();

  private:
    task_book& book_;
    task_runs& runs_;
    task_backlog& backlog_;
};

} // namespace potoo::server
