#include "engine/server/schedules/schedule_keeper.hpp"

#include "engine/server/schedules/schedule_lane.hpp"

#include <potoo/concurrency.hpp>
#include <potoo/wait.hpp>

#include <map>

namespace potoo::server {

struct schedule_keeper::parts
{
    parts(potoo::loop& l, runtime::ledger& m, dag_source& d, run_starter& r, keeper_settings s)
        : ports{l, m, d, r, std::move(s)}
    {}

    task<> follow(scope& s);
    task<> carry(std::shared_ptr<schedule_lane> lane);

    lane_ports ports;
    std::map<std::string, std::shared_ptr<schedule_lane>, std::less<>> lanes; ///< by DAG
    counter changes;
};

task<> schedule_keeper::parts::carry(std::shared_ptr<schedule_lane> lane)
{
    co_await lane->carry();
    lanes.erase(lane->name());
    changes.increment(); // it may have come back meanwhile
}

task<> schedule_keeper::parts::follow(scope& s)
{
    for (;;) {
        const auto seen = changes.value();
        auto known = lanes;
        for (const auto& [name, lane] : known)
            lane->poke();
        for (const auto& d : ports.dags.startable())
            if (d.dag->schedule && !lanes.contains(d.name)) {
                auto lane = std::make_shared<schedule_lane>(ports, d.name);
                lanes.emplace(d.name, lane);
                s.spawn(carry(std::move(lane)));
            }
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

void schedule_keeper::run_ended(const run_id& id, std::string_view dag, bool succeeded)
{
    for (const auto& [name, lane] : parts_->lanes) {
        if (name == dag)
            lane->poke();
        if (succeeded)
            lane->heed_success(id, dag, parts_->ports.loop.wall_now());
    }
}

std::optional<wall_time> schedule_keeper::next_due(std::string_view dag) const
{
    const auto lane = parts_->lanes.find(dag);
    return lane == parts_->lanes.end() ? std::nullopt : lane->second->next_due();
}

std::vector<schedule_status> schedule_keeper::list() const
{
    std::vector<schedule_status> out;
    for (const auto& [name, lane] : parts_->lanes)
        out.push_back(lane->status());
    return out;
}

} // namespace potoo::server
