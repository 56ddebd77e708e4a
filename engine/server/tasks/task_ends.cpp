#include "engine/server/tasks/task_ends.hpp"

#include <string>

namespace potoo::server {

void task_ends::catch_up(const task_entry_ptr& e)
{
    if (e->has_ended())
        return;
    const auto run = runs_.find(run_id(e->shown.id));
    if (!run || !run->ended)
        return;
    book_.end(e, std::string(to_string(run->state)), *run->ended);
    backlog_.add_end(e);
}

void task_ends::catch_up()
{
    for (const run_id& id : runs_.ending()) {
        if (const task_entry_ptr e = book_.find_begun(id.value()))
            catch_up(e);
    }
}

} // namespace potoo::server
