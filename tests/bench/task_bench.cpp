// What a suspended task costs: bytes, start, wake and re-arm, beside a plain Asio awaitable with a steady_timer of its
// own.

#include "engine/loop/virtual_loop.hpp"
#include "figure.hpp"
#include "process_usage.hpp"

#include <potoo/concurrency.hpp>
#include <potoo/execution.hpp>
#include <potoo/wait.hpp>

#include <boost/asio.hpp>

#include <chrono>
#include <deque>

using namespace potoo;
using namespace potoo::bench;
using namespace std::chrono_literals;
namespace asio = boost::asio;

namespace {

constexpr int tasks = 1'000'000;
constexpr int rounds = 3;

constexpr const char* asio_timers = "Asio awaitable + steady_timer";

struct figures
{
    double bytes = 0;
    double start_ns = 0;
    double wake_ns = 0;
};

class waiting final : public execution
{
  public:
    waiting(potoo::loop& l, const std::string* name, task<> t) : execution(l, name), task_(std::move(t))
    {
        task_access<void>::start(task_, *this);
    }

  private:
    void on_end() noexcept override {}

    task<> task_;
};

task<> nap()
{
    co_await sleep_for(1s);
}

// One frame that waits within another, as an operator within its driver.
task<> nap_again_and_again()
{
    for (;;)
        co_await nap();
}

figures measure_potoo()
{
    asio::io_context context(1);
    virtual_loop loop(context);
    figures f;
    std::deque<waiting> all;
    const std::string* name = loop.intern("nap");
    const double before = resident_bytes();
    const auto began = std::chrono::steady_clock::now();
    for (int i = 0; i < tasks; ++i)
        all.emplace_back(loop, name, nap_again_and_again());
    f.start_ns = seconds_since(began) * 1e9 / tasks;
    f.bytes = (resident_bytes() - before) / tasks;
    const auto woke = std::chrono::steady_clock::now();
    loop.run(rounds * 1s + 500ms);
    f.wake_ns = seconds_since(woke) * 1e9 / tasks / rounds;
    return f;
}

asio::awaitable<void> asio_nap(asio::steady_timer& t)
{
    t.expires_after(1s);
    co_await t.async_wait(asio::use_awaitable);
}

asio::awaitable<void> asio_naps(long& wakes)
{
    asio::steady_timer t(co_await asio::this_coro::executor);
    for (;;) {
        co_await asio_nap(t);
        ++wakes;
    }
}

figures measure_asio()
{
    asio::io_context context(1);
    figures f;
    long wakes = 0;
    const double before = resident_bytes();
    const auto began = std::chrono::steady_clock::now();
    for (int i = 0; i < tasks; ++i)
        asio::co_spawn(context, asio_naps(wakes), [](std::exception_ptr) {});
    context.poll();
    f.start_ns = seconds_since(began) * 1e9 / tasks;
    f.bytes = (resident_bytes() - before) / tasks;
    // Its clock is real, so what is measured is the processor time of the loop.
    const auto cpu = std::clock();
    context.restart();
    context.run_for(4s);
    f.wake_ns =
        static_cast<double>(std::clock() - cpu) / CLOCKS_PER_SEC * 1e9 / static_cast<double>(std::max(wakes, 1L));
    return f;
}

} // namespace

int main()
{
    const figures ours = measure_potoo();
    const figures peer = measure_asio();
    const auto beside = [](double value) { return bench::peer{asio_timers, value, {}}; };
    print({.name = "task.bytes_suspended_depth_2", .value = ours.bytes, .unit = "B", .peer = beside(peer.bytes)});
    print({.name = "task.start", .value = ours.start_ns, .unit = "ns", .peer = beside(peer.start_ns)});
    print({.name = "task.wake_and_rearm",
           .value = ours.wake_ns,
           .unit = "ns",
           .peer = beside(peer.wake_ns),
           .goal = at_most(250),
           .beyond = at_most(100),
           .note = "1000000 waiting, two frames each"});
}
