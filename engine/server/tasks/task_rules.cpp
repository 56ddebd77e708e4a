#include "engine/server/tasks/task_rules.hpp"

#include <algorithm>

namespace potoo::server {

bool lets_users_submit(const task_rules& rules, std::string_view operator_name)
{
    if (rules.users_may_submit)
        return std::ranges::find(*rules.users_may_submit, operator_name) != rules.users_may_submit->end();
    return std::ranges::find(operators_of_this_machine, operator_name) == operators_of_this_machine.end();
}

} // namespace potoo::server
