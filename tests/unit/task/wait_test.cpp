#include "tests/unit/task/runner.hpp"

#include <potoo/wait.hpp>

#include <boost/test/unit_test.hpp>

#include <vector>

using namespace potoo;
using namespace std::chrono_literals;

namespace {

task<> sleep_a_while(steady_clock::duration d)
{
    co_await sleep_for(d);
}

task<> sleep_to(steady_time t)
{
    co_await sleep_until(t);
}

task<int> sleep_then_sleep_again_when_cancelled()
{
    int cancellations = 0;
    for (int i = 0; i < 2; ++i) {
        try {
            co_await sleep_for(1h);
        } catch (const cancelled&) {
            ++cancellations;
        }
    }
    co_return cancellations;
}

task<> note_when_reached(counter& c, std::uint64_t n, std::vector<int>& order, int name)
{
    co_await c.reached(n);
    order.push_back(name);
}

task<> hold_slot(semaphore& s, steady_clock::duration d, std::vector<int>& order, int name)
{
    co_await s.acquire();
    slot_guard g(s);
    order.push_back(name);
    co_await sleep_for(d);
}

task<> note_after_yield(std::vector<int>& order, int first, int second)
{
    order.push_back(first);
    co_await yield_now();
    order.push_back(second);
}

} // namespace

BOOST_FIXTURE_TEST_SUITE(waits, test::fixture)

BOOST_AUTO_TEST_CASE(sleep_ends_at_its_time_and_not_before)
{
    test::runner<void> r(loop, sleep_a_while(10s));
    loop.run(9s);
    BOOST_TEST(!r.ended());
    loop.run(2s);
    BOOST_TEST(r.ended());
    BOOST_TEST((loop.elapsed() >= 10s && loop.elapsed() <= 10s + 1ms));
}

BOOST_AUTO_TEST_CASE(sleep_until_the_past_goes_on_at_once)
{
    test::runner<void> r(loop, sleep_to(loop.now() - 1s));
    BOOST_TEST(r.ended());
}

BOOST_AUTO_TEST_CASE(sleep_for_ever_arms_no_timer)
{
    test::runner<void> r(loop, sleep_a_while(steady_clock::duration::max()));
    BOOST_TEST(!r.ended());
    BOOST_TEST(loop.timers() == 0u);
    r.cancel(cancel_reason::user);
    loop.run_present();
    BOOST_TEST(r.ended());
}

BOOST_AUTO_TEST_CASE(cancelled_sleep_throws_the_reason)
{
    test::runner<void> r(loop, sleep_a_while(1h));
    r.cancel(cancel_reason::deadline);
    BOOST_TEST(!r.ended());
    loop.run_present();
    BOOST_TEST(r.ended());
    BOOST_CHECK(r.ended_by() == cancel_reason::deadline);
    BOOST_TEST(loop.timers() == 0u);
}

BOOST_AUTO_TEST_CASE(first_reason_stays)
{
    test::runner<void> r(loop, sleep_a_while(1h));
    r.cancel(cancel_reason::user);
    r.cancel(cancel_reason::shutdown);
    loop.run_present();
    BOOST_CHECK(r.ended_by() == cancel_reason::user);
}

BOOST_AUTO_TEST_CASE(wait_after_a_cancellation_throws_again)
{
    test::runner<int> r(loop, sleep_then_sleep_again_when_cancelled());
    r.cancel(cancel_reason::user);
    loop.run_present();
    BOOST_TEST(r.ended());
    BOOST_TEST(r.take() == 2);
}

BOOST_AUTO_TEST_CASE(counter_wakes_those_it_has_reached_in_order)
{
    counter c;
    std::vector<int> order;
    test::runner<void> a(loop, note_when_reached(c, 2, order, 1));
    test::runner<void> b(loop, note_when_reached(c, 1, order, 2));
    test::runner<void> d(loop, note_when_reached(c, 1, order, 3));
    c.advance_to(1);
    loop.run_present();
    BOOST_TEST((order == std::vector<int>{2, 3}));
    c.advance_to(5);
    loop.run_present();
    BOOST_TEST((order == std::vector<int>{2, 3, 1}));
}

BOOST_AUTO_TEST_CASE(semaphore_admits_no_more_than_its_slots)
{
    semaphore s(2);
    std::vector<int> order;
    test::runner<void> a(loop, hold_slot(s, 1s, order, 1));
    test::runner<void> b(loop, hold_slot(s, 2s, order, 2));
    test::runner<void> c(loop, hold_slot(s, 1s, order, 3));
    loop.run_present();
    BOOST_TEST((order == std::vector<int>{1, 2}));
    loop.run();
    BOOST_TEST((order == std::vector<int>{1, 2, 3}));
    BOOST_TEST(s.available() == 2u);
}

BOOST_AUTO_TEST_CASE(slot_of_a_destroyed_waiter_is_given_on)
{
    semaphore s(1);
    std::vector<int> order;
    auto a = std::make_unique<test::runner<void>>(loop, hold_slot(s, 1h, order, 1));
    auto b = std::make_unique<test::runner<void>>(loop, hold_slot(s, 1h, order, 2));
    test::runner<void> c(loop, hold_slot(s, 1s, order, 3));
    a.reset();
    b.reset();
    loop.run();
    BOOST_TEST((order == std::vector<int>{1, 3}));
    BOOST_TEST(s.available() == 1u);
}

BOOST_AUTO_TEST_CASE(yield_lets_others_run)
{
    std::vector<int> order;
    test::runner<void> a(loop, note_after_yield(order, 1, 3));
    test::runner<void> b(loop, note_after_yield(order, 2, 4));
    loop.run();
    BOOST_TEST((order == std::vector<int>{1, 2, 3, 4}));
}

BOOST_AUTO_TEST_SUITE_END()
