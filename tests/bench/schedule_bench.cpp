// What the scheduler costs by itself: prints one JSON line a figure.

#include "engine/graph/dag.hpp"
#include "engine/schedule/run_machine.hpp"
#include "figure.hpp"
#include "process_usage.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <memory>
#include <span>
#include <string>
#include <variant>

namespace {

using namespace potoo;
using namespace potoo::schedule;
using bench::resident_bytes;

constexpr int repetitions = 5;

const auto no_retry = std::make_shared<const graph::retry_policy>();

void add_tasks(graph::dag& dag, std::uint32_t count)
{
    for (std::uint32_t n = 0; n < count; ++n) {
        graph::task_spec& task = dag.tasks.emplace_back();
        task.name = "t" + std::to_string(dag.tasks.size() - 1);
        task.retry = no_retry;
    }
}

void connect(graph::dag& dag, std::uint32_t from, std::uint32_t to)
{
    dag.tasks[from].downstream.push_back(task_index(to));
    dag.tasks[to].upstream.push_back(task_index(from));
}

/// Each task depends on `width` neighbours in the layer before.
graph::dag layered(std::uint32_t layers, std::uint32_t per_layer, std::uint32_t width)
{
    graph::dag dag;
    dag.name = "layers";
    add_tasks(dag, layers * per_layer);
    for (std::uint32_t layer = 1; layer < layers; ++layer)
        for (std::uint32_t n = 0; n < per_layer; ++n)
            for (std::uint32_t k = 0; k < width; ++k)
                connect(dag, (layer - 1) * per_layer + (n + k) % per_layer, layer * per_layer + n);
    for (graph::task_spec& task : dag.tasks)
        std::sort(task.downstream.begin(), task.downstream.end());
    return dag;
}

/// Ends every attempt with success, in the order in which they were started. @return nanoseconds
double run_to_end(run_machine& machine, std::uint32_t items, std::uint32_t max_attempts)
{
    std::deque<start_attempt> in_flight;
    const auto begin = steady_clock::now();
    const auto take = [&](std::span<const action> actions) {
        for (const action& a : actions)
            if (const auto* start = std::get_if<start_attempt>(&a))
                in_flight.push_back(*start);
    };
    take(machine.start());
    take(machine.apply(admission_limit_changed{max_attempts}));
    if (items > 0)
        take(machine.apply(task_evaluated{task_index(0), verdict::run, items}));
    while (!in_flight.empty()) {
        const start_attempt next = in_flight.front();
        in_flight.pop_front();
        take(machine.apply(attempt_ended{next.task, next.item, attempt_outcome::success}));
    }
    const auto nanoseconds = std::chrono::duration<double, std::nano>(steady_clock::now() - begin).count();
    if (machine.state() != run_state::success) {
        std::fprintf(stderr, "schedule_bench: the run ended %s\n", std::string(to_string(machine.state())).c_str());
        std::exit(1);
    }
    return nanoseconds;
}

void report(const char* name, double value, const char* unit)
{
    bench::print({.name = name, .value = value, .unit = unit});
}

/// The best of several runs: what it costs when nothing else disturbs.
double best_run(const graph::dag& dag, std::uint32_t items = 0, std::uint32_t max_attempts = 0)
{
    double best = 1e300;
    for (int n = 0; n < repetitions; ++n) {
        run_machine machine(dag);
        best = std::min(best, run_to_end(machine, items, max_attempts));
    }
    return best;
}

void bench_layers()
{
    const graph::dag dag = layered(100, 1000, 2);
    const auto tasks = static_cast<double>(dag.tasks.size());
    const auto begin = steady_clock::now();
    const double before = resident_bytes();
    const run_machine machine(dag);
    report("schedule.construct", std::chrono::duration<double, std::nano>(steady_clock::now() - begin).count() / tasks,
           "ns/task");
    report("schedule.memory", (resident_bytes() - before) / tasks, "bytes/task");
    report("schedule.noop_layers", best_run(dag) / tasks, "ns/task");
    report("schedule.noop_layers_limited", best_run(dag, 0, 100) / tasks, "ns/task");
}

void bench_pools()
{
    graph::dag dag = layered(100, 1000, 2);
    dag.pools = {{"narrow", 10}, {"wide", 500}};
    for (std::uint32_t t = 0; t < dag.tasks.size(); ++t) {
        dag.tasks[t].pool = pool_index(t % 2);
        dag.tasks[t].priority = static_cast<std::int32_t>(t % 7);
    }
    report("schedule.noop_pools", best_run(dag) / static_cast<double>(dag.tasks.size()), "ns/task");
}

void bench_dense()
{
    const graph::dag dag = layered(10, 1000, 1000);
    report("schedule.dense_edges", best_run(dag) / 9e6, "ns/edge");
}

void bench_chain()
{
    const graph::dag dag = layered(100'000, 1, 1);
    report("schedule.chain", best_run(dag) / 1e5, "ns/task");
}

void bench_items()
{
    constexpr std::uint32_t items = 1'000'000;
    graph::dag dag;
    dag.name = "items";
    add_tasks(dag, 1);
    dag.tasks[0].foreach = expression::compile("null", {});
    dag.tasks[0].max_active = 2000;
    report("schedule.items", best_run(dag, items) / items, "ns/item");

    run_machine machine(dag);
    static_cast<void>(machine.start());
    const double before = resident_bytes();
    static_cast<void>(machine.apply(task_evaluated{task_index(0), verdict::run, items}));
    report("schedule.queued_items_memory", (resident_bytes() - before) / items, "bytes/item");
}

} // namespace

int main()
{
    bench_layers();
    bench_pools();
    bench_dense();
    bench_chain();
    bench_items();
}
