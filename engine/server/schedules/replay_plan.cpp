#include "engine/server/schedules/replay_plan.hpp"

#include "engine/server/schedules/usual_params.hpp"

#include <fmt/format.h>

namespace potoo::server {

using reason = replay_refused::reason;

const graph::schedule_spec& calendar_of(std::string_view name, const graph::dag* dag)
{
    if (!dag)
        throw replay_refused(reason::no_such_dag, fmt::format("there is no DAG `{}`", name));
    if (!dag->schedule || dag->schedule->expression.empty())
        throw replay_refused(
            reason::bad_range,
            fmt::format("the DAG `{}` has no `schedule`, whose times a replay could go through", name));
    if (const std::string missing = unattended_problem(*dag); !missing.empty())
        throw replay_refused(reason::needs_params, fmt::format("no replay of `{}`: {}", name, missing));
    return *dag->schedule;
}

std::vector<wall_time> plan_replay(const graph::schedule_spec& calendar, const replay_range& range,
                                   const replay_bounds& bounds, const schedule::zone_source& zones)
{
    const auto& [from, to] = range;
    if (from > to)
        throw replay_refused(reason::bad_range, fmt::format("the range ends before it begins: {} comes after {}",
                                                            format_time(from), format_time(to)));
    if (to > bounds.now)
        throw replay_refused(reason::bad_range, fmt::format("the range ends in the future: {}", format_time(to)));
    const auto table = schedule::timetable_of(calendar.expression, calendar.timezone, zones);
    auto times = table.between(from - duration(1), to, bounds.most_runs + 1);
    if (times.empty())
        throw replay_refused(reason::bad_range,
                             fmt::format("no time of `{}` ({}) lies between {} and {}", calendar.expression,
                                         calendar.timezone, format_time(from), format_time(to)));
    if (times.size() > bounds.most_runs)
        throw replay_refused(reason::bad_range,
                             fmt::format("the range has more than {} times, which is the most of one "
                                         "replay: take several",
                                         bounds.most_runs));
    return times;
}

} // namespace potoo::server
