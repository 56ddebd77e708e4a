#include "engine/journal/attempt_fold.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace potoo::journal {

namespace {

launched_job& job_of(attempt_row& row, const std::string& token)
{
    const auto found = std::ranges::find(row.jobs, token, &launched_job::token);
    return found != row.jobs.end() ? *found : row.jobs.emplace_back(launched_job{token, {}});
}

} // namespace

void attempt_fold::apply(const record& r)
{
    if (r.attempt.value() == 0)
        return;
    attempt_row& row = attempts_[r.attempt];
    row.attempt = r.attempt;
    switch (r.kind) {
    case record_kind::attempt_started:
        row.started = r.at;
        row.state = recorded_state::running;
        break;
    case record_kind::attempt_deferred:
        row.state = recorded_state::deferred;
        row.deferred = r.at;
        break;
    case record_kind::attempt_resumed:
        row.state = recorded_state::running;
        row.deferred.reset();
        break;
    case record_kind::attempt_interrupted:
        row.state = recorded_state::none;
        row.deferred.reset();
        break;
    case record_kind::attempt_ended:
        end(row, r);
        break;
    case record_kind::retry_scheduled:
        row.retry = wall_time(std::chrono::milliseconds(r.number));
        break;
    case record_kind::launch_intent:
        job_of(row, r.name);
        break;
    case record_kind::launch_recorded:
        job_of(row, r.name).job = r.data;
        break;
    default:
        break;
    }
}

void attempt_fold::end(attempt_row& row, const record& r)
{
    row.state = r.state;
    row.ended = r.at;
    row.deferred.reset();
    // Whatever a file says, the calendar begins in 1970 here.
    const std::int64_t end = std::max<std::int64_t>(r.at.time_since_epoch().count(), 0);
    if (!row.started)
        row.started = wall_time(std::chrono::milliseconds(end - std::clamp<std::int64_t>(r.number, 0, end)));
    (r.state == recorded_state::success ? row.output : row.error) = r.data;
}

std::vector<attempt_row> attempt_fold::rows() &&
{
    std::vector<attempt_row> result;
    result.reserve(attempts_.size());
    for (auto& [number, row] : attempts_)
        result.push_back(std::move(row));
    return result;
}

} // namespace potoo::journal
