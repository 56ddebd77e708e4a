// How late a million sleeping tasks wake up: each sleeps for up to twice the mean again and again, so that on average
// so many wake up in a second. In real time, on one thread; beside `asio::awaitable` with a `steady_timer` each.
// Usage: lateness_bench TASKS WAKES_PER_SECOND SECONDS

#include "engine/loop/real_loop.hpp"
#include "figure.hpp"
#include "process_usage.hpp"

#include <potoo/execution.hpp>
#include <potoo/task.hpp>
#include <potoo/wait.hpp>

#include <boost/asio.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <fmt/format.h>
#include <memory>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

using namespace potoo;
using namespace potoo::bench;
namespace asio = boost::asio;

namespace {

using nanoseconds = std::chrono::nanoseconds;

/// How long to sleep, and how late it was: the same for both.
class sleepers
{
  public:
    sleepers(std::size_t tasks, double wakes_per_second, double seconds)
        : mean_(static_cast<double>(tasks) / wakes_per_second), seconds_(seconds)
    {
        late_.reserve(static_cast<std::size_t>(wakes_per_second * seconds * 1.5));
    }

    /// When to wake up for the first time: as if the sleeping had gone on for ever.
    steady_time first() { return begins_ + of_mean(2 * (1 - std::sqrt(1 - part_(random_)))); }

    steady_time next(steady_time now) { return now + of_mean(2 * part_(random_)); }

    void woken(steady_time due)
    {
        if (counting_)
            late_.push_back(std::chrono::duration<float, std::milli>(steady_clock::now() - due).count());
    }

    void begin_at(steady_time t) { begins_ = t; }

    void count(bool on) { counting_ = on; }

    [[nodiscard]] double seconds() const { return seconds_; }

    [[nodiscard]] std::size_t wakes() const { return late_.size(); }

    [[nodiscard]] double late(double part)
    {
        std::sort(late_.begin(), late_.end());
        return late_.at(static_cast<std::size_t>(part * static_cast<double>(late_.size() - 1)));
    }

  private:
    [[nodiscard]] nanoseconds of_mean(double times) const
    {
        return nanoseconds(static_cast<std::int64_t>(times * 1e9 * mean_));
    }

    double mean_;
    double seconds_;
    bool counting_ = false;
    steady_time begins_{};
    std::vector<float> late_;
    std::mt19937_64 random_{1};
    std::uniform_real_distribution<double> part_{0.0, 1.0};
};

class sleeping final : public execution
{
  public:
    sleeping(potoo::loop& l, const std::string* name, task<> t) : execution(l, name), task_(std::move(t))
    {
        task_access<void>::start(task_, *this);
    }

  private:
    void on_end() noexcept override {}

    task<> task_;
};

task<> sleep_on(sleepers& s)
{
    for (steady_time due = s.first();; due = s.next(steady_clock::now())) {
        co_await sleep_until(due);
        s.woken(due);
    }
}

asio::awaitable<void> asio_sleep_on(sleepers& s)
{
    asio::steady_timer timer(co_await asio::this_coro::executor);
    for (steady_time due = s.first();; due = s.next(steady_clock::now())) {
        timer.expires_at(due);
        co_await timer.async_wait(asio::use_awaitable);
        s.woken(due);
    }
}

/// What a run of the io_context has shown.
struct lateness
{
    double p50 = 0;
    double p99 = 0;
    double max = 0;
    double cpu_us_per_wake = 0;
    double wakes = 0;
};

constexpr std::chrono::seconds starting(4);

lateness observe(asio::io_context& context, sleepers& s)
{
    context.run_for(starting + std::chrono::seconds(1));
    s.count(true);
    const double cpu = cpu_seconds();
    context.run_for(std::chrono::duration_cast<nanoseconds>(std::chrono::duration<double>(s.seconds())));
    const double used = cpu_seconds() - cpu;
    s.count(false);
    const auto wakes = static_cast<double>(s.wakes());
    return {s.late(0.5), s.late(0.99), s.late(1), used * 1e6 / wakes, wakes};
}

lateness measure_potoo(std::size_t tasks, double wakes, double seconds)
{
    asio::io_context context(1);
    real_loop loop(context);
    sleepers s(tasks, wakes, seconds);
    s.begin_at(steady_clock::now() + starting);
    std::deque<sleeping> all;
    const std::string* name = loop.intern("sleeper");
    for (std::size_t i = 0; i < tasks; ++i)
        all.emplace_back(loop, name, sleep_on(s));
    return observe(context, s);
}

lateness measure_asio(std::size_t tasks, double wakes, double seconds)
{
    const auto context = std::make_unique<asio::io_context>(1);
    sleepers s(tasks, wakes, seconds);
    s.begin_at(steady_clock::now() + starting);
    for (std::size_t i = 0; i < tasks; ++i)
        asio::co_spawn(*context, asio_sleep_on(s), [](std::exception_ptr) {});
    return observe(*context, s);
}

} // namespace

int main(int argc, char** argv)
{
    if (argc != 4) {
        std::fputs("usage: lateness_bench TASKS WAKES_PER_SECOND SECONDS\n", stderr);
        return 2;
    }
    const auto tasks = std::stoul(argv[1]);
    const double wakes = std::stod(argv[2]);
    const lateness ours = measure_potoo(tasks, wakes, std::stod(argv[3]));
    const lateness theirs = measure_asio(tasks, wakes, std::stod(argv[3]));
    const auto beside = [](double value) { return bench::peer{"Asio awaitable + steady_timer", value, {}}; };
    const std::string note = fmt::format("{} tasks, {:.0f} wake-ups in {} s", tasks, ours.wakes, argv[3]);
    print({.name = "loop.lateness.p50", .value = ours.p50, .unit = "ms", .peer = beside(theirs.p50), .note = note});
    print({.name = "loop.lateness.p99",
           .value = ours.p99,
           .unit = "ms",
           .peer = beside(theirs.p99),
           .goal = at_most(5),
           .beyond = at_most(2),
           .note = note});
    print({.name = "loop.lateness.max", .value = ours.max, .unit = "ms", .peer = beside(theirs.max), .note = note});
    print({.name = "loop.cpu_per_wake",
           .value = ours.cpu_us_per_wake,
           .unit = "us",
           .peer = beside(theirs.cpu_us_per_wake),
           .note = note});
    std::fflush(stdout);
    // A million suspended coroutines need not be taken apart.
    std::_Exit(0);
}
