#include "scenario.hpp"

#include "dag_builder.hpp"
#include "random_source.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

namespace potoo::sim {
namespace {

constexpr std::array trigger_rules{
    "all_success", "all_done", "all_failed",  "all_skipped",  "one_success",
    "one_failed",  "one_done", "none_failed", "none_skipped", "none_failed_min_one_success",
    "always"};

/// What kind of trouble there is.
enum class flavour : std::uint8_t
{
    crashes_only, ///< and the end is compared with that of an undisturbed run
    mild,
    rough,
    storms,
    cancellations,
};

flavour draw_flavour(random_source& r)
{
    const double drawn = r.fraction();
    return drawn < 0.3    ? flavour::crashes_only
           : drawn < 0.5  ? flavour::mild
           : drawn < 0.65 ? flavour::rough
           : drawn < 0.8  ? flavour::storms
                          : flavour::cancellations;
}

std::vector<service_plan> draw_services(random_source& r, flavour f)
{
    std::vector<service_plan> services(1 + r.below(3));
    for (std::size_t i = 0; i < services.size(); ++i) {
        service_plan& s = services[i];
        s.name = "s" + std::to_string(i);
        const double ability = r.fraction();
        s.finds = ability < 0.6 || ability >= 0.85;
        s.deduplicates = ability >= 0.6 && ability < 0.95;
        // Whoever can neither find nor deduplicate makes attempts fail that a crash cuts in two.
        if (f != flavour::crashes_only && r.chance(0.1))
            s.finds = s.deduplicates = false;
        s.batch = r.chance(0.4);
        s.shortest_job = r.any_magnitude(duration(10), duration(10'000));
        s.longest_job = s.shortest_job + r.any_magnitude(duration(10), duration(600'000));
        s.longest_queue = r.any_magnitude(duration(1), duration(20'000));
        s.longest_cancel = r.any_magnitude(duration(1), duration(20'000));
        s.failing_jobs = r.chance(0.5) ? r.fraction() * 0.4 : 0;
    }
    return services;
}

json::value draw_retry(random_source& r)
{
    const int limit = r.between(0, 3);
    if (r.chance(0.3))
        return limit;
    return json::object{{"limit", limit},
                        {"delay", format_duration(r.any_magnitude(duration(1), duration(60'000)))},
                        {"backoff", r.between(1, 3)},
                        {"jitter", r.chance(0.5) ? 0.5 : 0.0}};
}

json::object draw_settings(random_source& r, flavour f, bool has_parents, bool has_pool)
{
    json::object settings;
    if (r.chance(0.6))
        settings["retry"] = draw_retry(r);
    if (has_parents && r.chance(0.35))
        settings["trigger_rule"] = json::string(r.pick(trigger_rules));
    if (r.chance(0.2))
        settings["allow_failure"] = true;
    if (has_pool && r.chance(0.5))
        settings["pool"] = "p";
    if (r.chance(0.2))
        settings["priority"] = r.between(-5, 5);
    if (r.chance(0.4)) {
        json::array items;
        for (int i = r.between(0, r.chance(0.1) ? 40 : 6); i > 0; --i)
            items.push_back(i);
        settings["foreach"] = std::move(items);
        if (r.chance(0.4))
            settings["max_active"] = r.between(1, 4);
    }
    if (f != flavour::crashes_only && r.chance(0.25))
        settings["timeout"] = format_duration(r.any_magnitude(duration(100), duration(600'000)));
    return settings;
}

std::vector<std::size_t> draw_parents(random_source& r, std::size_t position)
{
    std::vector<std::size_t> parents;
    for (int n = r.between(0, 3); n > 0 && position > 0; --n) {
        const std::size_t p = r.below(position);
        if (std::find(parents.begin(), parents.end(), p) == parents.end())
            parents.push_back(p);
    }
    return parents;
}

void add_task(dag_builder& b, random_source& r, flavour f, std::size_t position, std::size_t services, bool has_pool)
{
    std::vector<std::size_t> parents = draw_parents(r, position);
    json::object settings = draw_settings(r, f, !parents.empty(), has_pool);
    const double kind = r.fraction();
    const json::object steps{{"takes", r.any_magnitude(duration(1), duration(30'000)).count()},
                             {"steps", r.between(1, 4)},
                             {"failures", r.chance(0.3) ? r.between(1, 2) : 0}};
    constexpr std::array single_minded{"sim_callback", "sim_calendar", "sim_lease"};
    if (kind < 0.55) {
        b.add_job(r.below(services), std::move(parents), std::move(settings),
                  r.any_magnitude(duration(100), duration(20'000)));
    } else if (kind < 0.67) {
        b.add(r.pick(single_minded), steps, std::move(parents), std::move(settings));
    } else if (kind < 0.75) {
        b.add("sim_steps", steps, std::move(parents), std::move(settings));
    } else if (kind < 0.83) {
        b.add("sim_all", steps, std::move(parents), std::move(settings));
    } else if (kind < 0.92) {
        json::object race = steps;
        race.erase("steps");
        race["other"] = r.any_magnitude(duration(1), duration(30'000)).count();
        // Who wins a close race, a crash may change.
        if (f == flavour::crashes_only)
            race[r.chance(0.5) ? "takes" : "other"] = duration(300'000).count();
        b.add("sim_any", std::move(race), std::move(parents), std::move(settings));
    } else {
        b.add("noop", {}, std::move(parents), std::move(settings));
    }
}

dag_plan draw_dag(random_source& r, const scenario& s, flavour f, std::string name)
{
    dag_builder b(std::move(name), s.services, s.machine.request_timeout);
    const bool has_pool = r.chance(0.3);
    if (has_pool)
        b.set("pools", json::object{{"p", r.between(1, 3)}});
    if (f != flavour::crashes_only && r.chance(0.2))
        b.set("fail_fast", true);
    if (f != flavour::crashes_only && r.chance(0.15))
        b.set("deadline", json::string(format_duration(r.any_magnitude(duration(1'000), duration(3'600'000)))));
    const int tasks = r.between(1, r.chance(0.15) ? 20 : 7);
    for (int i = 0; i < tasks; ++i)
        add_task(b, r, f, static_cast<std::size_t>(i), s.services.size(), has_pool);
    return std::move(b).build();
}

fault_rates draw_faults(random_source& r, flavour f)
{
    fault_rates rates;
    if (f == flavour::crashes_only)
        return rates;
    const double high = f == flavour::rough ? 0.12 : 0.03;
    for (double* rate :
         {&rates.not_sent, &rates.lost_request, &rates.lost_response, &rates.late, &rates.hang, &rates.slow,
          &rates.throttle, &rates.server_error, &rates.gateway_error, &rates.garbage, &rates.duplicate}) {
        if (r.chance(0.6))
            *rate = r.fraction() * high;
    }
    rates.stale = r.chance(0.5) ? r.fraction() * 0.3 : 0;
    rates.unknown_id = r.chance(0.4) ? r.fraction() * 0.1 : 0;
    rates.forget = r.chance(0.2) ? r.fraction() : 0;
    return rates;
}

std::vector<storm> draw_storms(random_source& r, const scenario& s, flavour f)
{
    std::vector<storm> storms;
    if (f != flavour::storms && !(f != flavour::crashes_only && r.chance(0.2)))
        return storms;
    for (int n = r.between(1, 4); n > 0; --n) {
        storm x;
        x.service = r.below(s.services.size());
        x.kind = static_cast<weather>(r.below(6));
        x.from = r.between(duration(0), s.calm);
        x.to = x.from + r.any_magnitude(duration(1'000), duration(600'000));
        storms.push_back(x);
    }
    return storms;
}

crash_plan draw_crashes(random_source& r)
{
    crash_plan c;
    c.most = r.chance(0.1) ? 0 : r.between(1, 12);
    c.at_handler =
        r.chance(0.5) ? 1.0 / static_cast<double>(r.any_magnitude(duration(20), duration(5'000)).count()) : 0;
    c.at_commit = r.chance(0.7) ? r.fraction() * 0.2 : 0;
    c.gracefully = r.chance(0.5) ? r.fraction() * 0.6 : 0;
    c.longest_pause = r.any_magnitude(duration(10), duration(1'800'000));
    return c;
}

machine_plan draw_machine(random_source& r)
{
    machine_plan m;
    m.longest_commit = r.any_magnitude(duration(1), duration(200));
    m.slow_commit = r.chance(0.3) ? r.fraction() * 0.05 : 0;
    m.full_disk = r.chance(0.1) ? r.fraction() * 0.02 : 0;
    m.stall = r.chance(0.3) ? r.fraction() * 0.005 : 0;
    m.clock_jump = r.chance(0.3) ? r.fraction() : 0;
    m.farthest_jump = r.any_magnitude(duration(100), duration(7'200'000));
    m.request_timeout = r.any_magnitude(duration(1'000), duration(30'000));
    return m;
}

/// Pauses and retries.
void draw_requests(random_source& r, run_plan& run)
{
    if (r.chance(0.2)) {
        const duration from = run.starts + r.any_magnitude(duration(1), duration(600'000));
        run.paused = std::pair(from, from + r.any_magnitude(duration(1), duration(600'000)));
    }
    if (r.chance(0.3))
        run.retries_after_end = r.between(1, 3);
    if (!r.chance(0.3))
        return;
    const int retries = r.between(1, 3);
    for (int i = 0; i < retries; ++i) {
        retry_plan retry{run.starts + r.any_magnitude(duration(1'000), duration(3'600'000)), std::nullopt};
        if (r.chance(0.4))
            retry.task = r.below(run.dag.tasks.size());
        run.retries.push_back(retry);
    }
}

} // namespace

scenario make_scenario(std::uint64_t seed)
{
    random_source r(seed, "scenario");
    const flavour f = draw_flavour(r);
    scenario s;
    s.seed = seed;
    s.ends_the_same = f == flavour::crashes_only;
    s.services = draw_services(r, f);
    s.machine = draw_machine(r);
    s.crashes = draw_crashes(r);
    s.calm = r.any_magnitude(duration(60'000), duration(7'200'000));
    s.faults = draw_faults(r, f);
    s.storms = draw_storms(r, s, f);
    s.ends_within = duration(24 * 3'600'000);
    const int runs = r.chance(0.7) ? 1 : r.between(2, 3);
    for (int i = 0; i < runs; ++i) {
        run_plan run;
        run.dag = draw_dag(r, s, f, fmt::format("dag{}", i));
        run.starts = i == 0 ? duration(0) : r.any_magnitude(duration(1), duration(60'000));
        if (f == flavour::cancellations || (f != flavour::crashes_only && r.chance(0.1)))
            run.cancelled = run.starts + r.any_magnitude(duration(1), duration(900'000));
        if (f == flavour::cancellations && r.chance(0.3))
            run.task_cancelled =
                std::pair(r.below(run.dag.tasks.size()), run.starts + r.any_magnitude(duration(1), duration(300'000)));
        // Drawn elsewhere, so that the seeds mean what they meant.
        random_source people(seed, fmt::format("people of dag{}", i));
        if (f != flavour::crashes_only)
            draw_requests(people, run);
        s.runs.push_back(std::move(run));
    }
    return s;
}

std::string describe(const scenario& s, bool whole)
{
    std::string text = fmt::format("seed {}: {} runs, calm after {}, {}", s.seed, s.runs.size(),
                                   format_duration(s.calm), s.ends_the_same ? "crashes only" : "all kinds of faults");
    for (const service_plan& p : s.services)
        text += fmt::format("\n  service {}:{}{}{}{}", p.name, p.finds ? " finds" : "",
                            p.deduplicates ? " deduplicates" : "", p.batch ? " lists" : "",
                            p.finds || p.deduplicates ? "" : " can do nothing");
    for (const storm& x : s.storms)
        text += fmt::format("\n  storm {} at s{} from {} to {}", static_cast<int>(x.kind), x.service,
                            format_duration(x.from), format_duration(x.to));
    for (const run_plan& r : s.runs)
        text += fmt::format("\n  at {}{}: {}", format_duration(r.starts),
                            (r.cancelled ? ", cancelled at " + format_duration(*r.cancelled) : "") +
                                (r.paused ? ", paused at " + format_duration(r.paused->first) : "") +
                                (r.retries.empty() ? "" : fmt::format(", {} retries", r.retries.size())),
                            whole ? r.dag.source : fmt::format("{} tasks", r.dag.tasks.size()));
    return text;
}

} // namespace potoo::sim
