// The whole engine: tasks a second in memory and with the journal, and what a deferred job costs.
// Usage: engine_bench noop memory|sqlite [STATE_DIR]
//        engine_bench deferred JOB_SERVICE_URL JOBS SECONDS
//        engine_bench recovery JOB_SERVICE_URL JOBS STATE_DIR
//        engine_bench cancel JOB_SERVICE_URL JOBS
//
// Prints one JSON line a figure. Each is a process of its own, so that memory figures start from nothing.

#include "engine/graph/load.hpp"
#include "engine/host/local_host.hpp"

#include <potoo/asio.hpp>
#include <potoo/operator.hpp>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <string>
#include <sys/resource.h>
#include <unistd.h>
#include <utility>

using namespace potoo;

namespace {

constexpr int layers = 100;
constexpr int width = 1000;

double cpu_seconds()
{
    rusage u{};
    getrusage(RUSAGE_SELF, &u);
    const auto seconds = [](const timeval& t) {
        return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6;
    };
    return seconds(u.ru_utime) + seconds(u.ru_stime);
}

double resident_bytes()
{
    std::ifstream in("/proc/self/statm");
    long total = 0;
    long resident = 0;
    in >> total >> resident;
    return static_cast<double>(resident) * static_cast<double>(sysconf(_SC_PAGESIZE));
}

void print(const std::string& name, double value, const char* unit)
{
    std::printf(R"({"bench":"%s","value":%.3f,"unit":"%s"})"
                "\n",
                name.c_str(), value, unit);
    std::fflush(stdout);
}

std::shared_ptr<const graph::dag> load(const std::string& text, const char* name)
{
    graph::load_result r = graph::load_dag(text, name, operators());
    if (!r.value) {
        std::fputs(graph::format_diagnostics(r).c_str(), stderr);
        std::exit(1);
    }
    return r.value;
}

/// 100 layers of 1,000 tasks; each waits for two of the layer above.
std::shared_ptr<const graph::dag> layered_noops()
{
    std::string text = R"({"name": "layers", "tasks": {)";
    for (int l = 0; l < layers; ++l) {
        for (int i = 0; i < width; ++i) {
            const std::string name = "t" + std::to_string(l) + "_" + std::to_string(i);
            text += (l + i > 0 ? ",\"" : "\"") + name + R"(": {"operator": "noop")";
            if (l > 0) {
                const std::string above = "t" + std::to_string(l - 1) + "_";
                text += R"(, "depends_on": [")" + above + std::to_string(i) + "\", \"" + above +
                        std::to_string((i + 1) % width) + "\"]";
            }
            text += "}";
        }
    }
    return load(text + "}}", "layers.json");
}

struct run_end
{
    bool ended = false;
    schedule::run_state state{};
};

host::run_outcome run(boost::asio::io_context& context, task<host::run_outcome> work, host::local_host& local)
{
    std::optional<host::run_outcome> result;
    std::exception_ptr error;
    async_run(local.loop(), "run", std::move(work), [&](std::exception_ptr e, std::optional<host::run_outcome> o) {
        error = e;
        result = std::move(o);
        context.stop();
    });
    const auto busy = boost::asio::make_work_guard(context);
    context.run();
    if (error)
        std::rethrow_exception(error);
    return *result;
}

int bench_noop(const std::string& where, const std::string& state)
{
    boost::asio::io_context context(1);
    host::host_options options;
    options.ephemeral = where == "memory";
    options.state = state;
    host::local_host local(context, options);
    auto d = layered_noops();
    runtime::run_observer quiet;
    const auto began = std::chrono::steady_clock::now();
    const double cpu = cpu_seconds();
    const host::run_outcome o = run(context, local.engine().run(d, {}, quiet), local);
    const double wall = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
    if (o.state != schedule::run_state::success)
        return 1;
    print("engine.noop_" + where + ".wall", wall * 1e6 / (layers * width), "us/task");
    print("engine.noop_" + where + ".cpu", (cpu_seconds() - cpu) * 1e6 / (layers * width), "us/task");
    return 0;
}

/// Counts deferred attempts and ends the run once it has been measured.
class deferred_watch final : public runtime::run_observer, private timer_node
{
  public:
    deferred_watch(host::engine_host& h, std::size_t jobs, std::chrono::seconds window)
        : host_(h), jobs_(jobs), window_(window)
    {}

    void attempt_deferred(task_index, item_index, bool deferred) override
    {
        deferred_ += deferred ? 1 : -1;
        if (deferred_ == static_cast<long>(jobs_) && phase_ == 0) {
            phase_ = 1;
            host_.loop().arm(*this, host_.loop().now() + std::chrono::seconds(3));
        }
    }

    double before = 0;
    double resident = 0;
    double cpu = 0;
    double calls = 0;

  private:
    void on_due() override
    {
        if (phase_ == 1) {
            phase_ = 2;
            resident = resident_bytes();
            cpu_began_ = cpu_seconds();
            host_.loop().arm(*this, host_.loop().now() + window_);
            return;
        }
        cpu = cpu_seconds() - cpu_began_;
        host_.cancel(std::nullopt, cancel_reason::user);
    }

    host::engine_host& host_;
    std::size_t jobs_;
    std::chrono::seconds window_;
    long deferred_ = 0;
    int phase_ = 0;
    double cpu_began_ = 0;
};

/// Jobs that outlast the measurement, each asked about every two seconds.
std::shared_ptr<const graph::dag> waiting_jobs(std::size_t jobs)
{
    return load(R"(
params: {service: {type: string}}
tasks:
  jobs:
    operator: http_job
    foreach: ${{ range()" +
                    std::to_string(jobs) + R"() }}
    with:
      submit: {method: POST, url: "${{ params.service }}/jobs", body: {command: ["builtin:sleep", "3600"], token: "${{ launch_token }}"}}
      id: ${{ response.body.id }}
      status: {method: GET, url: "${{ params.service }}/jobs/${{ id }}"}
      state: ${{ job.state }}
      success: [SUCCEEDED]
      failure: [FAILED]
      cancelled: [CANCELLED]
      cancel: {method: DELETE, url: "${{ params.service }}/jobs/${{ id }}"}
      poll: {interval: 2s, max_interval: 2s, backoff: 1}
)",
                "waiting.yaml");
}

int bench_deferred(const std::string& url, std::size_t jobs, int seconds)
{
    boost::asio::io_context context(1);
    host::host_options options;
    options.ephemeral = true;
    host::local_host local(context, options);
    host::engine_host& h = local.engine();
    auto d = waiting_jobs(jobs);
    deferred_watch watch(h, jobs, std::chrono::seconds(seconds));
    const double before = resident_bytes();
    const host::run_outcome o = run(context, h.run(d, json::object{{"service", url}}, watch), local);
    if (o.state != schedule::run_state::cancelled || watch.resident == 0)
        return 1;
    // One look a job every two seconds, give or take the jitter that evens out.
    const double polls = static_cast<double>(jobs) * seconds / 2.0;
    print("engine.deferred_http_job.rss", (watch.resident - before) / static_cast<double>(jobs), "B/job");
    print("engine.deferred_http_job.cpu_per_poll", watch.cpu * 1e6 / polls, "us");
    return 0;
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
int bench_recovery(const std::string& url, std::size_t jobs, const std::string& state)
{
    host::host_options options;
    options.state = state;
    auto d = waiting_jobs(jobs);
    {
        boost::asio::io_context context(1);
        host::local_host local(context, options);
        all_deferred watch(jobs, [&] { local.engine().detach_all(); });
        if (!run(context, local.engine().run(d, json::object{{"service", url}}, watch), local).detached)
            return 1;
    }
    const auto began = std::chrono::steady_clock::now();
    const double cpu = cpu_seconds();
    boost::asio::io_context context(1);
    host::local_host local(context, options);
    double wall = 0;
    all_deferred watch(jobs, [&] {
        wall = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
        print("engine.recovery.wall", wall, "s");
        print("engine.recovery.cpu", (cpu_seconds() - cpu) * 1e6 / static_cast<double>(jobs), "us/attempt");
        local.engine().detach_all();
    });
    run(context, local.engine().resume(local.engine().unfinished().front(), watch), local);
    return wall > 0 ? 0 : 1;
}

/// From the request to cancel until the service has confirmed the end of every job.
int bench_cancel(const std::string& url, std::size_t jobs)
{
    host::host_options options;
    options.ephemeral = true;
    boost::asio::io_context context(1);
    host::local_host local(context, options);
    std::chrono::steady_clock::time_point asked;
    double cpu = 0;
    all_deferred watch(jobs, [&] {
        asked = std::chrono::steady_clock::now();
        cpu = cpu_seconds();
        local.engine().cancel(std::nullopt, cancel_reason::user);
    });
    const auto end = run(context, local.engine().run(waiting_jobs(jobs), json::object{{"service", url}}, watch), local);
    if (end.state != schedule::run_state::cancelled)
        return 1;
    print("engine.cancel.wall", std::chrono::duration<double>(std::chrono::steady_clock::now() - asked).count(), "s");
    print("engine.cancel.cpu", (cpu_seconds() - cpu) * 1e6 / static_cast<double>(jobs), "us/job");
    return 0;
}

} // namespace

int main(int argc, char** argv)
{
    const std::string what = argc > 1 ? argv[1] : "";
    if (what == "noop" && argc > 2)
        return bench_noop(argv[2], argc > 3 ? argv[3] : ".potoo");
    if (what == "deferred" && argc > 4)
        return bench_deferred(argv[2], std::stoul(argv[3]), std::stoi(argv[4]));
    if (what == "recovery" && argc > 4)
        return bench_recovery(argv[2], std::stoul(argv[3]), argv[4]);
    if (what == "cancel" && argc > 3)
        return bench_cancel(argv[2], std::stoul(argv[3]));
    std::fputs("usage: engine_bench noop memory|sqlite [STATE_DIR] | deferred JOB_SERVICE_URL JOBS SECONDS | recovery "
               "JOB_SERVICE_URL JOBS STATE_DIR | cancel JOB_SERVICE_URL JOBS\n",
               stderr);
    return 2;
}
