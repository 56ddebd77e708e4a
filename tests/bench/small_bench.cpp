// The small things that a poll and a wait are made of, by Google Benchmark: timers among a million others, the
// expression that says a job's state, the JSON it stands in. What Asio needs for its timers is beside ours.
// Takes Google Benchmark's options, such as --benchmark_filter=timer.

#include "engine/loop/timer_queue.hpp"
#include "figure.hpp"

#include <potoo/expression.hpp>
#include <potoo/json.hpp>
#include <potoo/time.hpp>

#include <benchmark/benchmark.h>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace potoo::bench {
namespace {

constexpr std::size_t many = 1'000'000;
constexpr std::string_view status_text =
    R"({"id":"job-0000000000000017","state":"RUNNING","progress":0.4213,"submitted_at":"2026-05-01T12:00:00Z",)"
    R"("started_at":"2026-05-01T12:00:07Z","attempt":1,"exit_code":null,"node":"worker-17.cluster.local"})";

/// Times within a minute, none predictable.
class random_times
{
  public:
    steady_time operator()(steady_time from) { return from + std::chrono::milliseconds(1 + random_() % 60'000); }

  private:
    std::mt19937_64 random_{1};
};

class node final : public timer_node
{
  public:
    explicit node(std::uint64_t& fired) : fired_(fired) {}

  private:
    void on_due() override { ++fired_; }

    std::uint64_t& fired_;
};

/// A million timers of the engine.
struct armed_queue
{
    armed_queue()
    {
        for (std::size_t i = 0; i < many; ++i)
            queue.arm(nodes.emplace_back(fired), times(origin));
    }

    ~armed_queue()
    {
        for (node& n : nodes)
            queue.disarm(n);
    }

    node& any() { return nodes[random() % many]; }

    steady_time origin{};
    std::uint64_t fired = 0;
    random_times times;
    std::minstd_rand random;
    std::deque<node> nodes;
    timer_queue queue{origin};
};

/// A million timers of Asio's, which a wait stands on.
struct asio_timers
{
    asio_timers()
    {
        for (std::size_t i = 0; i < many; ++i)
            arm(*timers.emplace_back(std::make_unique<boost::asio::steady_timer>(context)));
    }

    void arm(boost::asio::steady_timer& t)
    {
        t.expires_at(times(origin));
        t.async_wait([](boost::system::error_code) {});
    }

    boost::asio::steady_timer& any() { return *timers[random() % many]; }

    boost::asio::io_context context{1};
    // None comes due while it is measured.
    steady_time origin = steady_clock::now() + std::chrono::hours(1);
    random_times times;
    std::minstd_rand random;
    std::vector<std::unique_ptr<boost::asio::steady_timer>> timers;
};

void timer_rearm(benchmark::State& state)
{
    armed_queue q;
    for (auto _ : state)
        q.queue.arm(q.any(), q.times(q.origin));
}

void timer_rearm_asio(benchmark::State& state)
{
    asio_timers t;
    for (auto _ : state) {
        t.arm(t.any());
        // The wait that was given up.
        t.context.poll_one();
    }
}

void timer_fire(benchmark::State& state)
{
    for (auto _ : state) {
        state.PauseTiming();
        auto q = std::make_unique<armed_queue>();
        state.ResumeTiming();
        q->queue.advance(q->origin + std::chrono::minutes(2));
        state.PauseTiming();
        q.reset();
        state.ResumeTiming();
    }
    state.SetItemsProcessed(static_cast<std::int64_t>(many) * state.iterations());
}

void expression_state(benchmark::State& state)
{
    const json::value job = json::parse(status_text);
    const auto e = expression::compile("job.state", expression_names().allow("job"));
    for (auto _ : state) {
        bindings b;
        b.set("job", job);
        benchmark::DoNotOptimize(e.find_in(b));
    }
}

void expression_condition(benchmark::State& state)
{
    const json::value job = json::parse(status_text);
    const auto e = expression::compile("job.state == 'RUNNING' && job.progress < 0.5", expression_names().allow("job"));
    for (auto _ : state) {
        bindings b;
        b.set("job", job);
        benchmark::DoNotOptimize(e.evaluate_bool(b));
    }
}

void json_status(benchmark::State& state)
{
    for (auto _ : state) {
        unsigned char room[2048];
        json::monotonic_resource memory(room, sizeof room);
        benchmark::DoNotOptimize(json::parse(status_text, &memory));
    }
}

BENCHMARK(timer_rearm)->Name("timer.rearm");
BENCHMARK(timer_rearm_asio)->Name("timer.rearm/Asio steady_timer");
BENCHMARK(timer_fire)->Name("timer.fire")->Iterations(3);
BENCHMARK(expression_state)->Name("expression.state");
BENCHMARK(expression_condition)->Name("expression.condition");
BENCHMARK(json_status)->Name("json.status");

/// Each benchmark as a figure; one called NAME/PEER is the peer of NAME.
class figures final : public benchmark::BenchmarkReporter
{
  public:
    bool ReportContext(const Context&) override { return true; }

    void ReportRuns(const std::vector<Run>& runs) override
    {
        for (const Run& r : runs) {
            const auto items = r.counters.find("items_per_second");
            const double ns = items != r.counters.end() ? 1e9 / items->second.value : r.GetAdjustedCPUTime();
            const std::string& name = r.run_name.function_name;
            const auto slash = name.find('/');
            if (slash == std::string::npos)
                found_.push_back({.name = name, .value = ns, .unit = "ns"});
            else
                peers_[name.substr(0, slash)] = {name.substr(slash + 1), ns, {}};
        }
    }

    void Finalize() override
    {
        for (figure& f : found_) {
            const auto p = peers_.find(f.name);
            if (p != peers_.end())
                f.peer = p->second;
            print(f);
        }
    }

  private:
    std::vector<figure> found_;
    std::map<std::string, peer> peers_;
};

} // namespace
} // namespace potoo::bench

int main(int argc, char** argv)
{
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv))
        return 2;
    potoo::bench::figures reporter;
    benchmark::RunSpecifiedBenchmarks(&reporter);
    return 0;
}
