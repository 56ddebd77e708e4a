#include "tests/unit/task/runner.hpp"

#include <potoo/concurrency.hpp>
#include <potoo/request_gate.hpp>
#include <potoo/wait.hpp>

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
    static task<> request(request_gate& gate, potoo::loop& l, std::vector<steady_time>& begun, request_gate::urgency u)
    {
        auto pass = co_await gate.enter(u);
        begun.push_back(l.now());
        co_await sleep_for(1s);
    }

    void add(request_gate& gate, int n, request_gate::urgency u = request_gate::urgency::normal)
    {
        for (int i = 0; i < n; ++i)
            running.push_back(
                std::make_unique<test::runner<std::monostate>>(loop, as_value(request(gate, loop, begun, u))));
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

BOOST_AUTO_TEST_CASE(a_crowd_that_gives_up_waiting_leaves_no_gap)
{
    request_gate gate(loop, {.concurrency = 64, .per_second = 0.5});
    add(gate, 1000);
    loop.run(1s);
    for (auto& r : running)
        r->cancel(cancel_reason::user);
    loop.run_present();
    add(gate, 1);
    loop.run();
    BOOST_TEST((begun_after() == std::vector<duration>{0s, 2s}));
}

BOOST_AUTO_TEST_CASE(what_ends_work_goes_before_what_begins_it)
{
    request_gate gate(loop, {.concurrency = 1});
    add(gate, 3);
    loop.run_present();
    add(gate, 1, request_gate::urgency::urgent);
    loop.run(1500ms);
    BOOST_TEST(running[3]->ended() == false);
    BOOST_TEST(begun.size() == 2u);
    loop.run(1s);
    BOOST_TEST(running[3]->ended());
    BOOST_TEST(!running[1]->ended());
    loop.run();
}

BOOST_AUTO_TEST_CASE(whoever_is_stopped_as_its_turn_comes_gives_the_turn_on)
{
    request_gate gate(loop, {.concurrency = 1});
    auto first = std::make_unique<test::runner<std::monostate>>(
        loop, as_value(request(gate, loop, begun, request_gate::urgency::normal)));
    add(gate, 2);
    loop.run_present();
    // Destroyed where it waits, its pass goes to the next, which is destroyed before it could take it.
    first.reset();
    running.front().reset();
    loop.run();
    BOOST_TEST(running.back()->ended());
}

BOOST_AUTO_TEST_CASE(limits_that_let_nothing_in_are_refused)
{
    BOOST_CHECK_THROW(request_gate(loop, {.concurrency = 0}), std::invalid_argument);
    BOOST_CHECK_THROW(request_gate(loop, {.concurrency = 1, .per_second = 0.0001}), std::invalid_argument);
}

BOOST_AUTO_TEST_SUITE_END()
