// The whole engine: tasks a second without a journal and with one, how that grows, launches of programs, recovery and
// cancellation of waiting jobs.
// Usage: engine_bench noop ephemeral|sqlite [STATE_DIR] [TASKS]
//        engine_bench noop_peers TASKS
//        engine_bench growth LARGEST
//        engine_bench shell TASKS
//        engine_bench deferred JOB_SERVICE_URL JOBS SECONDS
//        engine_bench recovery JOB_SERVICE_URL JOBS STATE_DIR
//        engine_bench cancel JOB_SERVICE_URL JOBS
//
// Prints one JSON line a figure. Each is a process of its own, so that memory figures start from nothing.

#include "figure.hpp"
#include "measured_run.hpp"
#include "peer_program.hpp"
#include "process_usage.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <functional>
#include <limits>
#include <stdexcept>
#include <string>
#include <sys/resource.h>
#include <utility>

namespace potoo::bench {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t layers = 100;

/// 100 layers of tasks; each waits for two of the layer above.
std::shared_ptr<const graph::dag> layered_noops(std::size_t tasks)
{
    const std::size_t width = tasks / layers;
    std::string text = R"({"name": "layers", "tasks": {)";
    for (std::size_t l = 0; l < layers; ++l) {
        for (std::size_t i = 0; i < width; ++i) {
            text += fmt::format(R"({}"t{}_{}": {{"operator": "noop")", l + i > 0 ? "," : "", l, i);
            if (l > 0)
                text += fmt::format(R"(, "depends_on": ["t{0}_{1}"{2}])", l - 1, i,
                                    width > 1 ? fmt::format(R"(, "t{}_{}")", l - 1, (i + 1) % width) : "");
            text += "}";
        }
    }
    return load(text + "}}", "layers.json");
}

/// Wall and processor time of a run.
struct run_cost
{
    double wall = std::numeric_limits<double>::max();
    double cpu = std::numeric_limits<double>::max();
};

host::host_options ephemeral()
{
    host::host_options options;
    options.ephemeral = true;
    return options;
}

// A function of its own in the program, so that callgrind can be told to count what happens in it.
[[gnu::noinline]] run_cost timed_run(const std::shared_ptr<const graph::dag>& d, const host::host_options& options)
{
    boost::asio::io_context context(1);
    host::local_host local(context, options);
    runtime::run_observer quiet;
    const auto began = std::chrono::steady_clock::now();
    const double cpu = cpu_seconds();
    const host::run_outcome o = carry_out(context, local.engine().run(d, {}, quiet), local);
    if (o.state != schedule::run_state::success)
        throw std::runtime_error("the run did not succeed");
    return {seconds_since(began), cpu_seconds() - cpu};
}

void bench_noop(const std::string& where, const std::string& state, std::size_t tasks)
{
    host::host_options options;
    options.ephemeral = where == "ephemeral";
    options.state = state;
    const auto d = layered_noops(tasks);
    const run_cost c = timed_run(d, options);
    const auto each = 1e6 / static_cast<double>(tasks);
    figure wall{.name = "engine.noop_" + where + ".wall", .value = c.wall * each, .unit = "us/task"};
    figure cpu{.name = "engine.noop_" + where + ".cpu", .value = c.cpu * each, .unit = "us/task"};
    if (where == "ephemeral") {
        cpu.goal = at_most(0.5);
        cpu.beyond = at_most(0.2);
    }
    print(wall);
    print(cpu);
    if (where == "sqlite")
        print({.name = "engine.noop_sqlite.rate",
               .value = static_cast<double>(tasks) / c.wall,
               .unit = "tasks/s",
               .goal = at_least(100'000),
               .beyond = at_least(250'000),
               .note = "synchronous=FULL"});
}

/// The same shape of DAG by others, which keep no journal.
void bench_noop_peers(std::size_t tasks)
{
    const run_cost c = timed_run(layered_noops(tasks), ephemeral());
    for (const auto& [how, most] : {std::pair<std::string, std::size_t>("synchronous", tasks),
                                    {"distributed", std::min<std::size_t>(tasks, 10'000)}}) {
        print(
            {.name = "engine.noop_ephemeral.cpu",
             .value = c.cpu * 1e6 / static_cast<double>(tasks),
             .unit = "us/task",
             .peer = run_peer("dask_noop.py", {how, std::to_string(most)}).as_peer("Dask, " + how, "cpu_us_per_task")});
    }
}

/// Small runs are repeated, and the best counts: what is left is what every run costs.
double best_cost_per_task(std::size_t tasks)
{
    const auto d = layered_noops(tasks);
    const std::size_t times = std::clamp<std::size_t>(300'000 / tasks, 1, 50);
    double best = std::numeric_limits<double>::max();
    for (std::size_t i = 0; i < times; ++i)
        best = std::min(best, timed_run(d, ephemeral()).cpu);
    return best * 1e6 / static_cast<double>(tasks);
}

void bench_growth(std::size_t largest)
{
    std::vector<double> costs;
    for (std::size_t tasks = 1'000; tasks <= largest; tasks *= 10) {
        costs.push_back(best_cost_per_task(tasks));
        print({.name = fmt::format("engine.noop_ephemeral.cpu.{}", tasks), .value = costs.back(), .unit = "us/task"});
    }
    const auto [least, most] = std::minmax_element(costs.begin(), costs.end());
    print({.name = "engine.noop_ephemeral.growth",
           .value = *most / *least,
           .unit = "x",
           .goal = at_most(1.5),
           .note = fmt::format("the dearest of 1000 to {} tasks to the cheapest", largest)});
}

double cpu_seconds_with_children()
{
    rusage children{};
    ::getrusage(RUSAGE_CHILDREN, &children);
    return cpu_seconds() + cpu_seconds(children);
}

/// Programs that do nothing, two at once: what starting one costs.
void bench_shell(std::size_t tasks)
{
    const auto d = load(fmt::format(R"({{"name": "programs", "tasks": {{"all": {{"operator": "shell",
        "foreach": "${{{{ range({}) }}}}", "max_active": 2, "with": {{"command": ["true"]}} }} }} }})",
                                    tasks),
                        "programs.json");
    const double cpu = cpu_seconds_with_children();
    const run_cost c = timed_run(d, ephemeral());
    const double each = 1e6 / static_cast<double>(tasks);
    const peer_result beside = run_peer("hyperqueue_true.py", {std::to_string(tasks)});
    const std::string note =
        "each task is the program `true`, two at once; HyperQueue is asked once a second whether it "
        "is done";
    print({.name = "engine.shell_true.wall",
           .value = c.wall * each,
           .unit = "us/task",
           .peer = beside.as_peer("HyperQueue", "wall_us_per_task"),
           .note = note});
    print({.name = "engine.shell_true.cpu",
           .value = (cpu_seconds_with_children() - cpu) * each,
           .unit = "us/task",
           .peer = beside.as_peer("HyperQueue", "cpu_us_per_task"),
           .note = note});
}

/// Jobs that are asked about at a leisurely pace, one call each.
void bench_deferred(const std::string& url, std::size_t jobs, int seconds)
{
    boost::asio::io_context context(1);
    host::local_host local(context, ephemeral());
    double waiting = 0;
    double cpu = 0;
    staged_watch watch(local.loop(), jobs, [] { return true; });
    watch
        .then(3s,
              [&] {
                  waiting = resident_bytes();
                  cpu = cpu_seconds();
              })
        .then(std::chrono::seconds(seconds), [&] {
            cpu = cpu_seconds() - cpu;
            local.engine().cancel(std::nullopt, cancel_reason::user);
        });
    const auto d = waiting_jobs({jobs, 0, "2s"});
    const double before = resident_bytes();
    const auto o = carry_out(context, local.engine().run(d, json::object{{"service", url}}, watch), local);
    if (o.state != schedule::run_state::cancelled || waiting == 0)
        throw std::runtime_error("the run ended before it was measured");
    // One look a job every two seconds, give or take the jitter that evens out.
    const double polls = static_cast<double>(jobs) * seconds / 2.0;
    print({.name = "engine.deferred_http_job.rss",
           .value = (waiting - before) / static_cast<double>(jobs),
           .unit = "B/job"});
    print({.name = "engine.deferred_http_job.cpu_per_poll", .value = cpu * 1e6 / polls, .unit = "us"});
}

/// Says when all jobs are watched.
class all_deferred final : public runtime::run_observer
{
  public:
    all_deferred(std::size_t jobs, std::function<void()> then) : jobs_(jobs), then_(std::move(then)) {}

    void attempt_deferred(task_index, item_index, bool deferred) override
    {
        deferred_ += deferred ? 1 : -1;
        if (deferred_ == static_cast<long>(jobs_) && then_)
            std::exchange(then_, nullptr)();
    }

  private:
    std::size_t jobs_;
    std::function<void()> then_;
    long deferred_ = 0;
};

/// Launches the jobs and lets go of them; then brings an engine up that watches them again.
void bench_recovery(const std::string& url, std::size_t jobs, const std::string& state)
{
    host::host_options options;
    options.state = state;
    const auto d = waiting_jobs({jobs, 0, "2s"});
    {
        boost::asio::io_context context(1);
        host::local_host local(context, options);
        all_deferred watch(jobs, [&] { local.engine().detach_all(); });
        if (!carry_out(context, local.engine().run(d, json::object{{"service", url}}, watch), local).detached)
            throw std::runtime_error("the run ended before it was let go");
    }
    const auto began = std::chrono::steady_clock::now();
    const double cpu = cpu_seconds();
    boost::asio::io_context context(1);
    host::local_host local(context, options);
    double wall = 0;
    all_deferred watch(jobs, [&] {
        wall = seconds_since(began);
        print({.name = "engine.recovery.wall", .value = wall, .unit = "s"});
        print({.name = "engine.recovery.cpu",
               .value = (cpu_seconds() - cpu) * 1e6 / static_cast<double>(jobs),
               .unit = "us/attempt"});
        local.engine().detach_all();
    });
    carry_out(context, local.engine().resume(local.engine().unfinished().front(), watch), local);
    if (wall == 0)
        throw std::runtime_error("the run ended before all was watched");
}

/// From the request to cancel until the service has confirmed the end of every job.
void bench_cancel(const std::string& url, std::size_t jobs)
{
    boost::asio::io_context context(1);
    host::local_host local(context, ephemeral());
    std::chrono::steady_clock::time_point asked;
    double cpu = 0;
    all_deferred watch(jobs, [&] {
        asked = std::chrono::steady_clock::now();
        cpu = cpu_seconds();
        local.engine().cancel(std::nullopt, cancel_reason::user);
    });
    const auto d = waiting_jobs({jobs, 0, "2s"});
    const auto end = carry_out(context, local.engine().run(d, json::object{{"service", url}}, watch), local);
    if (end.state != schedule::run_state::cancelled)
        throw std::runtime_error("the run was not cancelled");
    print({.name = "engine.cancel.wall", .value = seconds_since(asked), .unit = "s"});
    print({.name = "engine.cancel.cpu",
           .value = (cpu_seconds() - cpu) * 1e6 / static_cast<double>(jobs),
           .unit = "us/job"});
}

int run(const std::vector<std::string>& arguments)
{
    const std::string what = arguments.empty() ? "" : arguments[0];
    const auto n = [&](std::size_t i) { return std::stoul(arguments.at(i)); };
    const std::size_t size = arguments.size();
    if (what == "noop" && size > 1)
        bench_noop(arguments[1], size > 2 ? arguments[2] : ".potoo", size > 3 ? n(3) : 100'000);
    else if (what == "noop_peers" && size == 2)
        bench_noop_peers(n(1));
    else if (what == "growth" && size == 2 && n(1) >= 10'000) // a growth is between two
        bench_growth(n(1));
    else if (what == "shell" && size == 2)
        bench_shell(n(1));
    else if (what == "deferred" && size == 4)
        bench_deferred(arguments[1], n(2), static_cast<int>(n(3)));
    else if (what == "recovery" && size == 4)
        bench_recovery(arguments[1], n(2), arguments[3]);
    else if (what == "cancel" && size == 3)
        bench_cancel(arguments[1], n(2));
    else {
        std::fputs(
            "usage: engine_bench noop ephemeral|sqlite [STATE_DIR] [TASKS] | noop_peers TASKS | growth LARGEST | "
            "shell TASKS | deferred JOB_SERVICE_URL JOBS SECONDS | recovery JOB_SERVICE_URL JOBS STATE_DIR | "
            "cancel JOB_SERVICE_URL JOBS\n",
            stderr);
        return 2;
    }
    return 0;
}

} // namespace
} // namespace potoo::bench

int main(int argc, char** argv)
{
    try {
        return potoo::bench::run({argv + 1, argv + argc});
    } catch (const std::exception& e) {
        std::fprintf(stderr, "engine_bench: %s\n", e.what());
        return 1;
    }
}
