#include "engine/server/tasks/carried_task_runs.hpp"

#include "engine/host/journal_requests.hpp"
#include "engine/runtime/attempt_result.hpp"

#include <utility>

namespace potoo::server {

task<> carried_task_runs::start(task_run wish)
{
    host::run_request request{std::move(wish.dag), {}, std::move(wish.origin), std::move(wish.id)};
    co_await carrier_.start(std::move(request));
}

task<host::request_result> carried_task_runs::cancel(run_id id)
{
    auto answer = co_await engine_.cancel_on_request(id.value(), std::vector<std::string>());
    co_return answer;
}

std::optional<journal::run_row> carried_task_runs::find(const run_id& id)
{
    host::request_result problem;
    auto row = host::run_named(journal_, id.value(), problem);
    return row && row->id == id ? row : std::nullopt;
}

task_runs::result carried_task_runs::result_of(const run_id& id)
{
    const auto row = find(id);
    if (!row)
        return {};
    const auto tasks = journal_.tasks(row->number);
    if (tasks.empty())
        return {};
    return {runtime::parse_recorded(tasks.front().output), runtime::parse_recorded(tasks.front().error)};
}

} // namespace potoo::server
