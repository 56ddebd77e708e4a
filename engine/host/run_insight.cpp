// What people ask about runs and pools: why something does not run, and with what it did.

#include "engine/host/host_parts.hpp"
#include "engine/host/pool_json.hpp"
#include "engine/host/rendered_input.hpp"

#include <potoo/watcher.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

namespace potoo::host {

namespace {

using pool_client = runtime::pool_book::client;

/// Of the runs under way that know the pool.
std::uint32_t waiting_for(const std::list<active_run>& runs, const std::string& name)
{
    std::uint32_t all = 0;
    for (const active_run& r : runs) {
        if (!r.executor || r.reconciles)
            continue;
        const auto& known = r.executor->dag().pools;
        for (std::uint32_t p = 0; p < known.size(); ++p) {
            if (known[p].name == name)
                all += r.executor->machine().waiting_for(pool_index(p));
        }
    }
    return all;
}

const active_run* run_of(const std::list<active_run>& runs, const pool_client* c)
{
    const auto found = std::find_if(runs.begin(), runs.end(), [c](const active_run& r) {
        return static_cast<const pool_client*>(r.executor) == c;
    });
    return found == runs.end() ? nullptr : &*found;
}

pool_state state_of(const runtime::pool_book::usage& u, const std::list<active_run>& runs)
{
    pool_state s{u.name, u.slots, u.declared, u.resized, u.used, waiting_for(runs, u.name), {}};
    for (const auto& [client, used] : u.by) {
        if (const active_run* r = run_of(runs, client))
            s.by.emplace_back(r->id, used);
    }
    std::sort(s.by.begin(), s.by.end());
    return s;
}

/// Which runs have the slots of a full pool. Not in the text: who may not see a run is not told of it.
void name_holders(schedule::reason& full, const std::vector<pool_state>& pools)
{
    if (full.code != "pool_full")
        return;
    const auto pool = std::find_if(pools.begin(), pools.end(), [&](const pool_state& p) {
        return full.details["pool"] == json::string_view(p.name);
    });
    if (pool == pools.end())
        return;
    json::object runs;
    for (const auto& [id, used] : pool->by)
        runs[id.value()] = used;
    full.details["slots"] = pool->slots;
    full.details["used"] = pool->used;
    full.details["runs"] = std::move(runs);
    full.text += fmt::format(": {} of {} are taken", pool->used, pool->slots);
}

/// What keeps the engine from hearing of a remote job. Watchers bear the name of their operator first.
void say_how_backend_is(schedule::explanation& e, runtime::run_executor& run, task_index task)
{
    constexpr duration long_silence{30'000};
    for (const watcher_report& w : watcher_reports(run.services().loop)) {
        if (!w.name.starts_with(run.dag()[task].operator_name))
            continue;
        if (w.paused_for > duration{0})
            e.reasons.push_back({"backend_throttled",
                                 fmt::format("the {} was asked for fewer calls, and asks again in {}", w.name,
                                             format_duration(w.paused_for)),
                                 {{"backend", w.name}, {"for_ms", w.paused_for.count()}}});
        if (w.stuck_for > long_silence || !w.last_failure.empty())
            e.reasons.push_back(
                {"backend_failing",
                 w.last_failure.empty()
                     ? fmt::format("the {} has had no answer for {}", w.name, format_duration(w.stuck_for))
                     : fmt::format("the last call of the {} failed: {}", w.name, run.mask().clean(w.last_failure)),
                 {{"backend", w.name}, {"stuck_ms", w.stuck_for.count()}}});
    }
}

} // namespace

std::vector<pool_state> engine_host::pools() const
{
    std::vector<pool_state> out;
    for (const runtime::pool_book::usage& u : parts_->pools.all())
        out.push_back(state_of(u, parts_->runs));
    return out;
}

task<request_result> engine_host::resize_pool(std::string name, std::uint32_t slots)
{
    if (name.empty())
        co_return request_result{request_result::kind::invalid, {}, {}, "the pool has no name"};
    json::value value = json::object{{"slots", slots}};
    co_await parts_->ledger.put(pool_entries, name, std::move(value));
    parts_->pools.resize(name, slots);
    for (const auto& hook : parts_->resize_hooks)
        hook(name, slots);
    co_return request_result{};
}

task<request_result> engine_host::reset_pool(std::string name)
{
    if (name.empty() || !parts_->reading.entry(pool_entries, name))
        co_return request_result{
            request_result::kind::unknown,
            {},
            {},
            fmt::format("nobody has resized a pool `{}`: it has the slots that the DAGs declare", name)};
    co_await parts_->ledger.erase(pool_entries, name);
    parts_->pools.reset(name);
    const auto all = parts_->pools.all();
    const auto found = std::find_if(all.begin(), all.end(), [&](const auto& u) { return u.name == name; });
    for (const auto& hook : parts_->resize_hooks)
        hook(name, found == all.end() ? 0 : found->slots);
    co_return request_result{};
}

void engine_host::parts::restore_pools()
{
    for (const pool_state& p : resized_pools(reading))
        pools.resize(p.name, p.slots);
}

std::optional<schedule::explanation> engine_host::why(const run_id& run, const std::string& task,
                                                      std::optional<item_index> item) const
{
    const active_run* r = parts_->find(run);
    if (!r || !r->executor || r->reconciles)
        return std::nullopt;
    const auto index = r->executor->dag().find(task);
    if (!index)
        throw std::invalid_argument(fmt::format("the run of {} has no task {}", r->executor->dag().name, task));
    const std::uint32_t items = r->executor->machine().item_count(*index);
    if (item && item->value() >= items)
        throw std::invalid_argument(
            items == 0 ? fmt::format("the items of task {} are not known yet", task)
                       : fmt::format("task {} has no item {}, but 0 to {}", task, item->value(), items - 1));
    schedule::explanation e = r->executor->why(*index, item);
    if (schedule::is_in_flight(e.state))
        say_how_backend_is(e, *r->executor, *index);
    const auto all = pools();
    for (schedule::reason& reason : e.reasons)
        name_holders(reason, all);
    for (schedule::item_group& group : e.groups)
        name_holders(group.why, all);
    return e;
}

json::value engine_host::rendered_input(const run_id& run, const std::string& task, item_index item,
                                        attempt_number attempt) const
{
    request_result problem;
    const auto row = run_named(parts_->reading, run.value(), problem);
    if (!row)
        throw std::invalid_argument(problem.text);
    return host::rendered_input(parts_->reading, *row, task, item, attempt);
}

} // namespace potoo::host
