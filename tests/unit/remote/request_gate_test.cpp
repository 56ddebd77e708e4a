#include "tests/unit/task/runner.hpp"

#include <potoo/request_gate.hpp>

#include <boost/test/unit_test.hpp>

#include <memory>
#include <stdexcept>
#include <vector>

using namespace potoo;
using namespace std::chrono_literals;

namespace {

struct requests : test::fixture
{
    /// One request that takes a second.
    static task<> request(request_gate& gate, potoo::loop& l, std::vector<steady_time>& begun)
    {
        auto pass = co_await gate.enter();
        begun.push_back(l.now());
        co_await sleep_for(1s);
    }

    void add(request_gate& gate, int n)
    {
        for (int i = 0; i < n; ++i)
            running.push_back(
                std::make_unique<test::runner<std::monostate>>(loop, counted(request(gate, loop, begun))));
    }

    static task<std::monostate> counted(task<> t)
    {
        co_await std::move(t);
        co_return std::monostate{};
    }

    [[nodiscard]] std::vector<duration> begun_after() const
    {
        std::vector<duration> out;
        for (const steady_time t : begun)
            out.push_back(std::chrono::floor<duration>(t - start));
        return out;
    }

    steady_time start = loop.now();
    std::vector<steady_time> begun;
    std::vector<std::unique_ptr<test::runner<std::monostate>>> running;
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(request_gate_suite, requests)

BOOST_AUTO_TEST_CASE(no_more_requests_than_allowed_are_under_way)
{
    request_gate gate(loop, {.concurrency = 2});
    add(gate, 5);
    loop.run();
    BOOST_TEST((begun_after() == std::vector<duration>{0s, 0s, 1s, 1s, 2s}));
    BOOST_TEST(gate.entered() == 5u);
}

BOOST_AUTO_TEST_CASE(requests_keep_to_the_rate)
{
    request_gate gate(loop, {.concurrency = 64, .per_second = 4});
    add(gate, 5);
    loop.run();
    BOOST_TEST((begun_after() == std::vector<duration>{0ms, 250ms, 500ms, 750ms, 1000ms}));
}

BOOST_AUTO_TEST_CASE(unused_time_is_not_saved_up)
{
    request_gate gate(loop, {.concurrency = 64, .per_second = 4});
    add(gate, 1);
    loop.run();
    add(gate, 2);
    loop.run();
    BOOST_TEST((begun_after() == std::vector<duration>{0ms, 1000ms, 1250ms}));
}

BOOST_AUTO_TEST_CASE(nothing_is_let_in_while_the_remote_side_wants_to_be_left_alone)
{
    request_gate gate(loop, {.concurrency = 64, .per_second = 2});
    add(gate, 3);
    loop.run_present();
    gate.throttle(start + 10s);
    gate.throttle(start + 5s);
    loop.run();
    BOOST_TEST((begun_after() == std::vector<duration>{0ms, 10s, 10500ms}));
}

BOOST_AUTO_TEST_CASE(whoever_gives_up_waiting_leaves_the_place_to_the_next)
{
    request_gate gate(loop, {.concurrency = 1});
    add(gate, 3);
    loop.run_present();
    running[1]->cancel(cancel_reason::user);
    loop.run();
    BOOST_TEST((running[1]->ended_by() == cancel_reason::user));
    BOOST_TEST((begun_after() == std::vector<duration>{0s, 1s}));
}

BOOST_AUTO_TEST_CASE(cancelled_while_it_waits_for_the_rate_it_holds_no_place)
{
    request_gate gate(loop, {.concurrency = 1, .per_second = 0.1});
    add(gate, 3);
    loop.run(2s);
    running[1]->cancel(cancel_reason::user);
    loop.run();
    BOOST_TEST(begun.size() == 2u);
}

BOOST_AUTO_TEST_CASE(limits_that_let_nothing_in_are_refused)
{
    BOOST_CHECK_THROW(request_gate(loop, {.concurrency = 0}), std::invalid_argument);
    BOOST_CHECK_THROW(request_gate(loop, {.concurrency = 1, .per_second = -1}), std::invalid_argument);
}

BOOST_AUTO_TEST_SUITE_END()
