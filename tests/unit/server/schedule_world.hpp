#pragma once
// What schedules live in, made up: a ledger, DAGs, and runs that last as long as the test says. It survives the keeper,
// as the journal survives the engine, and can stop a keeper at any of its durable steps.

#include "tests/unit/task/runner.hpp"

#include "engine/runtime/ledger.hpp"
#include "engine/schedule/cron.hpp"
#include "engine/server/dags/dag_source.hpp"
#include "engine/server/schedules/run_starter.hpp"
#include "engine/server/schedules/tz_zones.hpp"

#include <potoo/wait.hpp>

#include <boost/test/unit_test.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace potoo::server::test {

/// Stops whoever comes by when it has burnt down.
class fuse
{
  public:
    /// From now on the `steps`-th step is the last. Each durable act is two: before and after its effect.
    void light(std::size_t steps)
    {
        left_ = steps;
        lit_ = true;
        burnt_ = false;
    }

    void put_out() { lit_ = false; }

    [[nodiscard]] bool burnt() const noexcept { return burnt_; }

    task<> step()
    {
        co_await yield_now();
        if (lit_ && left_-- == 0) {
            burnt_ = true;
            lit_ = false;
            co_await never_.reached(1);
        }
    }

  private:
    std::size_t left_ = 0;
    bool lit_ = false;
    bool burnt_ = false;
    counter never_;
};

class memory_ledger final : public runtime::ledger
{
  public:
    explicit memory_ledger(fuse& f) : fuse_(f) {}

    task<bool> insert(std::string kind, std::string key, json::value value) override
    {
        co_await fuse_.step();
        const bool added = entries.emplace(std::pair(kind, key), std::move(value)).second;
        co_await fuse_.step();
        co_return added;
    }

    task<> put(std::string kind, std::string key, json::value value) override
    {
        co_await fuse_.step();
        if (broken)
            throw std::runtime_error("the disk is full");
        entries[std::pair(kind, key)] = std::move(value);
        ++puts;
        co_await fuse_.step();
    }

    task<> erase(std::string kind, std::string key) override
    {
        co_await fuse_.step();
        entries.erase(std::pair(kind, key));
        co_await fuse_.step();
    }

    std::optional<json::value> find(const std::string& kind, const std::string& key) override
    {
        const auto found = entries.find(std::pair(kind, key));
        return found == entries.end() ? std::nullopt : std::optional(found->second);
    }

    std::vector<std::pair<std::string, json::value>> list(const std::string& kind, const std::string& after,
                                                          std::size_t) override
    {
        std::vector<std::pair<std::string, json::value>> out;
        for (const auto& [key, value] : entries)
            if (key.first == kind && key.second > after)
                out.emplace_back(key.second, value);
        for (const auto& key : damaged)
            if (key.first == kind)
                throw std::runtime_error("the entry " + key.second + " is no JSON");
        return out;
    }

    std::vector<std::pair<std::string, json::value>>
    readable(const std::string& kind,
             const std::function<void(const std::string&, std::string_view)>& unreadable) override
    {
        std::vector<std::pair<std::string, json::value>> out;
        for (const auto& [key, value] : entries)
            if (key.first == kind)
                out.emplace_back(key.second, value);
        for (const auto& key : damaged)
            if (key.first == kind)
                unreadable(key.second, "it is no JSON");
        return out;
    }

    std::map<std::pair<std::string, std::string>, json::value> entries;
    std::set<std::pair<std::string, std::string>> damaged; ///< kind and key of further ones, which are no JSON
    std::size_t puts = 0;
    bool broken = false;

  private:
    fuse& fuse_;
};

class made_up_dags final : public dag_source
{
  public:
    std::vector<startable_dag> startable() const override
    {
        std::vector<startable_dag> out;
        for (const auto& [name, d] : dags)
            out.push_back(d);
        return out;
    }

    startable_dag startable(std::string_view name) const override
    {
        const auto found = dags.find(name);
        return found == dags.end() ? startable_dag{} : found->second;
    }

    bool is_whole() const override { return whole; }

    void on_change(std::function<void()> listener) override { listeners.push_back(std::move(listener)); }

    void put(const std::string& name, std::optional<graph::schedule_spec> spec, json::object params = {})
    {
        auto d = std::make_shared<graph::dag>();
        d->name = name;
        d->schedule = std::move(spec);
        d->params_schema = std::move(params);
        dags[name] = {name, std::move(d), false};
        tell();
    }

    void pause(const std::string& name, bool paused)
    {
        dags.at(name).paused = paused;
        tell();
    }

    void remove(const std::string& name)
    {
        dags.erase(name);
        tell();
    }

    std::map<std::string, startable_dag, std::less<>> dags;
    bool whole = true;

  private:
    void tell()
    {
        for (const auto& l : listeners)
            l();
    }

    std::vector<std::function<void()>> listeners;
};

class made_up_runs final : public run_starter
{
  public:
    made_up_runs(potoo::loop& l, fuse& f) : loop_(l), fuse_(f) {}

    task<run_id> start(std::shared_ptr<const graph::dag> dag, runtime::run_origin origin) override
    {
        ++starts;
        co_await fuse_.step();
        if (refuse_next > 0) {
            --refuse_next;
            throw std::runtime_error("a secret is missing");
        }
        if (dag->schedule && dag->schedule->overlap == "cancel_running" && origin.by != "replay")
            for (auto& r : runs)
                if (r.dag == dag->name && r.standing == run_standing::unfinished)
                    end(r.id, false);
        run_id id(fmt::format("r{:011}", runs.size()));
        runs.push_back({id, dag->name, std::move(origin), run_standing::unfinished, {}});
        begun_at.push_back(loop_.wall_now());
        co_await fuse_.step();
        co_return id;
    }

    task<> cancel(run_id id) override
    {
        co_await yield_now();
        cancelled.push_back(id.value());
    }

    std::size_t active_of(std::string_view dag) override
    {
        return static_cast<std::size_t>(std::count_if(runs.begin(), runs.end(), [&](const begun_run& r) {
            return r.dag == dag && r.standing == run_standing::unfinished && r.origin.by != "replay";
        }));
    }

    std::optional<begun_run> find(std::string_view by, std::string_view key) override
    {
        const auto r = std::find_if(runs.begin(), runs.end(),
                                    [&](const begun_run& b) { return b.origin.by == by && b.origin.key == key; });
        return r == runs.end() ? std::nullopt : std::optional(*r);
    }

    std::optional<wall_time> end_of(const run_id& id) override
    {
        const auto r = std::find_if(runs.begin(), runs.end(), [&](const begun_run& b) { return b.id == id; });
        return r == runs.end() ? std::nullopt : r->ended;
    }

    std::vector<begun_run> succeeded(std::string_view dag, wall_time since) override
    {
        std::vector<begun_run> out;
        for (const auto& r : runs)
            if (r.dag == dag && r.standing == run_standing::success && *r.ended >= since)
                out.push_back(r);
        return out;
    }

    std::vector<begun_run> caused(std::string_view by, std::string_view cause) override
    {
        std::vector<begun_run> out;
        for (const auto& r : runs)
            if (r.origin.by == by && r.origin.cause == cause)
                out.push_back(r);
        return out;
    }

    /// By whatever began it; not by a schedule.
    run_id begin_outside(const std::string& dag, runtime::run_origin origin = {})
    {
        run_id id(fmt::format("r{:011}", runs.size()));
        runs.push_back({id, dag, std::move(origin), run_standing::unfinished, {}});
        begun_at.push_back(loop_.wall_now());
        return id;
    }

    void end(const run_id& id, bool success)
    {
        auto r = std::find_if(runs.begin(), runs.end(), [&](const begun_run& b) { return b.id == id; });
        if (r == runs.end() || r->standing != run_standing::unfinished)
            return;
        r->standing = success ? run_standing::success : run_standing::ended_otherwise;
        r->ended = loop_.wall_now();
        if (on_end)
            on_end(*r, success);
    }

    /// Ends the oldest run of a DAG that is under way.
    void end_one(const std::string& dag, bool success = true)
    {
        for (const auto& r : runs)
            if (r.dag == dag && r.standing == run_standing::unfinished)
                return end(run_id(r.id), success);
    }

    void end_all()
    {
        for (std::size_t i = 0; i < runs.size(); ++i)
            end(run_id(runs[i].id), true);
    }

    std::vector<begun_run> runs;
    std::vector<wall_time> begun_at; ///< of `runs`
    std::vector<std::string> cancelled;
    std::function<void(const begun_run&, bool)> on_end;
    std::size_t refuse_next = 0;
    std::size_t starts = 0;

  private:
    potoo::loop& loop_;
    fuse& fuse_;
};

inline wall_time at(const std::string& text)
{
    const auto t = parse_time(text);
    BOOST_REQUIRE_MESSAGE(t, text);
    return *t;
}

/// `15 20` for the 15th and 20th of the month, or `02:00` … for times of day: the times of the calendar that the runs
/// of a DAG are for, in the order in which they began.
inline std::string times_of(const std::vector<begun_run>& runs, const std::string& dag, std::size_t from = 8,
                            std::size_t length = 8)
{
    std::string out;
    for (const auto& r : runs)
        if (r.dag == dag && r.origin.scheduled)
            out += (out.empty() ? "" : " ") + format_time(*r.origin.scheduled).substr(from, length);
    return out;
}

} // namespace potoo::server::test
