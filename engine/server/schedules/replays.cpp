#include "engine/server/schedules/replays.hpp"

#include "engine/server/schedules/replay_lane.hpp"

#include <potoo/concurrency.hpp>
#include <potoo/wait.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

namespace potoo::server {

struct replays::parts
{
    parts(potoo::loop& l, runtime::ledger& m, dag_source& d, run_starter& r, replay_settings s)
        : loop(l), ports{m, d, r, std::move(s), [this] { return active(); }}
    {}

    void recall();
    void add(std::string id, std::shared_ptr<replay_lane> lane);
    task<> follow(scope& s);
    task<> carry(std::shared_ptr<replay_lane> lane);
    task<> stop_runs(std::shared_ptr<replay_lane> lane);
    task<> forget_old();

    [[nodiscard]] graph::schedule_spec calendar(std::string_view dag) const;
    [[nodiscard]] std::size_t active() const;

    potoo::loop& loop;
    replay_ports ports;
    std::map<std::string, std::shared_ptr<replay_lane>, std::less<>> all; ///< by id
    std::vector<std::shared_ptr<replay_lane>> fresh;                      ///< not carried as yet
};

graph::schedule_spec replays::parts::calendar(std::string_view dag) const
{
    const auto found = ports.dags.startable(dag);
    return calendar_of(dag, found.dag.get());
}

std::size_t replays::parts::active() const
{
    std::size_t total = 0;
    for (const auto& [id, lane] : all)
        total += lane->active();
    return total;
}

void replays::parts::add(std::string id, std::shared_ptr<replay_lane> lane)
{
    fresh.push_back(lane);
    all.emplace(std::move(id), std::move(lane));
}

void replays::parts::recall()
{
    const auto leave = [this](const std::string& id, std::string_view why) {
        ports.warn(fmt::format("replay {}: what the state directory says of it cannot be read: {}; it is left as it is",
                               id, why));
    };
    for (auto& [id, value] : ports.memory.readable(replay_ports::kind, leave)) {
        auto kept = parse_replay(id, value);
        if (!kept)
            leave(id, "it is no replay");
        if (!kept || all.contains(id))
            continue;
        auto lane = std::make_shared<replay_lane>(ports, std::move(*kept));
        if (!lane->is_settled())
            lane->count_runs();
        add(id, std::move(lane));
    }
}

task<> replays::parts::carry(std::shared_ptr<replay_lane> lane)
{
    co_await lane->carry();
    co_await forget_old();
}

task<> replays::parts::stop_runs(std::shared_ptr<replay_lane> lane)
{
    co_await lane->stop_runs();
}

/// Of those that are over, the latest are kept.
task<> replays::parts::forget_old()
{
    std::vector<std::pair<wall_time, std::string>> over;
    for (const auto& [id, lane] : all)
        if (lane->is_settled())
            over.emplace_back(lane->row().created, id);
    std::sort(over.begin(), over.end());
    over.resize(over.size() - std::min(over.size(), ports.settings.keep));
    try {
        for (const auto& [created, id] : over) {
            co_await ports.memory.erase(replay_ports::kind, id);
            all.erase(id);
        }
    } catch (const std::exception& e) {
        ports.warn(fmt::format("replays that are over stay in the ledger: {}", e.what()));
    }
}

task<> replays::parts::follow(scope& s)
{
    recall();
    for (;;) {
        const auto seen = ports.changes.value();
        for (const auto& lane : std::exchange(fresh, {})) {
            if (!lane->is_settled())
                s.spawn(carry(lane));
            if (lane->row().state == replay_state::cancelled && lane->active() > 0)
                s.spawn(stop_runs(lane));
        }
        co_await ports.changes.reached(seen + 1);
    }
}

replays::replays(potoo::loop& l, runtime::ledger& memory, dag_source& dags, run_starter& runs, replay_settings settings)
    : parts_(std::make_shared<parts>(l, memory, dags, runs, std::move(settings)))
{}

replays::~replays() = default;

std::vector<wall_time> replays::plan(std::string_view dag, wall_time from, wall_time to) const
{
    const auto& settings = parts_->ports.settings;
    const replay_bounds bounds{parts_->loop.wall_now(), settings.max_runs};
    return plan_replay(parts_->calendar(dag), {from, to}, bounds, settings.zones);
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
    const auto spec = parts_->calendar(wish.dag);
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
        kept.row.id = wish.id.empty() ? p->ports.settings.make_id() : wish.id;
        if (const auto there = p->all.find(kept.row.id); there != p->all.end() && !wish.id.empty()) {
            check_same(there->second->row(), kept.row);
            co_return wish.id;
        }
        auto value = to_json(kept);
        added = co_await p->ports.memory.insert(replay_ports::kind, kept.row.id, std::move(value));
        // The entry of an id that somebody chose may be one that cannot be read.
        if (!added && !wish.id.empty() && !p->all.contains(wish.id))
            throw replay_refused(replay_refused::reason::other_wish,
                                 fmt::format("the id `{}` is taken: choose another", wish.id));
    }
    auto id = kept.row.id;
    p->add(id, std::make_shared<replay_lane>(p->ports, std::move(kept)));
    p->ports.changes.increment();
    co_return id;
}

task<> replays::cancel(std::string id)
{
    auto p = parts_;
    const auto found = p->all.find(id);
    if (found == p->all.end())
        throw replay_refused(replay_refused::reason::no_such_replay, fmt::format("there is no replay `{}`", id));
    const auto lane = found->second;
    co_await lane->cancel();
}

std::vector<replay_row> replays::list() const
{
    std::vector<replay_row> out;
    for (const auto& [id, lane] : parts_->all)
        out.push_back(lane->row());
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
    if (found != parts_->all.end())
        found->second->heed_end(origin.key, succeeded);
}

} // namespace potoo::server
