#include "commands.hpp"
#include "dag_builder.hpp"

#include <fmt/format.h>

#include <functional>
#include <vector>

namespace potoo::sim {
namespace {

scenario quiet_world()
{
    scenario s;
    s.seed = 1;
    service_plan p;
    p.name = "s0";
    p.shortest_job = duration(3'000);
    p.longest_job = duration(3'000);
    p.longest_queue = duration(0);
    p.longest_cancel = duration(500);
    s.services = {p};
    s.machine.longest_commit = duration(2);
    s.machine.request_timeout = duration(5'000);
    s.crashes.longest_pause = duration(10'000);
    s.calm = duration(3'600'000);
    s.ends_within = duration(24 * 3'600'000);
    s.ends_the_same = true;
    return s;
}

scenario with_dag(scenario s, const std::function<void(dag_builder&)>& fill)
{
    dag_builder b("small", s.services, s.machine.request_timeout);
    fill(b);
    run_plan r;
    r.dag = std::move(b).build();
    s.runs = {std::move(r)};
    return s;
}

json::object race(int takes, int other)
{
    return {{"takes", takes}, {"other", other}, {"failures", 0}};
}

struct small_dag
{
    const char* name;
    scenario plan;
    bool in_pairs; ///< small enough for two crashes at every two places
};

scenario cancelled(scenario s, duration at)
{
    s.runs.front().cancelled = at;
    s.ends_the_same = false;
    return s;
}

scenario by_deduplication(scenario s)
{
    s.services.front().finds = false;
    s.services.front().deduplicates = true;
    return s;
}

std::vector<small_dag> small_dags()
{
    const json::object steps{{"takes", 100}, {"steps", 2}, {"failures", 0}};
    const json::object failing_once{{"takes", 100}, {"steps", 1}, {"failures", 1}};
    const auto one_job = [](dag_builder& b) { b.add_job(0, {}); };
    const auto timed_out = [](dag_builder& b) { b.add_job(0, {}, {{"timeout", "2s"}, {"retry", 1}}); };
    const scenario quiet = quiet_world();
    scenario failing = quiet;
    failing.services.front().failing_jobs = 1;
    scenario late = with_dag(quiet, timed_out);
    late.ends_the_same = false;
    std::vector<small_dag> all;
    all.push_back({"one_job", with_dag(quiet, one_job), true});
    all.push_back({"one_job_by_deduplication", with_dag(by_deduplication(quiet), one_job), true});
    all.push_back({"two_in_a_row", with_dag(quiet, [](dag_builder& b) { b.add_job(0, {b.add_job(0, {})}); }), false});
    all.push_back({"three_items",
                   with_dag(quiet,
                            [](dag_builder& b) {
                                const auto above =
                                    b.add_job(0, {}, {{"foreach", json::array{1, 2, 3}}, {"max_active", 2}});
                                b.add("noop", {}, {above});
                            }),
                   false});
    all.push_back({"steps", with_dag(quiet, [&](dag_builder& b) { b.add("sim_steps", steps, {}); }), true});
    all.push_back({"all_of_steps", with_dag(quiet, [&](dag_builder& b) { b.add("sim_all", steps, {}); }), false});
    all.push_back(
        {"any_of_steps", with_dag(quiet, [](dag_builder& b) { b.add("sim_any", race(100, 300), {}); }), true});
    all.push_back({"close_race", with_dag(quiet, [](dag_builder& b) { b.add("sim_any", race(102, 100), {}); }), true});
    const json::object nap{{"takes", 2'000}, {"failures", 0}};
    all.push_back({"callback", with_dag(quiet, [&](dag_builder& b) { b.add("sim_callback", nap, {}); }), true});
    all.push_back({"calendar", with_dag(quiet, [&](dag_builder& b) { b.add("sim_calendar", nap, {}); }), true});
    all.push_back({"cancelled_lease",
                   cancelled(with_dag(quiet, [&](dag_builder& b) { b.add("sim_lease", nap, {}); }), duration(1'000)),
                   true});
    all.push_back({"retry_of_steps",
                   with_dag(quiet, [&](dag_builder& b) { b.add("sim_steps", failing_once, {}, {{"retry", 1}}); }),
                   true});
    all.push_back({"retry_of_a_job",
                   with_dag(failing,
                            [](dag_builder& b) {
                                const auto above = b.add_job(0, {}, {{"retry", {{"limit", 1}, {"delay", "1s"}}}});
                                b.add("noop", {}, {above}, {{"trigger_rule", "one_failed"}});
                                b.add("noop", {}, {above});
                            }),
                   false});
    all.push_back({"cancelled_job", cancelled(with_dag(quiet, one_job), duration(1'000)), true});
    all.push_back({"cancelled_at_once", cancelled(with_dag(quiet, one_job), duration(20)), true});
    all.push_back({"timeout", late, false});
    return all;
}

/// @return failures
int run_with(const small_dag& d, std::vector<std::uint64_t> crash_at, std::uint64_t& executions, std::uint64_t& actions)
{
    scenario s = d.plan;
    s.crash_at = std::move(crash_at);
    const report r = simulate_and_compare(s);
    ++executions;
    actions = r.actions;
    if (!r.broken)
        return 0;
    print_failure(s, r, fmt::format("sim small {}", d.name));
    fmt::print("FAILED with the engine dying before the actions {}\n", fmt::join(s.crash_at, ", "));
    return 1;
}

int run_everywhere(const small_dag& d)
{
    std::uint64_t executions = 0;
    std::uint64_t places = 0;
    int failed = run_with(d, {}, executions, places);
    for (std::uint64_t first = 0; first < places && failed == 0; ++first) {
        std::uint64_t actions = 0;
        failed += run_with(d, {first}, executions, actions);
        for (std::uint64_t second = first + 1; d.in_pairs && second < actions && failed == 0; ++second) {
            std::uint64_t ignored = 0;
            failed += run_with(d, {first, second}, executions, ignored);
        }
    }
    fmt::print("{}: {} places, {} executions{}\n", d.name, places, executions, failed == 0 ? "" : ", FAILED");
    std::fflush(stdout);
    return failed;
}

} // namespace

int run_small_dags(const std::string& only)
{
    int failed = 0;
    for (const small_dag& d : small_dags()) {
        if (only.empty() || only == d.name)
            failed += run_everywhere(d);
    }
    return failed == 0 ? 0 : 1;
}

} // namespace potoo::sim
