#include "engine/server/schedules/schedule_keeper.hpp"

#include "engine/server/schedules/schedule_lane.hpp"

#include <potoo/concurrency.hpp>
#include <potoo/wait.hpp>

#include <fmt/format.h>

#include <map>
#include <vector>

namespace potoo::server {

struct schedule_keeper::parts
{
    parts(potoo::loop& l, runtime::ledger& m, dag_source& d, run_starter& r, keeper_settings s)
        : ports{l, m, d, r, std::move(s)}
    {}

    task<> follow(scope& s);
    task<> forget_gone();
    [[nodiscard]] bool has_schedule(const std::string& dag) const;
    void check();
    task<> carry(std::shared_ptr<schedule_lane> lane);

    lane_ports ports;
    std::map<std::string, std::shared_ptr<schedule_lane>, std::less<>> lanes; ///< by DAG
    counter changes;
    bool forgot_gone = false;
};

/// Sees to it that DAGs do not follow each other for ever.
void schedule_keeper::parts::check()
{
    auto problems = check_triggers(ports.dags.startable());
    for (const auto& [name, lane] : lanes) {
        auto& found = problems[name];
        if (!found.text.empty() && !(found == lane->trigger_warning()))
            ports.warn(fmt::format("schedule of `{}`: {}", name, found.text));
        lane->warn_of_trigger(std::move(found));
    }
}

task<> schedule_keeper::parts::carry(std::shared_ptr<schedule_lane> lane)
{
    co_await lane->carry();
    lanes.erase(lane->name());
    changes.increment(); // it may have come back meanwhile
}

bool schedule_keeper::parts::has_schedule(const std::string& dag) const
{
    const auto found = ports.dags.startable(dag);
    return lanes.contains(dag) || (found.dag && found.dag->schedule);
}

/// Of schedules that went while nobody was there. Once: those that go later are forgotten by their lanes.
task<> schedule_keeper::parts::forget_gone()
{
    if (forgot_gone || !ports.dags.is_whole())
        co_return;
    forgot_gone = true;
    try {
        std::vector<std::string> kept;
        const auto unreadable = [&kept](const std::string& key, std::string_view) { kept.push_back(key); };
        for (auto& [key, value] : ports.memory.readable("schedule", unreadable))
            kept.push_back(std::move(key));
        for (auto& dag : kept)
            if (!has_schedule(dag))
                co_await ports.memory.erase("schedule", dag);
    } catch (const std::exception& e) {
        ports.warn(fmt::format("schedules of DAGs that are gone stay in the ledger: {}", e.what()));
    }
}

task<> schedule_keeper::parts::follow(scope& s)
{
    for (;;) {
        const auto seen = changes.value();
        std::vector<std::shared_ptr<schedule_lane>> fresh;
        for (const auto& d : ports.dags.startable())
            if (d.dag->schedule && !lanes.contains(d.name))
                fresh.push_back(lanes.emplace(d.name, std::make_shared<schedule_lane>(ports, d.name)).first->second);
        check();
        const auto known = lanes;
        for (const auto& [name, lane] : known)
            lane->poke();
        for (auto& lane : fresh)
            s.spawn(carry(std::move(lane)));
        co_await forget_gone();
        co_await changes.reached(seen + 1);
    }
}

schedule_keeper::schedule_keeper(potoo::loop& l, runtime::ledger& memory, dag_source& dags, run_starter& runs,
                                 keeper_settings settings)
    : parts_(std::make_shared<parts>(l, memory, dags, runs, std::move(settings)))
{
    dags.on_change([me = std::weak_ptr(parts_)] {
        if (const auto p = me.lock())
            p->changes.increment();
    });
}

schedule_keeper::~schedule_keeper() = default;

task<> schedule_keeper::keep()
{
    auto body = [p = parts_.get()](scope& s) { return p->follow(s); };
    co_await with_scope(body);
}

void schedule_keeper::run_ended(const run_id& id, std::string_view dag, const runtime::run_origin& origin,
                                bool succeeded)
{
    if (const auto own = parts_->lanes.find(dag); own != parts_->lanes.end())
        own->second->poke();
    if (!succeeded || !triggers(origin))
        return;
    std::optional<wall_time> ended;
    for (const auto& [name, lane] : parts_->lanes) {
        if (!lane->follows(dag))
            continue;
        // Not now: a run is told of again when something of it was cleared up long after.
        if (!ended)
            ended = parts_->ports.runs.end_of(id).value_or(parts_->ports.loop.wall_now());
        lane->heed_success(id, dag, *ended);
    }
}

std::optional<wall_time> schedule_keeper::next_due(std::string_view dag) const
{
    const auto lane = parts_->lanes.find(dag);
    return lane == parts_->lanes.end() ? std::nullopt : lane->second->next_due();
}

std::string schedule_keeper::problem_of(std::string_view dag) const
{
    const auto lane = parts_->lanes.find(dag);
    return lane == parts_->lanes.end() ? std::string() : lane->second->problem();
}

std::vector<schedule_status> schedule_keeper::list() const
{
    std::vector<schedule_status> out;
    for (const auto& [name, lane] : parts_->lanes)
        out.push_back(lane->status());
    return out;
}

} // namespace potoo::server
