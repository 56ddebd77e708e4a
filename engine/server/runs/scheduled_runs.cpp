#include "engine/server/runs/scheduled_runs.hpp"

#include "engine/server/schedules/usual_params.hpp"

#include <algorithm>

namespace potoo::server {
namespace {

run_standing standing_of(const journal::run_row& r)
{
    if (!r.ended)
        return run_standing::unfinished;
    return r.state == journal::recorded_state::success ? run_standing::success : run_standing::ended_otherwise;
}

begun_run begun(const journal::run_row& r)
{
    return {r.id, r.dag_name, runtime::parse_run_origin(r.origin), standing_of(r), r.ended};
}

} // namespace

task<run_id> scheduled_runs::start(std::shared_ptr<const graph::dag> dag, runtime::run_origin origin)
{
    host::run_request wish;
    wish.params = usual_params(*dag);
    wish.dag = std::move(dag);
    wish.origin = std::move(origin);
    auto id = co_await runs_.start(std::move(wish));
    co_return id;
}

task<> scheduled_runs::cancel(run_id id)
{
    // One that has ended, or is not there any more, needs no cancelling.
    auto answer = co_await engine_.cancel_on_request(id.value(), {});
    (void)answer;
}

std::size_t scheduled_runs::active_of(std::string_view dag)
{
    return runs_.active_of(dag, "replay");
}

std::optional<begun_run> scheduled_runs::find(std::string_view by, std::string_view key)
{
    journal::run_filter which;
    which.origin_by = by;
    which.origin_key = key;
    which.limit = 1;
    const auto rows = journal_.runs(which);
    return rows.empty() ? std::nullopt : std::optional(begun(rows.front()));
}

std::optional<wall_time> scheduled_runs::end_of(const run_id& id)
{
    journal::run_filter which;
    which.id_prefix = id.value();
    which.limit = 1;
    const auto rows = journal_.runs(which);
    return rows.empty() ? std::nullopt : rows.front().ended;
}

std::vector<begun_run> scheduled_runs::succeeded(std::string_view dag, wall_time since)
{
    journal::run_filter which;
    which.dag_name = dag;
    which.state = journal::recorded_state::success;
    std::vector<begun_run> found;
    for (const journal::run_row& r : journal_.runs(which)) {
        if (r.ended && *r.ended >= since)
            found.push_back(begun(r));
    }
    std::sort(found.begin(), found.end(), [](const begun_run& a, const begun_run& b) { return a.ended < b.ended; });
    return found;
}

std::vector<begun_run> scheduled_runs::caused(std::string_view by, std::string_view cause)
{
    journal::run_filter which;
    which.origin_by = by;
    std::vector<begun_run> found;
    for (const journal::run_row& r : journal_.runs(which)) {
        begun_run b = begun(r);
        if (b.origin.cause == cause)
            found.push_back(std::move(b));
    }
    std::reverse(found.begin(), found.end());
    return found;
}

} // namespace potoo::server
