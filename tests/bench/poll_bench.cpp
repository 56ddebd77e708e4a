// What watching many jobs costs the whole engine: processor time of a status, memory of a waiting job, how late an end
// is seen. The server is a process of its own, the same for the engine and for the peers.
// Usage: poll_bench single JOBS ROUNDS | batched JOBS | rounds JOBS LIMIT | memory JOBS STATE_DIR [--peers]
//        | delay JOBS INTERVAL_MS | watch single|batched JOBS SECONDS
//
// Prints one JSON line a figure. Each is a process of its own, so that memory figures start from nothing.

#include "child_program.hpp"
#include "figure.hpp"
#include "measured_run.hpp"
#include "peer_program.hpp"
#include "process_usage.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <exception>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace potoo::bench {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t batch_limit = 100;
constexpr int window_seconds = 2;

double median(std::vector<double> values)
{
    std::sort(values.begin(), values.end());
    return values.at(values.size() / 2);
}

/// Between two moments: what this process used, and what the server was asked.
struct usage
{
    double cpu = 0;
    double user = 0;
    running_job_server::counts served;
};

usage used_by_now(const running_job_server& server)
{
    return {cpu_seconds(), user_seconds(), server.stats()};
}

host::host_options in_memory()
{
    host::host_options options;
    options.ephemeral = true;
    return options;
}

struct window
{
    double cpu = 0;
    double user = 0;
    double polls = 0;
    double batch_calls = 0;
    double batched = 0;
};

/// Launches the jobs, lets them be watched for a while, and says what that took.
window watch_jobs(const running_job_server& server, const job_shape& shape, steady_clock::duration warm_up,
                  steady_clock::duration length)
{
    boost::asio::io_context context(1);
    host::local_host local(context, in_memory());
    const double earlier = server.stats().submissions;
    usage begin;
    usage end;
    staged_watch watch(local.loop(), shape.jobs,
                       [&] { return server.stats().submissions - earlier >= static_cast<double>(shape.jobs); });
    watch.then(warm_up, [&] { begin = used_by_now(server); }).then(length, [&] {
        end = used_by_now(server);
        local.engine().detach_all();
    });
    const auto o = carry_out(
        context, local.engine().run(waiting_jobs(shape), json::object{{"service", server.url()}}, watch), local);
    if (!o.detached || !watch.done())
        throw std::runtime_error("the run ended before it was measured");
    return {end.cpu - begin.cpu, end.user - begin.user, end.served.polls - begin.served.polls,
            end.served.batch_calls - begin.served.batch_calls, end.served.batched - begin.served.batched};
}

/// What we need and what wrk needs, round by round.
class rounds_beside_wrk
{
  public:
    void add(double ours, std::optional<double> wrk)
    {
        ours_.push_back(ours);
        if (wrk)
            ratios_.push_back(ours / *wrk);
    }

    /// Its ratio is the median of the rounds' ratios: a busy machine is as busy for both of a round.
    [[nodiscard]] figure as_figure(const std::string& name) const
    {
        figure f{.name = name, .value = median(ours_), .unit = "us"};
        f.peer = peer{"wrk -t1 -c64", std::nullopt, "wrk did not run"};
        if (!ratios_.empty())
            f.peer->value = f.value / median(ratios_);
        return f;
    }

  private:
    std::vector<double> ours_;
    std::vector<double> ratios_;
};

void bench_single(std::size_t jobs, int rounds)
{
    const running_job_server server;
    const std::string one_job = server.url() + "/jobs/job-0000000000000001";
    rounds_beside_wrk cpu;
    rounds_beside_wrk user;
    for (int i = 0; i < rounds; ++i) {
        const window w = watch_jobs(server, {jobs, 0, "0ms"}, 1s, std::chrono::seconds(window_seconds));
        const auto wrk = run_wrk(one_job, window_seconds);
        const double us = 1e6 / w.polls;
        cpu.add(w.cpu * us, wrk ? std::optional(wrk->cpu_us_per_request) : std::nullopt);
        user.add(w.user * us, wrk ? std::optional(wrk->user_us_per_request) : std::nullopt);
        say(fmt::format("round {}: {:.2f} us a poll ({:.2f} user, {:.0f} polls), wrk {:.2f} us ({:.2f} user)", i + 1,
                        w.cpu * us, w.user * us, w.polls, wrk ? wrk->cpu_us_per_request : 0,
                        wrk ? wrk->user_us_per_request : 0));
    }
    print(user.as_figure("engine.user_cpu_per_poll"));
    figure f = cpu.as_figure("engine.cpu_per_poll");
    f.goal = ratio_at_most(1.0);
    f.beyond = ratio_at_most(0.85);
    print(f);
    f.goal.reset();
    f.beyond.reset();
    const std::string seconds = std::to_string(window_seconds);
    const std::string some = std::to_string(std::min<std::size_t>(jobs, 10'000));
    for (const auto& [script, name] : {std::pair("aiohttp_poll.py", "Python asyncio + aiohttp"),
                                       std::pair("airflow_poll.py", "Airflow TriggerRunner")}) {
        f.peer = run_peer(script, {"poll", server.url(), some, seconds}).as_peer(name, "cpu_us_per_poll");
        print(f);
    }
    const program_end asio = run_program({POTOO_BENCH_ASIO_PEER, "poll", server.url(), some, seconds});
    f.peer = peer{"Asio awaitable + steady_timer, Beast", std::nullopt, "asio_peer failed"};
    if (asio.exit_code == 0)
        f.peer->value = std::stod(asio.output);
    print(f);
}

void bench_batched(std::size_t jobs)
{
    const running_job_server server;
    std::vector<double> per_second;
    for (int i = 0; i < 3; ++i) {
        const window w = watch_jobs(server, {jobs, batch_limit, "0ms"}, 1s, std::chrono::seconds(window_seconds));
        per_second.push_back(w.batched / w.cpu);
        say(fmt::format("round {}: {:.0f} statuses in {:.0f} calls", i + 1, w.batched, w.batch_calls));
    }
    print({.name = "engine.statuses_per_cpu_second",
           .value = median(per_second),
           .unit = "statuses/s",
           .goal = at_least(500'000),
           .beyond = at_least(1'500'000)});
}

void bench_rounds(std::size_t jobs, std::size_t limit)
{
    const running_job_server server;
    const window w = watch_jobs(server, {jobs, limit, "2s"}, 4s, 10s);
    // A round is as many statuses as there are jobs.
    print({.name = "engine.calls_per_round",
           .value = (w.batch_calls + w.polls) / (w.batched + w.polls) * static_cast<double>(jobs),
           .unit = "calls",
           .goal = at_most(std::ceil(static_cast<double>(jobs) / static_cast<double>(limit))),
           .note = fmt::format("{} jobs, at most {} a call, every 2 s", jobs, limit)});
}

/// Only watches, for whoever counts something else meanwhile. Prints how many statuses the server was asked for.
void only_watch(const std::string& how, std::size_t jobs, int seconds)
{
    const running_job_server server;
    static_cast<void>(watch_jobs(server, {jobs, how == "batched" ? batch_limit : 0, "0ms"}, std::chrono::seconds(0),
                                 std::chrono::seconds(seconds)));
    const auto counted = server.stats();
    std::printf("%.0f\n", counted.polls + counted.batched);
}

void print_peers_memory(figure f, std::size_t jobs)
{
    const running_job_server server;
    f.goal.reset();
    f.beyond.reset();
    const std::string count = std::to_string(jobs);
    const program_end asio = run_program({POTOO_BENCH_ASIO_PEER, "memory", server.url(), count, "0"});
    f.peer = peer{"Asio awaitable + steady_timer, Beast", std::nullopt, "asio_peer failed"};
    if (asio.exit_code == 0)
        f.peer->value = std::stod(asio.output);
    print(f);
    for (const auto& [script, name] : {std::pair("aiohttp_poll.py", "Python asyncio + aiohttp"),
                                       std::pair("airflow_poll.py", "Airflow TriggerRunner")}) {
        f.peer = run_peer(script, {"memory", server.url(), count, "0"}).as_peer(name, "rss_per_job");
        print(f);
    }
}

void bench_memory(std::size_t jobs, const std::string& state, bool with_peers)
{
    std::optional<running_job_server> server(std::in_place);
    boost::asio::io_context context(1);
    host::host_options options;
    options.state = state;
    host::local_host local(context, options);
    const auto d = waiting_jobs({jobs, batch_limit, "1h"});
    double waiting = 0;
    double launched = 0;
    staged_watch watch(local.loop(), jobs, [&] {
        if (server->stats().submissions < static_cast<double>(jobs))
            return false;
        launched = cpu_seconds();
        return true;
    });
    watch.then(3s, [&] {
        waiting = resident_bytes();
        local.engine().detach_all();
    });
    const double before = resident_bytes();
    const double cpu = cpu_seconds();
    const auto o = carry_out(context, local.engine().run(d, json::object{{"service", server->url()}}, watch), local);
    if (!o.detached || waiting == 0)
        throw std::runtime_error("the run ended before it was measured");
    const std::string suffix = "." + std::to_string(jobs);
    const auto each = 1.0 / static_cast<double>(jobs);
    figure f{.name = "engine.rss_per_deferred_http_job" + suffix,
             .value = (waiting - before) * each,
             .unit = "B",
             .goal = at_most(512),
             .beyond = at_most(256)};
    print(f);
    print({.name = "engine.launch_http_job.cpu" + suffix, .value = (launched - cpu) * 1e6 * each, .unit = "us"});
    server.reset();
    if (with_peers)
        print_peers_memory(f, jobs);
}

/// Pairs of jobs: the first ends by itself at its own time, the second says after which.
std::shared_ptr<const graph::dag> pairs(std::size_t jobs, const std::string& interval)
{
    const auto one = [&](const std::string& query) {
        return fmt::format(R"("operator": "http_job", "with": {{
            "submit": {{"method": "POST", "url": "${{{{ params.service }}}}/jobs?{}"}},
            "id": "${{{{ response.body.id }}}}",
            "status": {{"url": "${{{{ params.service }}}}/jobs/${{{{ id }}}}"}},
            "state": "${{{{ job.state }}}}", "success": ["SUCCEEDED"], "failure": ["FAILED"],
            "output": "${{{{ id }}}}",
            "poll": {{"interval": "{}", "max_interval": "{}", "backoff": 1}} }})",
                           query, interval, interval);
    };
    std::string text = R"({"name": "pairs", "params": {"service": {"type": "string"}}, "tasks": {)";
    for (std::size_t i = 0; i < jobs; ++i) {
        // Ends are spread over ten seconds, none of them before all are launched.
        const auto lasts = 5'000 + i * 7'919 % 10'000;
        text += fmt::format("{}\"j{}\": {{{}}}, \"s{}\": {{\"depends_on\": [\"j{}\"], {}}}", i > 0 ? "," : "", i,
                            one(fmt::format("lasts_ms={}", lasts)), i, i,
                            one(fmt::format("lasts_ms=0&after=${{{{ tasks.j{}.output }}}}", i)));
    }
    return load(text + "}}", "pairs.json");
}

void bench_delay(std::size_t jobs, int interval_ms)
{
    const running_job_server server;
    boost::asio::io_context context(1);
    host::local_host local(context, in_memory());
    const auto d = pairs(jobs, fmt::format("{}ms", interval_ms));
    runtime::run_observer quiet;
    const auto o = carry_out(context, local.engine().run(d, json::object{{"service", server.url()}}, quiet), local);
    if (o.state != schedule::run_state::success)
        throw std::runtime_error("the run did not succeed");
    const auto counted = server.stats();
    if (counted.delays != static_cast<double>(jobs))
        throw std::runtime_error(fmt::format("{} of {} successors were submitted", counted.delays, jobs));
    const std::string note = fmt::format("{} jobs that end over 10 s, poll interval {} ms", jobs, interval_ms);
    print({.name = "engine.detection_delay.p50", .value = counted.delay_p50 * 1e3, .unit = "ms", .note = note});
    print({.name = "engine.detection_delay.p99_beyond_interval",
           .value = counted.delay_p99 * 1e3 - interval_ms,
           .unit = "ms",
           .goal = at_most(50),
           .note = note});
    print({.name = "engine.detection_delay.max", .value = counted.delay_max * 1e3, .unit = "ms", .note = note});
}

int run(const std::vector<std::string>& arguments)
{
    const std::string what = arguments.empty() ? "" : arguments[0];
    const auto n = [&](std::size_t i) { return std::stoul(arguments.at(i)); };
    if (what == "single" && arguments.size() == 3)
        bench_single(n(1), static_cast<int>(n(2)));
    else if (what == "batched" && arguments.size() == 2)
        bench_batched(n(1));
    else if (what == "rounds" && arguments.size() == 3)
        bench_rounds(n(1), n(2));
    else if (what == "watch" && arguments.size() == 4)
        only_watch(arguments[1], n(2), static_cast<int>(n(3)));
    else if (what == "memory" && arguments.size() >= 3)
        bench_memory(n(1), arguments[2], arguments.size() > 3 && arguments[3] == "--peers");
    else if (what == "delay" && arguments.size() == 3)
        bench_delay(n(1), static_cast<int>(n(2)));
    else {
        std::fputs("usage: poll_bench single JOBS ROUNDS | batched JOBS | rounds JOBS LIMIT | memory JOBS STATE_DIR "
                   "[--peers] | delay JOBS INTERVAL_MS "
                   "| watch single|batched JOBS SECONDS\n",
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
        std::fprintf(stderr, "poll_bench: %s\n", e.what());
        return 1;
    }
}
