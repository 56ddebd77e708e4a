#include "engine/server/tasks/task_rules.hpp"

#include <potoo/json_members.hpp>

#include <algorithm>

namespace potoo::server {

bool has_rights_of_the_server(const operator_entry& op)
{
    const bool here = std::ranges::find(operators_of_this_machine, op.name) != operators_of_this_machine.end();
    return here || (op.schema.is_object() && object_in(op.schema.get_object(), "properties").contains("connection"));
}

bool lets_users_submit(const task_rules& rules, const operator_entry& op)
{
    if (!rules.users_may_submit)
        return !has_rights_of_the_server(op);
    return std::ranges::find(*rules.users_may_submit, op.name) != rules.users_may_submit->end();
}

} // namespace potoo::server
