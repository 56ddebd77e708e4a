#include "engine/server/tasks/task_rules.hpp"

#include <algorithm>

namespace potoo::server {

bool lets_users_submit(const task_rules& rules, std::string_view operator_name)
{
    if (rules.users_may_submit)
        return std::ranges::find(*rules.users_may_submit, operator_name) != rules.users_may_submit->end();
    const auto& not_for_users = operators_with_rights_of_the_server;
    return std::ranges::find(not_for_users, operator_name) == not_for_users.end();
}

} // namespace potoo::server
