#pragma once
/// @file
/// Who may do what with single tasks, and what subscribing and cancelling come to.

#include "engine/server/access/principal.hpp"
#include "engine/server/tasks/task_entry.hpp"
#include "engine/server/tasks/task_request.hpp"
#include "engine/server/tasks/task_rules.hpp"

#include <potoo/operator.hpp>

#include <cstdint>

namespace potoo::server {

/// Whoever has ever subscribed may, whoever sees the owner's work, and of the scope `system` everybody.
[[nodiscard]] bool may_see(const principal& who, const task_entry& e);

/// An operator that there is not is no matter of rights: it is told as such, later.
/// @throws task_refused (`forbidden`)
void check_may_submit(const principal& who, const task_request& wish, const task_rules& rules,
                      const operator_registry& operators);

/// Somebody has asked with the key of one that goes on. @return whether the entry has changed
/// @throws task_refused (`conflict`) when it is being cancelled
bool subscribe(const principal& who, task_entry& e);

enum class task_cancellation : std::uint8_t
{
    cancelling,   ///< the work is told to stop, which is recorded
    unsubscribed, ///< others want it still
    repeated,     ///< it was told to stop before
    ended,        ///< too late
};

/// Somebody does not want it any more; the entry says so from now on. Whoever carries the work out tells it to stop
/// when it comes to `cancelling`, or to `repeated`.
/// @param force whoever else has subscribed; admins only
/// @throws task_refused (`forbidden`) and the entry is as it was
[[nodiscard]] task_cancellation take_cancellation(const principal& who, task_entry& e, bool force);

} // namespace potoo::server
