#pragma once
/// @file
/// Writes what the backlog has, lets go of the keys of what is over, and forgets what is too old to be kept.

#include "engine/server/tasks/task_backlog.hpp"
#include "engine/server/tasks/task_book.hpp"
#include "engine/server/tasks/task_ledger.hpp"
#include "engine/server/tasks/task_rules.hpp"

#include <potoo/loop.hpp>
#include <potoo/task.hpp>

namespace potoo::server {

/// All of them throw journal::store_error; what could not be written then is in the backlog still.
class task_upkeep
{
  public:
    /// After so long the ledger is asked again that could not be written.
    static constexpr duration time_to_recover{1'000};

    /// All of them outlive it. @param rules those that hold; may change at any time
    task_upkeep(potoo::loop& l, task_book& book, task_ledger& kept, task_backlog& backlog, const task_rules& rules)
        : loop_(l), book_(book), kept_(kept), backlog_(backlog), rules_(rules)
    {}

    [[nodiscard]] task<> write_ends();

    /// If they are due.
    [[nodiscard]] task<> write_changes();

    [[nodiscard]] task<> drop_old();

  private:
    [[nodiscard]] task<> let_go(task_entry_ptr e);

    potoo::loop& loop_;
    task_book& book_;
    task_ledger& kept_;
    task_backlog& backlog_;
    const task_rules& rules_;
};

} // namespace potoo::server
