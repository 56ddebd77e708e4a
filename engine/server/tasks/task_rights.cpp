#include "engine/server/tasks/task_rights.hpp"

#include <fmt/format.h>

namespace potoo::server {

using refusal = task_refused::kind;

bool may_see(const principal& who, const task_entry& e)
{
    return e.shown.scope == task_scope::system || who.sees_work_of(e.shown.owner) || e.is_reader(who.name);
}

void check_may_submit(const principal& who, const task_request& wish, const task_rules& rules,
                      const operator_registry& operators)
{
    if (who.is_admin())
        return;
    if (wish.scope == task_scope::system)
        throw task_refused(refusal::forbidden, "only an admin begins a task of the scope `system`",
                           {{"/scope", "is for admins: use `private` or `shared`", {}}});
    const operator_entry* op = operators.find(wish.operator_name);
    if (!op || lets_users_submit(rules, *op))
        return;
    throw task_refused(refusal::forbidden,
                       fmt::format("only an admin submits tasks of the operator `{}` here; the server's "
                                   "`users_may_submit` says which others submit",
                                   wish.operator_name),
                       {{"/operator", "is for admins", {}}});
}

bool subscribe(const principal& who, task_entry& e)
{
    if (e.cancelling)
        throw task_refused(
            refusal::conflict,
            fmt::format("the task {} of that key is being cancelled; ask again when it has ended", e.shown.id));
    if (e.shown.scope == task_scope::system || e.is_subscribed(who.name))
        return false;
    e.subscribe(who.name);
    return true;
}

task_cancellation take_cancellation(const principal& who, task_entry& e, bool force)
{
    if (e.has_ended())
        return task_cancellation::ended;
    const bool before = e.cancelling;
    if (force || e.shown.scope == task_scope::system) {
        if (!who.is_admin())
            throw task_refused(refusal::forbidden,
                               force ? "only an admin cancels what others have subscribed to: ask without `force`"
                                     : "only an admin cancels a task of the scope `system`");
    } else if (!e.is_reader(who.name)) {
        throw task_refused(refusal::forbidden,
                           fmt::format("{} has not subscribed to the task {}{}", who.shown(), e.shown.id,
                                       who.is_admin() ? "; `force` cancels it all the same" : ""));
    } else if (!before) {
        e.unsubscribe(who.name);
        if (!e.shown.subscribers.empty())
            return task_cancellation::unsubscribed;
    }
    e.cancelling = true;
    e.shown.state = "cancelling";
    return before ? task_cancellation::repeated : task_cancellation::cancelling;
}

} // namespace potoo::server
