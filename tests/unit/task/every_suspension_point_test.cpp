// One task that waits in every way there is. It is destroyed, and in another round cancelled, at each of its suspension
// points in turn; under the sanitizers this finds what is freed too early, too late or never.

#include "engine/loop/real_loop.hpp"
#include "tests/unit/task/runner.hpp"

#include <potoo/asio.hpp>
#include <potoo/blocking.hpp>
#include <potoo/concurrency.hpp>
#include <potoo/wait.hpp>

#include <boost/asio.hpp>
#include <boost/test/unit_test.hpp>

#include <array>
#include <string>

using namespace potoo;
using namespace std::chrono_literals;
namespace asio = boost::asio;

namespace {

struct world
{
    asio::io_context context{1};
    real_loop loop{context};
    asio::local::stream_protocol::socket left{context};
    asio::local::stream_protocol::socket right{context};
    counter tally;
    semaphore slots{1};
    int cleaned = 0;

    world() { asio::local::connect_pair(left, right); }
};

task<> short_sleep()
{
    co_await sleep_for(1ms);
}

task<int> hold_a_slot(world& w)
{
    co_await w.slots.acquire();
    slot_guard g(w.slots);
    co_await sleep_for(1ms);
    co_return 1;
}

task<> count(world& w)
{
    w.tally.increment();
    co_return;
}

task<> wait_for_count(world& w)
{
    co_await w.tally.reached(1);
}

task<std::string> exchange(world& w)
{
    std::string out = "ping";
    auto out_view = asio::buffer(out);
    auto written = co_await w.left.async_write_some(out_view, use_task);
    std::array<char, 16> in;
    auto in_view = asio::buffer(in);
    auto n = co_await w.right.async_read_some(in_view, use_task);
    co_return std::string(in.data(), n.value()) + std::to_string(written.value());
}

asio::awaitable<int> in_asio()
{
    asio::steady_timer t(co_await asio::this_coro::executor, 1ms);
    co_await t.async_wait(asio::use_awaitable);
    co_return 3;
}

task<> clean_up(world& w)
{
    co_await sleep_for(1ms);
    ++w.cleaned;
}

task<> nested_groups(world& w)
{
    co_await any(short_sleep(), hold_a_slot(w), exchange(w));
}

task<> body_of_scope(world& w, scope& s)
{
    s.spawn(short_sleep());
    s.spawn(nested_groups(w));
    co_await yield_now();
}

task<> everything(world& w)
{
    co_await sleep_for(1ms);
    co_await yield_now();
    co_await exchange(w);
    co_await all(hold_a_slot(w), hold_a_slot(w), as_task(in_asio()));
    co_await all(wait_for_count(w), count(w));
    co_await with_deadline(short_sleep(), w.loop.now() + 1h);
    co_await with_scope([&w](scope& s) { return body_of_scope(w, s); });
    co_await blocking([] { return 5; });
    co_await shield(clean_up(w), w.loop.now() + 1h);
    co_await with_deadline(exchange(w), w.loop.now() + 1h);
}

task<> everything_then_clean_up(world& w)
{
    std::exception_ptr e;
    try {
        co_await everything(w);
    } catch (...) {
        e = std::current_exception();
    }
    co_await shield(clean_up(w), w.loop.now() + 1h);
    if (e)
        std::rethrow_exception(e);
}

/// Lets at most `steps` handlers of the loop run. @return false if it ended first
bool run_handlers(world& w, const test::runner<void>& r, int steps)
{
    for (int i = 0; i < steps && !r.ended(); ++i)
        w.context.run_one();
    return !r.ended();
}

} // namespace

BOOST_AUTO_TEST_SUITE(every_suspension_point)

BOOST_AUTO_TEST_CASE(task_that_is_left_alone_ends)
{
    world w;
    test::runner<void> r(w.loop, everything_then_clean_up(w));
    w.context.run();
    BOOST_TEST(r.ended());
    BOOST_CHECK_NO_THROW(r.take());
    BOOST_TEST(w.cleaned == 2);
}

BOOST_AUTO_TEST_CASE(destroyed_at_each_point_it_leaks_nothing)
{
    const std::size_t before = detail::frame_bytes_in_use();
    int steps = 0;
    for (bool unfinished = true; unfinished; ++steps) {
        world w;
        {
            test::runner<void> r(w.loop, everything_then_clean_up(w));
            unfinished = run_handlers(w, r, steps);
        }
        BOOST_TEST(w.loop.timers() == 0u);
        BOOST_TEST(w.slots.available() == 1u);
        w.context.run();
    }
    BOOST_TEST(steps > 15);
    BOOST_TEST(detail::frame_bytes_in_use() == before);
}

BOOST_AUTO_TEST_CASE(cancelled_at_each_point_it_cleans_up_and_ends_with_the_reason)
{
    int steps = 0;
    for (bool unfinished = true; unfinished; ++steps) {
        world w;
        test::runner<void> r(w.loop, everything_then_clean_up(w));
        unfinished = run_handlers(w, r, steps);
        if (!unfinished)
            break;
        r.cancel(cancel_reason::user);
        w.context.run();
        BOOST_TEST_REQUIRE(r.ended());
        BOOST_TEST(w.cleaned >= 1);
        const cancel_reason reason = r.ended_by();
        // In the last clean-up there is nothing left to cancel.
        BOOST_CHECK(reason == cancel_reason::user || (reason == cancel_reason::none && w.cleaned == 2));
    }
    BOOST_TEST(steps > 15);
}

BOOST_AUTO_TEST_CASE(io_context_may_go_down_at_each_point)
{
    const std::size_t before = detail::frame_bytes_in_use();
    for (int steps = 0; steps < 60; ++steps) {
        auto w = std::make_unique<world>();
        auto r = std::make_unique<test::runner<void>>(w->loop, everything_then_clean_up(*w));
        const bool unfinished = run_handlers(*w, *r, steps);
        r.reset();
        w.reset();
        if (!unfinished)
            break;
    }
    BOOST_TEST(detail::frame_bytes_in_use() == before);
}

BOOST_AUTO_TEST_SUITE_END()
