#include "engine/server/schedules/replay_lane.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace potoo::server {

namespace {

std::string key_of(const std::string& id, wall_time at)
{
    return fmt::format("{}@{}", id, format_time(at));
}

task<> rest(duration d)
{
    co_await sleep_for(d);
}

} // namespace

/// Nothing begins while it is there.
class replay_lane::cancelling_guard
{
  public:
    explicit cancelling_guard(replay_lane& r) : replay_(r) { replay_.cancelling_ = true; }

    cancelling_guard(const cancelling_guard&) = delete;
    cancelling_guard& operator=(const cancelling_guard&) = delete;

    ~cancelling_guard()
    {
        replay_.cancelling_ = false;
        replay_.ports_.changes.increment();
    }

  private:
    replay_lane& replay_;
};

replay_row replay_lane::row() const
{
    replay_row out = kept_.row;
    out.active = active_.size();
    return out;
}

void replay_lane::count_runs()
{
    auto& row = kept_.row;
    std::size_t succeeded = 0;
    std::size_t failed = 0;
    for (const auto& run : ports_.runs.caused("replay", row.id))
        if (run.standing == run_standing::unfinished)
            active_.insert(run.origin.key);
        else
            ++(run.standing == run_standing::success ? succeeded : failed);
    // Some may have been removed meanwhile: what was counted before stays.
    row.succeeded = std::max(row.succeeded, succeeded);
    row.failed = std::max(row.failed, failed);
    if (row.state != replay_state::running)
        row.begun = std::max(row.begun, row.succeeded + row.failed + active_.size());
}

task<> replay_lane::write(replay_record r)
{
    auto value = to_json(r);
    co_await ports_.memory.put(ports_.kind, r.row.id, std::move(value));
}

task<> replay_lane::save()
{
    auto kept = kept_;
    if (cancelling_)
        kept.row.state = replay_state::cancelled;
    co_await write(std::move(kept));
}

bool replay_lane::is_full() const
{
    return active_.size() >= kept_.row.parallel || ports_.active() >= ports_.settings.max_active;
}

task<> replay_lane::carry()
{
    while (!kept_.settled) {
        std::string trouble;
        try {
            co_await work();
            continue;
        } catch (const std::exception& e) {
            trouble = e.what();
        }
        kept_.row.problem = trouble;
        ports_.warn(fmt::format("replay {}: {}", kept_.row.id, trouble));
        co_await rest(ports_.settings.try_again);
    }
}

/// Does the next thing there is to do.
task<> replay_lane::work()
{
    const auto seen = ports_.changes.value();
    const bool running = kept_.row.state == replay_state::running;
    if (running && !cancelling_)
        co_await go_on();
    else if (!running && active_.empty())
        co_await finish(kept_.row.state);
    else
        co_await ports_.changes.reached(seen + 1);
}

task<> replay_lane::go_on()
{
    auto& row = kept_.row;
    const auto seen = ports_.changes.value();
    const auto table = schedule::timetable_of(kept_.expression, kept_.timezone, ports_.settings.zones);
    const auto at = table.next(kept_.done);
    const bool more = at && *at <= row.to;
    if (!more && active_.empty()) {
        co_await finish(replay_state::done);
        co_return;
    }
    if (!more || is_full()) {
        co_await ports_.changes.reached(seen + 1);
        co_return;
    }
    const bool begun = co_await begin(*at);
    if (begun) {
        kept_.done = *at;
        failures_ = 0;
        row.problem.clear();
        co_await save();
    } else if (++failures_ >= ports_.settings.tries) {
        co_await finish(replay_state::failed);
    } else {
        co_await rest(ports_.settings.try_again);
    }
}

/// @return false when it could not
task<bool> replay_lane::begin(wall_time at)
{
    auto& row = kept_.row;
    runtime::run_origin origin;
    origin.by = "replay";
    origin.who = row.who;
    origin.cause = row.id;
    origin.key = key_of(row.id, at);
    origin.scheduled = at;
    const auto key = origin.key;
    if (const auto known = ports_.runs.find(origin.by, key)) {
        if (known->standing == run_standing::unfinished)
            active_.insert(key);
        ++row.begun;
        co_return true;
    }
    active_.insert(key);
    std::string trouble;
    run_id id;
    try {
        auto dag = ports_.dags.startable(row.dag).dag;
        if (!dag)
            throw std::runtime_error(fmt::format("there is no DAG `{}` any more", row.dag));
        id = co_await ports_.runs.start(std::move(dag), std::move(origin));
        ++row.begun;
    } catch (const std::exception& e) {
        trouble = e.what();
    }
    if (trouble.empty()) {
        if (row.state == replay_state::cancelled)
            co_await ports_.runs.cancel(id);
        co_return true;
    }
    active_.erase(key);
    row.problem = trouble;
    ports_.warn(fmt::format("replay {}: the run for {} cannot begin: {}", row.id, format_time(at), trouble));
    co_return false;
}

/// It begins no more runs; once those under way have ended too, it is settled.
task<> replay_lane::finish(replay_state state)
{
    auto last = kept_;
    last.row.state = state;
    last.settled = active_.empty();
    const bool settled = last.settled;
    co_await write(std::move(last));
    kept_.row.state = state;
    kept_.settled = settled;
    const auto& row = kept_.row;
    const auto told = fmt::format("replay {} of `{}` is {}: {} runs of {}, {} succeeded, {} did not{}", row.id, row.dag,
                                  to_string(state), row.begun, row.runs, row.succeeded, row.failed,
                                  settled ? "" : ", the others go on");
    if (state == replay_state::failed)
        ports_.warn(told);
    else
        ports_.say(told);
}

task<> replay_lane::cancel_runs()
{
    for (const auto& run : ports_.runs.caused("replay", kept_.row.id))
        if (run.standing == run_standing::unfinished)
            co_await ports_.runs.cancel(run.id);
}

task<> replay_lane::cancel()
{
    if (kept_.row.state != replay_state::running)
        co_return;
    {
        const cancelling_guard told(*this);
        co_await save();
        kept_.row.state = replay_state::cancelled;
    }
    co_await cancel_runs();
}

task<> replay_lane::stop_runs()
{
    std::string trouble;
    try {
        co_await cancel_runs();
    } catch (const std::exception& e) {
        trouble = e.what();
    }
    if (!trouble.empty())
        ports_.warn(fmt::format("replay {}: its runs could not be asked to stop: {}", kept_.row.id, trouble));
}

void replay_lane::heed_end(const std::string& key, bool succeeded)
{
    if (active_.erase(key) == 0)
        return; // retried: it was counted when it ended first
    ++(succeeded ? kept_.row.succeeded : kept_.row.failed);
    ports_.changes.increment();
}

} // namespace potoo::server
