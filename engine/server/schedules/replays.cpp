#include "engine/server/schedules/replays.hpp"

#include "engine/server/schedules/replay_ledger.hpp"

#include <potoo/concurrency.hpp>
#include <potoo/wait.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

namespace potoo::server {

namespace {

const std::string ledger_kind = "replay";

/// One replay as it is carried.
struct replay
{
    explicit replay(replay_record r) : kept(std::move(r)) {}

    replay_record kept;
    std::set<std::string> active; ///< origin keys of its runs that have not ended
    bool carried = false;
    bool cancelling = false; ///< the ledger is being told that it is cancelled
    std::uint32_t failures = 0;

    [[nodiscard]] replay_row row() const
    {
        replay_row out = kept.row;
        out.active = active.size();
        return out;
    }
};

/// Nothing begins while it is there.
class cancelling_guard
{
  public:
    cancelling_guard(replay& r, counter& changes) : replay_(r), changes_(changes) { replay_.cancelling = true; }

    cancelling_guard(const cancelling_guard&) = delete;
    cancelling_guard& operator=(const cancelling_guard&) = delete;

    ~cancelling_guard()
    {
        replay_.cancelling = false;
        changes_.increment();
    }

  private:
    replay& replay_;
    counter& changes_;
};

schedule::timetable table_of(const std::string& expression, const std::string& timezone,
                             const schedule::zone_source& zones)
{
    const auto parsed = graph::parse_schedule(expression);
    if (!parsed.times)
        throw std::runtime_error(parsed.refusal);
    return {*parsed.times, zones(timezone)};
}

std::string key_of(const std::string& id, wall_time at)
{
    return fmt::format("{}@{}", id, format_time(at));
}

} // namespace

struct replays::parts
{
    parts(potoo::loop& l, runtime::ledger& m, dag_source& d, run_starter& r, replay_settings s)
        : loop(l), memory(m), dags(d), runs(r), settings(std::move(s))
    {}

    void recall();
    void count_runs(replay& r);
    task<> follow(scope& s);
    task<> carry(std::shared_ptr<replay> r);
    task<> work(std::shared_ptr<replay> r);
    task<> go_on(std::shared_ptr<replay> r);
    task<> end_cancelled(std::shared_ptr<replay> r);
    task<> cancel_runs(std::string id);
    task<bool> begin(std::shared_ptr<replay> r, wall_time at);
    task<> save(std::shared_ptr<replay> r);
    task<> finish(std::shared_ptr<replay> r, replay_state state);
    task<> forget_old();
    task<> rest();

    [[nodiscard]] graph::schedule_spec calendar_of(std::string_view dag) const;
    [[nodiscard]] bool is_full(const replay& r) const;

    void say(const std::string& line) const
    {
        if (settings.say)
            settings.say(line);
    }

    potoo::loop& loop;
    runtime::ledger& memory;
    dag_source& dags;
    run_starter& runs;
    replay_settings settings;
    std::map<std::string, std::shared_ptr<replay>, std::less<>> all; ///< by id
    counter changes;                                                 ///< replays, or how many runs they have
};

graph::schedule_spec replays::parts::calendar_of(std::string_view dag) const
{
    const auto found = dags.startable(dag);
    if (!found.dag)
        throw replay_refused(replay_refused::reason::no_such_dag, fmt::format("there is no DAG `{}`", dag));
    if (!found.dag->schedule || found.dag->schedule->expression.empty())
        throw replay_refused(replay_refused::reason::bad_range,
                             fmt::format("the DAG `{}` has no `schedule`, whose times a replay could go through", dag));
    return *found.dag->schedule;
}

/// As the journal has them.
void replays::parts::count_runs(replay& r)
{
    auto& row = r.kept.row;
    std::size_t succeeded = 0;
    std::size_t failed = 0;
    for (const auto& run : runs.caused("replay", row.id))
        if (run.standing == run_standing::unfinished)
            r.active.insert(run.origin.key);
        else
            ++(run.standing == run_standing::success ? succeeded : failed);
    // Some may have been removed meanwhile: what was counted before stays.
    row.succeeded = std::max(row.succeeded, succeeded);
    row.failed = std::max(row.failed, failed);
    if (row.state != replay_state::running)
        row.begun = std::max(row.begun, row.succeeded + row.failed + r.active.size());
}

void replays::parts::recall()
{
    const auto leave = [this](const std::string& id, std::string_view why) {
        say(fmt::format("replay {}: what the state directory says of it cannot be read: {}; it is left as it is", id,
                        why));
    };
    for (auto& [id, value] : memory.readable(ledger_kind, leave)) {
        auto kept = parse_replay(id, value);
        if (!kept)
            leave(id, "it is no replay");
        if (!kept || all.contains(id))
            continue;
        auto r = std::make_shared<replay>(std::move(*kept));
        if (!r->kept.settled)
            count_runs(*r);
        all.emplace(id, std::move(r));
    }
}

task<> replays::parts::save(std::shared_ptr<replay> r)
{
    auto kept = r->kept;
    if (r->cancelling)
        kept.row.state = replay_state::cancelled;
    auto value = to_json(kept);
    co_await memory.put(ledger_kind, r->kept.row.id, std::move(value));
}

bool replays::parts::is_full(const replay& r) const
{
    std::size_t total = 0;
    for (const auto& [id, other] : all)
        total += other->active.size();
    return r.active.size() >= r.kept.row.parallel || total >= settings.max_active;
}

task<> replays::parts::rest()
{
    co_await sleep_for(settings.try_again);
}

task<> replays::parts::carry(std::shared_ptr<replay> r)
{
    while (!r->kept.settled) {
        std::string trouble;
        try {
            co_await work(r);
            continue;
        } catch (const std::exception& e) {
            trouble = e.what();
        }
        r->kept.row.problem = trouble;
        say(fmt::format("replay {}: {}", r->kept.row.id, trouble));
        co_await rest();
    }
    co_await forget_old();
}

/// Does the next thing there is to do.
task<> replays::parts::work(std::shared_ptr<replay> r)
{
    const auto seen = changes.value();
    const bool running = r->kept.row.state == replay_state::running;
    if (running && !r->cancelling)
        co_await go_on(r);
    else if (!running && r->active.empty())
        co_await finish(r, r->kept.row.state);
    else
        co_await changes.reached(seen + 1);
}

task<> replays::parts::go_on(std::shared_ptr<replay> r)
{
    auto& row = r->kept.row;
    const auto seen = changes.value();
    const auto table = table_of(r->kept.expression, r->kept.timezone, settings.zones);
    const auto at = table.next(r->kept.done);
    const bool more = at && *at <= row.to;
    if (!more && r->active.empty()) {
        co_await finish(r, replay_state::done);
        co_return;
    }
    if (!more || is_full(*r)) {
        co_await changes.reached(seen + 1);
        co_return;
    }
    const bool begun = co_await begin(r, *at);
    if (begun) {
        r->kept.done = *at;
        r->failures = 0;
        row.problem.clear();
        co_await save(r);
    } else if (++r->failures >= settings.tries) {
        co_await finish(r, replay_state::failed);
    } else {
        co_await rest();
    }
}

/// @return false when it could not
task<bool> replays::parts::begin(std::shared_ptr<replay> r, wall_time at)
{
    auto& row = r->kept.row;
    runtime::run_origin origin;
    origin.by = "replay";
    origin.who = row.who;
    origin.cause = row.id;
    origin.key = key_of(row.id, at);
    origin.scheduled = at;
    const auto key = origin.key;
    if (const auto known = runs.find(origin.by, key)) {
        if (known->standing == run_standing::unfinished)
            r->active.insert(key);
        ++row.begun;
        co_return true;
    }
    r->active.insert(key);
    std::string trouble;
    run_id id;
    try {
        auto dag = dags.startable(row.dag).dag;
        if (!dag)
            throw std::runtime_error(fmt::format("there is no DAG `{}` any more", row.dag));
        id = co_await runs.start(std::move(dag), std::move(origin));
        ++row.begun;
    } catch (const std::exception& e) {
        trouble = e.what();
    }
    if (trouble.empty()) {
        if (row.state == replay_state::cancelled)
            co_await runs.cancel(id);
        co_return true;
    }
    r->active.erase(key);
    row.problem = trouble;
    say(fmt::format("replay {}: the run for {} cannot begin: {}", row.id, format_time(at), trouble));
    co_return false;
}

/// It begins no more runs; once those under way have ended too, it is settled.
task<> replays::parts::finish(std::shared_ptr<replay> r, replay_state state)
{
    const auto last = std::make_shared<replay>(r->kept);
    last->kept.row.state = state;
    last->kept.settled = r->active.empty();
    co_await save(last);
    r->kept.row.state = state;
    r->kept.settled = last->kept.settled;
    const auto& row = r->kept.row;
    say(fmt::format("replay {} of `{}` is {}: {} runs of {}, {} succeeded, {} did not{}", row.id, row.dag,
                    to_string(state), row.begun, row.runs, row.succeeded, row.failed,
                    r->kept.settled ? "" : ", the others go on"));
}

/// Of those that are over, the latest are kept.
task<> replays::parts::forget_old()
{
    std::vector<std::pair<wall_time, std::string>> over;
    for (const auto& [id, r] : all)
        if (r->kept.settled)
            over.emplace_back(r->kept.row.created, id);
    std::sort(over.begin(), over.end());
    over.resize(over.size() - std::min(over.size(), settings.keep));
    try {
        for (const auto& [created, id] : over) {
            co_await memory.erase(ledger_kind, id);
            all.erase(id);
        }
    } catch (const std::exception& e) {
        say(fmt::format("replays that are over stay in the ledger: {}", e.what()));
    }
}

task<> replays::parts::cancel_runs(std::string id)
{
    for (const auto& run : runs.caused("replay", id))
        if (run.standing == run_standing::unfinished)
            co_await runs.cancel(run.id);
}

/// Of one that was cancelled before its runs could be asked to stop.
task<> replays::parts::end_cancelled(std::shared_ptr<replay> r)
{
    std::string trouble;
    try {
        co_await cancel_runs(r->kept.row.id);
    } catch (const std::exception& e) {
        trouble = e.what();
    }
    if (!trouble.empty())
        say(fmt::format("replay {}: its runs could not be asked to stop: {}", r->kept.row.id, trouble));
}

task<> replays::parts::follow(scope& s)
{
    recall();
    for (;;) {
        const auto seen = changes.value();
        const auto known = all;
        for (const auto& [id, r] : known) {
            if (std::exchange(r->carried, true))
                continue;
            if (!r->kept.settled)
                s.spawn(carry(r));
            if (r->kept.row.state == replay_state::cancelled && !r->active.empty())
                s.spawn(end_cancelled(r));
        }
        co_await changes.reached(seen + 1);
    }
}

replays::replays(potoo::loop& l, runtime::ledger& memory, dag_source& dags, run_starter& runs, replay_settings settings)
    : parts_(std::make_shared<parts>(l, memory, dags, runs, std::move(settings)))
{}

replays::~replays() = default;

std::vector<wall_time> replays::plan(std::string_view dag, wall_time from, wall_time to) const
{
    using reason = replay_refused::reason;
    const auto spec = parts_->calendar_of(dag);
    if (from > to)
        throw replay_refused(reason::bad_range, fmt::format("the range ends before it begins: {} comes after {}",
                                                            format_time(from), format_time(to)));
    if (to > parts_->loop.wall_now())
        throw replay_refused(reason::bad_range, fmt::format("the range ends in the future: {}", format_time(to)));
    const auto table = table_of(spec.expression, spec.timezone, parts_->settings.zones);
    auto times = table.between(from - duration(1), to, parts_->settings.max_runs + 1);
    if (times.empty())
        throw replay_refused(reason::bad_range,
                             fmt::format("no time of `{}` ({}) lies between {} and {}", spec.expression, spec.timezone,
                                         format_time(from), format_time(to)));
    if (times.size() > parts_->settings.max_runs)
        throw replay_refused(reason::bad_range,
                             fmt::format("the range has more than {} times, which is the most of one "
                                         "replay: take several",
                                         parts_->settings.max_runs));
    return times;
}

namespace {

/// @throws replay_refused when they ask for different things
void check_same(const replay_row& there, const replay_row& wished)
{
    const auto what = [](const replay_row& r) { return std::tie(r.dag, r.from, r.to, r.parallel, r.who); };
    if (what(there) != what(wished))
        throw replay_refused(
            replay_refused::reason::other_wish,
            fmt::format("there is a replay `{}` already, and it is another: choose another id", there.id));
}

} // namespace

task<std::string> replays::start(replay_wish wish)
{
    const auto times = plan(wish.dag, wish.from, wish.to);
    if (wish.parallel == 0)
        throw replay_refused(replay_refused::reason::bad_range, "`parallel` is at least 1");
    const auto spec = parts_->calendar_of(wish.dag);
    replay_record kept;
    kept.row.dag = std::move(wish.dag);
    kept.row.from = wish.from;
    kept.row.to = wish.to;
    kept.row.parallel = wish.parallel;
    kept.row.who = std::move(wish.who);
    kept.row.created = parts_->loop.wall_now();
    kept.row.runs = times.size();
    kept.expression = spec.expression;
    kept.timezone = spec.timezone;
    kept.done = wish.from - duration(1);
    auto p = parts_;
    for (bool added = false; !added;) {
        kept.row.id = wish.id.empty() ? p->settings.make_id() : wish.id;
        if (const auto there = p->all.find(kept.row.id); there != p->all.end() && !wish.id.empty()) {
            check_same(there->second->kept.row, kept.row);
            co_return wish.id;
        }
        auto value = to_json(kept);
        added = co_await p->memory.insert(ledger_kind, kept.row.id, std::move(value));
        // The entry of an id that somebody chose may be one that cannot be read.
        if (!added && !wish.id.empty() && !p->all.contains(wish.id))
            throw replay_refused(replay_refused::reason::other_wish,
                                 fmt::format("the id `{}` is taken: choose another", wish.id));
    }
    auto id = kept.row.id;
    p->all.emplace(id, std::make_shared<replay>(std::move(kept)));
    p->changes.increment();
    co_return id;
}

task<> replays::cancel(std::string id)
{
    auto p = parts_;
    const auto found = p->all.find(id);
    if (found == p->all.end())
        throw replay_refused(replay_refused::reason::no_such_replay, fmt::format("there is no replay `{}`", id));
    auto r = found->second;
    if (r->kept.row.state != replay_state::running)
        co_return;
    {
        const cancelling_guard told(*r, p->changes);
        co_await p->save(r);
        r->kept.row.state = replay_state::cancelled;
    }
    co_await p->cancel_runs(std::move(id));
}

std::vector<replay_row> replays::list() const
{
    std::vector<replay_row> out;
    for (const auto& [id, r] : parts_->all)
        out.push_back(r->row());
    std::sort(out.begin(), out.end(), [](const replay_row& a, const replay_row& b) {
        return std::tie(a.created, a.id) > std::tie(b.created, b.id);
    });
    return out;
}

std::optional<replay_row> replays::find(std::string_view id) const
{
    const auto found = parts_->all.find(id);
    return found == parts_->all.end() ? std::nullopt : std::optional(found->second->row());
}

task<> replays::keep()
{
    auto body = [p = parts_.get()](scope& s) { return p->follow(s); };
    co_await with_scope(body);
}

void replays::run_ended(const runtime::run_origin& origin, bool succeeded)
{
    if (origin.by != "replay")
        return;
    const auto found = parts_->all.find(origin.cause);
    if (found == parts_->all.end())
        return;
    auto& r = *found->second;
    if (r.active.erase(origin.key) == 0)
        return; // retried: it was counted when it ended first
    ++(succeeded ? r.kept.row.succeeded : r.kept.row.failed);
    parts_->changes.increment();
}

} // namespace potoo::server
