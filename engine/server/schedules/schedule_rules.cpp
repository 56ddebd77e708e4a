#include "engine/server/schedules/schedule_rules.hpp"

namespace potoo::server {

due_verdict judge_due(const graph::schedule_spec& spec, const due_facts& f)
{
    const bool failing = f.owes && f.failing;
    if (spec.overlap == "cancel_running" || (spec.overlap == "skip" && failing))
        return f.owes ? due_verdict::replaces : due_verdict::owed;
    if (spec.overlap == "queue" || (f.owes && spec.catchup == "all"))
        return due_verdict::owed;
    return f.owes || f.full ? due_verdict::skipped : due_verdict::owed;
}

std::size_t made_up_for(const graph::schedule_spec& spec)
{
    return spec.catchup == "all" ? all_of_them : spec.catchup == "latest" ? 1 : 0;
}

} // namespace potoo::server
