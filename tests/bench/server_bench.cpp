// What `potoo server` does to the jobs it watches while it is asked and listened to. Thousands of jobs of another
// program are asked about every two seconds; how many statuses that makes, how late the server's loop wakes up and what
// it costs is measured while nothing else happens, while wrk asks the API, and while runs change the states of
// thousands of tasks with many subscribers of events. The server is the real program, in a process of its own. Usage:
// server_bench POTOO FOLDER JOBS SUBSCRIBERS CHANGES SECONDS
//   FOLDER   an empty one, for its DAGs and its journal
//   CHANGES  tasks of a run whose states change
//   SECONDS  of each measurement

#include "child_program.hpp"
#include "event_listeners.hpp"
#include "figure.hpp"
#include "process_usage.hpp"
#include "running_potoo.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <optional>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <sys/resource.h>
#include <thread>
#include <utility>
#include <vector>

namespace potoo::bench {
namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;

constexpr auto interval = 2s; ///< between two looks at a job
constexpr int runs_to_list = 100;

struct scenario
{
    std::string potoo;
    std::filesystem::path folder;
    std::size_t jobs = 0;
    std::size_t subscribers = 0;
    std::size_t changes = 0;
    std::chrono::seconds length{0};
};

void write_dags(const scenario& s)
{
    const auto folder = s.folder / "dags";
    std::filesystem::create_directories(folder);
    std::ofstream(folder / "watch.yaml") << fmt::format(R"(
params: {{service: {{type: string}}}}
tasks:
  jobs:
    operator: http_job
    foreach: ${{{{ range({}) }}}}
    with:
      submit: {{method: POST, url: "${{{{ params.service }}}}/jobs"}}
      id: ${{{{ response.body.id }}}}
      status: {{method: GET, url: "${{{{ params.service }}}}/jobs/${{{{ id }}}}"}}
      state: ${{{{ job.state }}}}
      success: [SUCCEEDED]
      failure: [FAILED]
      poll: {{interval: {}s, max_interval: {}s, backoff: 1}}
)",
                                                        s.jobs, interval.count(), interval.count());
    std::ofstream(folder / "changes.yaml") << fmt::format(R"(
tasks:
  change:
    operator: noop
    foreach: ${{{{ range({}) }}}}
)",
                                                          s.changes);
    std::ofstream(folder / "one.yaml") << "tasks:\n  one: {operator: noop}\n";
}

/// Between two moments.
struct effect
{
    double seconds = 0;
    double polls = 0; ///< a second
    double cpu = 0;   ///< of the server, seconds
    double answered = 0;
    double stalls = 0;
    bench::lateness lateness;
};

/// How often jobs are asked about, by the time until each was as often again. A count at the end would be that of
/// whole rounds: jobs that began together ask together.
class poll_watch
{
  public:
    poll_watch(const running_job_server& server, std::size_t jobs)
        : server_(server), jobs_(static_cast<double>(jobs)),
          thread_([this](const std::stop_token& stop) { look(stop); })
    {}

    /// A second, since it was made.
    [[nodiscard]] double rate()
    {
        thread_.request_stop();
        thread_.join();
        const auto& [begin, first] = seen_.front();
        const double rounds = std::max(1.0, std::floor((seen_.back().second - first) / jobs_));
        const auto after =
            std::ranges::find_if(seen_, [&, last = first + rounds * jobs_](const auto& s) { return s.second >= last; });
        const auto& [end, count] = after == seen_.end() ? seen_.back() : *after;
        return (count - first) / std::chrono::duration<double>(end - begin).count();
    }

  private:
    void look(const std::stop_token& stop)
    {
        do {
            seen_.emplace_back(steady_clock::now(), server_.stats().polls);
            std::this_thread::sleep_for(20ms);
        } while (!stop.stop_requested());
    }

    const running_job_server& server_;
    double jobs_;
    std::vector<std::pair<steady_clock::time_point, double>> seen_; ///< of the thread while it runs
    std::jthread thread_;
};

/// A server that watches jobs.
class world
{
  public:
    explicit world(const scenario& s) : jobs_count_(s.jobs), server_(s.potoo, s.folder)
    {
        for (int i = 0; i < runs_to_list; ++i)
            static_cast<void>(server_.trigger("one"));
        run_ = server_.trigger("watch", fmt::format(R"({{"service": "{}"}})", jobs_.url()));
        const auto give_up = steady_clock::now() + 120s;
        while (server_.counts().deferred < static_cast<double>(s.jobs)) {
            if (steady_clock::now() > give_up)
                throw std::runtime_error("the jobs were not launched in two minutes");
            std::this_thread::sleep_for(100ms);
        }
        // The first looks come sooner.
        std::this_thread::sleep_for(3 * interval);
    }

    /// What happens while something is done.
    template <class Deed>
    effect during(Deed deed)
    {
        poll_watch polls(jobs_, jobs_count_);
        const auto begin = steady_clock::now();
        const server_counts before = server_.counts();
        deed();
        const server_counts after = server_.counts();
        return {.seconds = seconds_since(begin),
                .polls = polls.rate(),
                .cpu = after.cpu_seconds - before.cpu_seconds,
                .answered = after.answered - before.answered,
                .stalls = after.stalls - before.stalls,
                .lateness = after.lateness.since(before.lateness)};
    }

    [[nodiscard]] const running_potoo& server() const { return server_; }

    /// The run with the jobs.
    [[nodiscard]] const std::string& run() const { return run_; }

  private:
    std::size_t jobs_count_;
    running_job_server jobs_;
    running_potoo server_;
    std::string run_;
};

/// Beside what it was while nothing else happened.
void print_effect(const std::string& name, const effect& e, const effect& quiet)
{
    const auto beside = [](double value) { return peer{"nothing else to do", value, {}}; };
    print({.name = name + ".poll_rate",
           .value = e.polls,
           .unit = "polls/s",
           .peer = beside(quiet.polls),
           .goal = ratio_at_least(0.95)});
    const std::string note = fmt::format("{:.0f} wake-ups, {:.0f} later than 100 ms", e.lateness.count(), e.stalls);
    print({.name = name + ".lateness.p50",
           .value = e.lateness.quantile_ms(0.5),
           .unit = "ms",
           .peer = beside(quiet.lateness.quantile_ms(0.5)),
           .note = "at most; bounds of buckets"});
    print({.name = name + ".lateness.p99",
           .value = e.lateness.quantile_ms(0.99),
           .unit = "ms",
           .peer = beside(quiet.lateness.quantile_ms(0.99)),
           .goal = at_most(10),
           .note = note});
}

effect measure_quiet(world& w, const scenario& s)
{
    const effect e = w.during([&] { std::this_thread::sleep_for(s.length); });
    print({.name = "server.quiet.poll_rate",
           .value = e.polls,
           .unit = "polls/s",
           .note = fmt::format("{} jobs, every {} s", s.jobs, interval.count())});
    print({.name = "server.quiet.cpu", .value = 100 * e.cpu / e.seconds, .unit = "% of a processor"});
    print({.name = "server.quiet.lateness.p50", .value = e.lateness.quantile_ms(0.5), .unit = "ms"});
    print({.name = "server.quiet.lateness.p99", .value = e.lateness.quantile_ms(0.99), .unit = "ms"});
    return e;
}

void measure_requests(world& w, const scenario& s, const effect& quiet, const std::string& name,
                      const std::string& target)
{
    // What was asked before may still be under way, and goes first.
    static_cast<void>(w.server().get(target));
    std::optional<wrk_result> wrk;
    const effect e = w.during([&] { wrk = run_wrk(w.server().url() + target, static_cast<int>(s.length.count())); });
    if (!wrk) {
        say("wrk did not run: no figures of requests");
        return;
    }
    if (wrk->requests < 1 || e.answered < wrk->requests)
        throw std::runtime_error(
            fmt::format("{:.0f} of {:.0f} requests for {} were answered well", e.answered, wrk->requests, target));
    const double polling = quiet.cpu / quiet.seconds * e.seconds;
    print(
        {.name = name + ".rate", .value = wrk->requests / static_cast<double>(s.length.count()), .unit = "requests/s"});
    print({.name = name + ".cpu",
           .value = (e.cpu - polling) * 1e6 / e.answered,
           .unit = "us/request",
           .peer = peer{"wrk -t1 -c64, which asks", wrk->cpu_us_per_request, {}},
           .note = "without what the polls cost"});
    print_effect(name, e, quiet);
}

/// What one run after another took to be told to all.
struct tellings
{
    std::vector<double> delays; ///< seconds from the last change to the last subscriber
    double seconds = 0;         ///< from the beginning of each to the last subscriber
    double events = 0;

    void add(const event_listeners::delivery& d, double took)
    {
        delays.push_back(std::chrono::duration<double>(d.last_told - d.last_change).count());
        seconds += took;
        events += static_cast<double>(d.events);
    }
};

void print_tellings(const tellings& t, const event_listeners& all, const scenario& s)
{
    auto delays = t.delays;
    std::ranges::sort(delays);
    const std::string note =
        fmt::format("{} subscribers, {} runs of {} tasks one after the other, {:.1f} GB", s.subscribers, delays.size(),
                    s.changes, static_cast<double>(all.bytes()) / 1e9);
    print({.name = "server.events.rate", .value = t.events / t.seconds, .unit = "events/s", .note = note});
    print({.name = "server.events.last_told.p50",
           .value = delays[delays.size() / 2] * 1e3,
           .unit = "ms",
           .note = "from the end of a run until the last subscriber knows it"});
    print({.name = "server.events.last_told.max", .value = delays.back() * 1e3, .unit = "ms"});
    print({.name = "server.events.lagging",
           .value = static_cast<double>(all.lagging()),
           .unit = "subscribers",
           .goal = at_most(0)});
}

void measure_fan_out(world& w, const scenario& s, const effect& quiet)
{
    event_listeners all(w.server().port(), s.subscribers);
    tellings told;
    const double own = cpu_seconds();
    const effect e = w.during([&] {
        const auto end = steady_clock::now() + s.length;
        while (steady_clock::now() < end) {
            const auto began = steady_clock::now();
            const std::string run = w.server().trigger("changes");
            const auto delivery = all.until_all_know_the_end_of(run);
            told.add(delivery, seconds_since(began));
        }
    });
    print_tellings(told, all, s);
    const double polling = quiet.cpu / quiet.seconds * e.seconds;
    print({.name = "server.events.cpu",
           .value = (e.cpu - polling) * 1e9 / told.events,
           .unit = "ns an event and subscriber",
           .note = fmt::format("without what the polls cost; the server had a processor for {:.0f} % of the time, the "
                               "subscribers for {:.0f} %",
                               100 * e.cpu / e.seconds, 100 * (cpu_seconds() - own) / e.seconds)});
    print_effect("server.events", e, quiet);
}

/// Each subscriber is a descriptor here and one in the server.
void allow_descriptors()
{
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
}

void run(const scenario& s)
{
    allow_descriptors();
    write_dags(s);
    world w(s);
    const effect quiet = measure_quiet(w, s);
    measure_requests(w, s, quiet, "server.get_run", "/api/v1/runs/" + w.run());
    measure_requests(w, s, quiet, "server.list_runs", "/api/v1/runs");
    measure_fan_out(w, s, quiet);
}

} // namespace
} // namespace potoo::bench

int main(int argc, char** argv)
{
    if (argc != 7) {
        std::fputs("usage: server_bench POTOO FOLDER JOBS SUBSCRIBERS CHANGES SECONDS\n", stderr);
        return 2;
    }
    try {
        potoo::bench::run({.potoo = argv[1],
                           .folder = argv[2],
                           .jobs = std::stoul(argv[3]),
                           .subscribers = std::max<std::size_t>(1, std::stoul(argv[4])),
                           .changes = std::stoul(argv[5]),
                           .length = std::chrono::seconds(std::max(4, std::stoi(argv[6])))});
        return 0;
    } catch (const std::exception& e) {
        std::fprintf(stderr, "server_bench: %s\n", e.what());
        return 1;
    }
}
