#include "engine/server/api/refusals.hpp"

#include <utility>
#include <vector>

namespace potoo::server {

problem problem_of(const task_refused& e)
{
    std::vector<flaw> flaws;
    for (const task_refused::problem& p : e.problems())
        flaws.push_back({p.place, p.text, p.suggestion});
    switch (e.why()) {
    case task_refused::kind::forbidden:
        return problem(403, "forbidden", e.what());
    case task_refused::kind::unknown:
        return problem(404, "unknown", e.what());
    case task_refused::kind::conflict:
        return problem(409, "conflict", e.what());
    case task_refused::kind::invalid:
        break;
    }
    return problem(422, "body-invalid", e.what(), std::move(flaws));
}

problem problem_of(const replay_refused& e)
{
    switch (e.why()) {
    case replay_refused::reason::no_such_dag:
        return problem(422, "dag-unknown", e.what());
    case replay_refused::reason::no_such_replay:
        return problem(404, "replay-unknown", e.what());
    case replay_refused::reason::other_wish:
        return {409, "replay-exists", e.what()};
    case replay_refused::reason::needs_params:
        return problem(422, "params-invalid", e.what());
    case replay_refused::reason::bad_range:
        break;
    }
    return problem(422, "range-invalid", e.what());
}

} // namespace potoo::server
