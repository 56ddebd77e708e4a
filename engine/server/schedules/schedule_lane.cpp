#include "engine/server/schedules/schedule_lane.hpp"

#include "engine/server/schedules/schedule_rules.hpp"
#include "engine/server/schedules/usual_params.hpp"

#include <potoo/concurrency.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace potoo::server {

namespace {

/// The wall clock may be set: it is looked at so often, at least.
constexpr std::chrono::minutes longest_nap{1};
/// What was decided for a time further ahead than this was decided by a clock that was wrong.
constexpr std::chrono::hours believable{24};
constexpr std::size_t counted_at_most = 1000;
/// Successes that are kept while a DAG is held back, with `catchup: all`.
constexpr std::size_t most_missed = 10'000;

std::string key_of(const std::string& dag, std::string_view what)
{
    return fmt::format("{}@{}", dag, what);
}

std::string times_were(std::size_t n)
{
    if (n == 1)
        return "1 time was";
    return n > counted_at_most ? fmt::format("more than {} times were", counted_at_most)
                               : fmt::format("{} times were", n);
}

task<> sleep_to(steady_time until)
{
    co_await sleep_until(until);
}

task<> reach(counter& c, std::uint64_t n)
{
    co_await c.reached(n);
}

} // namespace

task<> schedule_lane::carry()
{
    for (;;) {
        std::string trouble;
        try {
            co_await work();
            co_return;
        } catch (const std::exception& e) {
            trouble = e.what();
        }
        if (problem_ != trouble)
            ports_.warn(fmt::format("schedule of `{}`: {}; tried again every {}", name_, trouble,
                                    format_duration(ports_.settings.try_again)));
        problem_ = trouble;
        co_await sleep_for(ports_.settings.try_again);
    }
}

task<> schedule_lane::work()
{
    recall();
    for (;;) {
        const auto poked = pokes_.value();
        if (!refresh()) {
            // What comes back later begins anew.
            co_await ports_.memory.erase("schedule", name_);
            co_return;
        }
        if (dirty_)
            co_await save();
        bool did = co_await forgo_missed();
        if (!did && !dag_.paused) {
            did = co_await begin_owed();
            if (!did)
                did = co_await begin_triggered();
            if (!did)
                did = co_await decide_due();
        }
        if (!did)
            co_await wait(poked);
    }
}

/// @throws std::runtime_error when what is kept cannot be understood: as new, it would begin runs twice, or none
void schedule_lane::recall()
{
    state_ = {};
    if (const auto kept = ports_.memory.find("schedule", name_)) {
        auto known = parse_schedule_state(*kept);
        if (!known)
            throw std::runtime_error("what the state directory says of it cannot be read; that is left as it is, and "
                                     "no run begins");
        state_ = std::move(*known);
    }
    problem_.clear();
    away_ = true;
    dirty_ = false;
    table_.reset();
    dag_ = {};
    if (!state_.trigger)
        return;
    for (const auto& dag : state_.trigger->after)
        for (const auto& run : ports_.runs.succeeded(dag, state_.trigger->until))
            if (triggers(run.origin))
                heed_success(run.id, dag, run.ended.value_or(state_.trigger->until));
}

/// @return false when there is nothing to schedule
bool schedule_lane::refresh()
{
    auto now = ports_.dags.startable(name_);
    if (!now.dag || !now.dag->schedule)
        return false;
    away_ = away_ || now.paused;
    const bool changed = now.dag != dag_.dag;
    dag_ = std::move(now);
    if (changed) {
        refresh_calendar();
        refresh_trigger();
        refresh_params();
    }
    doubt_the_clock();
    return true;
}

/// A schedule must not stand still for years because the machine once began with a wrong date.
void schedule_lane::doubt_the_clock()
{
    const auto now = ports_.loop.wall_now();
    if (state_.trigger && state_.trigger->until > now + believable) {
        state_.trigger->until = now;
        dirty_ = true;
    }
    if (!state_.calendar || state_.calendar->decided <= now + believable)
        return;
    ports_.say(fmt::format("schedule of `{}`: the clock has been set back from {}: it counts from now", name_,
                           format_time(state_.calendar->decided)));
    state_.calendar->decided = now;
    state_.calendar->owed.clear();
    dirty_ = true;
}

void schedule_lane::refresh_calendar()
{
    if (spec().expression.empty()) {
        dirty_ = dirty_ || state_.calendar;
        state_.calendar.reset();
        table_.reset();
        return;
    }
    table_.emplace(schedule::timetable_of(spec().expression, spec().timezone, ports_.settings.zones));
    const auto calendar = calendar_name(spec());
    if (state_.calendar && state_.calendar->calendar == calendar)
        return;
    if (state_.calendar && !state_.calendar->owed.empty())
        ports_.say(fmt::format("schedule of `{}` has changed: runs that it owed are dropped", name_));
    calendar_state fresh;
    fresh.calendar = calendar;
    fresh.decided = ports_.loop.wall_now();
    state_.calendar = std::move(fresh);
    away_ = false;
    dirty_ = true;
}

void schedule_lane::refresh_trigger()
{
    const bool known = state_.trigger && state_.trigger->after == spec().after;
    if (known || (spec().after.empty() && !state_.trigger))
        return;
    dirty_ = true;
    if (spec().after.empty()) {
        state_.trigger.reset();
        successes_.clear();
    } else {
        state_.trigger = trigger_state{spec().after, ports_.loop.wall_now(), {}};
    }
}

void schedule_lane::refresh_params()
{
    auto found = unattended_problem(*dag_.dag);
    if (!found.empty() && found != unattended_problem_)
        ports_.warn(fmt::format("schedule of `{}`: {}", name_, found));
    unattended_problem_ = std::move(found);
}

task<> schedule_lane::save()
{
    auto value = to_json(state_);
    co_await ports_.memory.put("schedule", name_, std::move(value));
    dirty_ = false;
}

bool schedule_lane::is_full()
{
    return spec().overlap != "cancel_running" && ports_.runs.active_of(name_) >= spec().max_active_runs;
}

bool schedule_lane::is_resting() const
{
    return resting_until_ && ports_.loop.wall_now() < *resting_until_;
}

/// No run is triggered for now, whatever succeeds.
bool schedule_lane::is_held_back() const
{
    return trigger_problem_.endless || ports_.dags.startable(name_).paused;
}

bool schedule_lane::follows(std::string_view dag) const
{
    const auto& after = dag_.dag ? spec().after : state_.trigger ? state_.trigger->after : std::vector<std::string>();
    return std::find(after.begin(), after.end(), dag) != after.end();
}

void schedule_lane::heed_success(const run_id& id, std::string_view dag, wall_time at)
{
    if (!follows(dag) || (state_.trigger && state_.trigger->is_settled(id.value(), at, ports_.loop.wall_now())))
        return;
    if (successes_.add({id, at, is_held_back()}))
        poke();
}

/// Begins the run unless it has begun. @return false when it could not
task<bool> schedule_lane::begin(runtime::run_origin origin)
{
    if (ports_.runs.find(origin.by, origin.key)) {
        ports_.say(fmt::format("run {} has begun already", origin.key));
        problem_.clear();
        failures_ = 0;
        resting_until_.reset();
        co_return true;
    }
    std::string trouble;
    const auto key = origin.key;
    auto dag = dag_.dag;
    try {
        const run_id id = co_await ports_.runs.start(std::move(dag), std::move(origin));
        ports_.say(fmt::format("run {} begins: {}", id.value(), key));
    } catch (const std::exception& e) {
        trouble = e.what();
    }
    problem_ = trouble;
    if (trouble.empty()) {
        failures_ = 0;
        resting_until_.reset();
        co_return true;
    }
    resting_until_ = ports_.loop.wall_now() + ports_.settings.try_again;
    ports_.warn(fmt::format("run {} cannot begin: {}", key, trouble));
    if (++failures_ < ports_.settings.tries)
        co_return false;
    ports_.warn(fmt::format("run {} is given up after {} tries", key, failures_));
    failures_ = 0;
    resting_until_.reset();
    co_return true;
}

task<bool> schedule_lane::begin_owed()
{
    if (!table_ || is_resting())
        co_return false;
    const auto at = state_.calendar->first_owed(*table_);
    if (!at || is_full())
        co_return false;
    const auto calendar = state_.calendar->calendar;
    runtime::run_origin origin;
    origin.by = "schedule";
    origin.key = key_of(name_, format_time(*at));
    origin.scheduled = *at;
    const bool settled = co_await begin(std::move(origin));
    if (settled && state_.calendar && state_.calendar->calendar == calendar)
        co_await settle_owed(*at);
    co_return settled;
}

task<> schedule_lane::settle_owed(wall_time at)
{
    if (problem_.empty())
        state_.calendar->last = at;
    state_.calendar->settle(at);
    co_await save();
}

task<bool> schedule_lane::begin_triggered()
{
    if (successes_.empty() || !state_.trigger || trigger_problem_.endless || is_resting())
        co_return false;
    const bool full = is_full();
    if (full && spec().overlap == "queue")
        co_return false;
    const auto id = successes_.front().id.value();
    const auto key = key_of(name_, id);
    if (full || (spec().overlap == "cancel_running" && successes_.size() > 1)) {
        ports_.say(fmt::format("run {} is skipped: {}", key, full ? "others are under way" : "there is a later one"));
        co_await settle_first_success();
        co_return true;
    }
    runtime::run_origin origin;
    origin.by = "trigger";
    origin.cause = id;
    origin.key = key;
    const bool settled = co_await begin(std::move(origin));
    if (settled)
        co_await settle_first_success();
    co_return settled;
}

/// Successes of a time when none could be followed are made up for as times of the calendar are.
task<bool> schedule_lane::forgo_missed()
{
    if (!state_.trigger || !is_held_back())
        co_return false;
    const auto forgone = successes_.missed_but(std::min(made_up_for(spec()), most_missed));
    if (forgone.empty())
        co_return false;
    for (const auto& s : forgone) {
        ports_.say(fmt::format("run {} is skipped: `{}` is held back (catchup: {})", key_of(name_, s.id.value()), name_,
                               spec().catchup));
        settle(s);
    }
    co_await save();
    co_return true;
}

task<> schedule_lane::settle_first_success()
{
    const auto first = successes_.front();
    settle(first);
    co_await save();
}

void schedule_lane::settle(const success_queue::success& done)
{
    successes_.remove(done.id);
    state_.trigger->settle(done.id.value(), done.at, successes_.earliest());
}

task<bool> schedule_lane::decide_due()
{
    if (!table_)
        co_return false;
    const auto at = table_->next(state_.calendar->decided);
    const auto now = ports_.loop.wall_now();
    if (!at || *at + jitter_of(*dag_.dag, *at) > now) {
        away_ = false;
        co_return false;
    }
    if (away_ || now - *at - jitter_of(*dag_.dag, *at) > ports_.settings.late)
        co_await make_up(now);
    else
        co_await decide(*at);
    co_return true;
}

/// Times have been missed.
task<> schedule_lane::make_up(wall_time now)
{
    auto& calendar = *state_.calendar;
    auto last = table_->last(calendar.decided, now);
    while (last && *last + jitter_of(*dag_.dag, *last) > now)
        last = table_->last(calendar.decided, *last - duration(1));
    if (!last)
        co_return;
    const auto missed = table_->between(calendar.decided, *last, counted_at_most + 1).size();
    const auto most = made_up_for(spec());
    if (most > 0)
        owe({most == 1 ? *last - duration(1) : calendar.decided, *last});
    calendar.decided = *last;
    away_ = false;
    ports_.say(fmt::format("schedule of `{}`: {} missed up to {}, of which {} made up for (catchup: {})", name_,
                           times_were(missed), format_time(*last),
                           most == 0   ? "none is"
                           : most == 1 ? "the last is"
                                       : "all are",
                           spec().catchup));
    co_await save();
}

/// The time has come.
task<> schedule_lane::decide(wall_time at)
{
    auto& calendar = *state_.calendar;
    const due_facts facts{calendar.first_owed(*table_).has_value(), resting_until_.has_value(), is_full()};
    const auto verdict = judge_due(spec(), facts);
    if (verdict == due_verdict::replaces) {
        calendar.owed.clear();
        ports_.say(fmt::format("schedule of `{}`: what was owed before {} gives way to it", name_, format_time(at)));
    }
    if (verdict != due_verdict::skipped)
        owe({at - duration(1), at});
    else
        ports_.say(fmt::format("run {} is skipped: {} of `{}` under way (overlap: skip)",
                               key_of(name_, format_time(at)), ports_.runs.active_of(name_), name_));
    calendar.decided = at;
    co_await save();
}

void schedule_lane::owe(const time_range& r)
{
    state_.calendar->owe(r, *table_);
}

steady_time schedule_lane::next_wake() const
{
    std::optional<wall_time> due = resting_until_;
    if (table_ && !dag_.paused)
        if (const auto at = table_->next(state_.calendar->decided)) {
            const auto begins = *at + jitter_of(*dag_.dag, *at);
            due = due ? std::min(*due, begins) : begins;
        }
    // A place may become free without a word, when a run is left as it is.
    if (!due && !successes_.empty())
        return ports_.loop.now() + longest_nap;
    if (!due)
        return steady_time::max();
    const auto left = *due - ports_.loop.wall_now();
    return ports_.loop.now() + std::clamp<steady_clock::duration>(left, std::chrono::milliseconds(1), longest_nap);
}

task<> schedule_lane::wait(std::uint64_t poked)
{
    const auto wake = next_wake();
    if (wake == steady_time::max()) {
        co_await pokes_.reached(poked + 1);
        co_return;
    }
    auto clock = sleep_to(wake);
    auto poke = reach(pokes_, poked + 1);
    co_await any(std::move(clock), std::move(poke));
}

std::optional<wall_time> schedule_lane::next_due() const
{
    if (!table_ || dag_.paused || !state_.calendar)
        return std::nullopt;
    return table_->next(std::max(state_.calendar->decided, ports_.loop.wall_now()));
}

std::string schedule_lane::problem() const
{
    if (!problem_.empty())
        return problem_;
    return trigger_problem_.text.empty() ? unattended_problem_ : trigger_problem_.text;
}

schedule_status schedule_lane::status() const
{
    schedule_status s;
    s.dag = name_;
    s.paused = dag_.paused;
    s.next = next_due();
    s.problem = problem();
    s.waiting = successes_.size();
    if (dag_.dag && dag_.dag->schedule) {
        s.expression = spec().expression;
        s.timezone = spec().timezone;
        s.after = spec().after;
    }
    if (!state_.calendar || !table_)
        return s;
    s.last = state_.calendar->last;
    for (const auto& r : state_.calendar->owed)
        if (s.waiting < counted_at_most)
            s.waiting += table_->between(r.after, r.until, counted_at_most - s.waiting).size();
    return s;
}

} // namespace potoo::server
