#pragma once
/// @file
/// Why a task does not run, or why it does: what the machine knows of it, in words.

#include "engine/schedule/run_machine.hpp"

#include <potoo/ids.hpp>
#include <potoo/json.hpp>

#include <optional>
#include <string>
#include <vector>

namespace potoo::schedule {

/// One thing that holds a task, or says where it stands. Codes, which programs may rely on:
///
/// | code | details |
/// |---|---|
/// | `upstream` | `tasks`: names of those that have not ended; `rule` |
/// | `evaluating` | – |
/// | `paused` | – |
/// | `pool_full` | `pool`, `slots`, `used`; `runs`: id → slots |
/// | `max_active` | `limit`, `in_flight` |
/// | `run_limit` | `limit`, `in_flight` |
/// | `in_line` | –: nothing holds it but the attempts before it |
/// | `engine_limit` | `limit`, `in_flight`: attempts of all runs |
/// | `running_limit` | `limit`, `running`: attempts of all runs that are not deferred |
/// | `memory` | `limit`, in bytes |
/// | `journal` | –: what is recorded is not on the disk yet |
/// | `retry` | `at`, `attempt`: the one to come |
/// | `running`, `deferred`, `cancelling` | `attempt`; `since`; of a task `items`: how many |
/// | `backend_throttled`, `backend_failing` | `backend`; `for_ms`, `stuck_ms`: of the watcher of remote jobs |
/// | `deadline` | `at`: of the run |
/// | `ended` | `state`; `upstream`: names of the tasks that decided it; `error` |
struct reason
{
    std::string code;
    std::string text; ///< for people, one sentence without its full stop
    json::object details{};
};

/// Items of a task that are in the same state.
struct item_group
{
    task_state state = task_state::pending;
    std::uint32_t items = 0;
    item_index example{}; ///< the first of them
    reason why;           ///< of that one, what weighs most
};

struct explanation
{
    task_state state = task_state::pending;
    std::vector<reason> reasons;      ///< what weighs most first; never empty
    std::vector<item_group> groups{}; ///< of a task with several items, asked about as a whole; in the order of states
};

/// What the machine says. Of a task with items, without `item`, what holds those that could run next, and how all of
/// them stand.
/// @throws std::out_of_range when there is no such task or item
[[nodiscard]] explanation explain(const run_machine& machine, task_index task, std::optional<item_index> item);

} // namespace potoo::schedule
