#pragma once
/// @file
/// Which tasks run once more together, when somebody wants some of them to.

#include "engine/graph/dag.hpp"
#include "engine/schedule/events.hpp"

#include <potoo/ids.hpp>

#include <functional>
#include <vector>

namespace potoo::schedule {

struct reopen_wish
{
    std::vector<task_index> tasks{}; ///< empty = all that did not end well, of each the items that did not
    bool downstream = false;         ///< and everything behind them, however it ended
    bool failed_only = false;        ///< of `tasks` only the items that did not end well
};

/// How a task stands.
struct task_standing
{
    task_state state = task_state::pending;
    bool has_unsuccessful_items = false; ///< of a task with `foreach`
};

/// What is wished for, and what ended for no other reason than how that had ended: tasks behind it that ended
/// `upstream_failed`, `skipped` or `cancelled`. A task behind one that runs once more starts over as a whole, because
/// what it was given may change. What is under way goes on as it is.
/// @return in an order in which they can be applied; empty when there is nothing to do
[[nodiscard]] std::vector<task_reopened> tasks_to_reopen(const graph::dag& dag, const reopen_wish& wish,
                                                         const std::function<task_standing(task_index)>& standing);

} // namespace potoo::schedule
