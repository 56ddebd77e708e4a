#include "engine/loop/timer_queue.hpp"

#include <boost/test/unit_test.hpp>
#include <rapidcheck.h>

#include <algorithm>
#include <map>
#include <memory>
#include <random>
#include <vector>

using namespace potoo;
using namespace std::chrono_literals;

namespace {

constexpr steady_time origin{std::chrono::hours(1)};

struct recorder final : timer_node
{
    recorder(std::vector<int>& log, int name) : log_(log), name_(name) {}

    void on_due() override { log_.push_back(name_); }

    std::vector<int>& log_;
    int name_;
};

struct rearming final : timer_node
{
    rearming(timer_queue& q, steady_clock::duration d) : queue_(q), delay_(d) {}

    void on_due() override
    {
        ++fired_;
        queue_.arm(*this, now_ + delay_);
    }

    timer_queue& queue_;
    steady_clock::duration delay_;
    steady_time now_ = origin;
    int fired_ = 0;
};

void advance(timer_queue& q, steady_time now)
{
    q.advance(now);
}

void fire_one_by_one(timer_queue& q, steady_time now)
{
    for (std::size_t left = q.size(); q.fire_one(now); left = q.size())
        RC_ASSERT(q.size() + 1 == left);
}

/// Fires are compared with a sorted map over random operations.
void agrees_with_a_sorted_map(std::uint64_t seed, void (*fire)(timer_queue&, steady_time))
{
    std::mt19937_64 random(seed);
    timer_queue q(origin);
    std::vector<int> fired;
    std::vector<std::unique_ptr<recorder>> nodes;
    std::vector<steady_time> due(200, steady_time::max());
    for (int i = 0; i < 200; ++i)
        nodes.push_back(std::make_unique<recorder>(fired, i));
    steady_time now = origin;
    for (int step = 0; step < 2000; ++step) {
        const std::size_t i = random() % nodes.size();
        switch (random() % 4) {
        case 0:
        case 1: {
            const unsigned magnitude = random() % 36;
            const auto delay = std::chrono::milliseconds(1 + random() % (std::uint64_t{1} << magnitude));
            due[i] = now + delay;
            q.arm(*nodes[i], due[i]);
            break;
        }
        case 2:
            due[i] = steady_time::max();
            q.disarm(*nodes[i]);
            break;
        default: {
            const unsigned magnitude = random() % 34;
            now += std::chrono::milliseconds(random() % (std::uint64_t{1} << magnitude));
            fired.clear();
            RC_ASSERT(q.next_due() <= std::max(now, *std::min_element(due.begin(), due.end())));
            fire(q, now);
            std::vector<int> expected;
            for (int k = 0; k < 200; ++k) {
                if (due[static_cast<std::size_t>(k)] <= now) {
                    expected.push_back(k);
                    due[static_cast<std::size_t>(k)] = steady_time::max();
                }
            }
            std::sort(fired.begin(), fired.end());
            RC_ASSERT(fired == expected);
        }
        }
        const auto armed = std::count_if(due.begin(), due.end(), [](auto t) { return t != steady_time::max(); });
        RC_ASSERT(q.size() == static_cast<std::size_t>(armed));
    }
    for (auto& n : nodes)
        q.disarm(*n);
}

} // namespace

BOOST_AUTO_TEST_SUITE(timers)

BOOST_AUTO_TEST_CASE(fires_in_order_of_time)
{
    timer_queue q(origin);
    std::vector<int> log;
    recorder a(log, 1), b(log, 2), c(log, 3), d(log, 4);
    q.arm(a, origin + 10s);
    q.arm(b, origin + 2ms);
    q.arm(c, origin + 400h);
    q.arm(d, origin + 9s);
    q.advance(origin + 1000h);
    BOOST_TEST((log == std::vector<int>{2, 4, 1, 3}));
}

BOOST_AUTO_TEST_CASE(never_fires_early)
{
    timer_queue q(origin);
    std::vector<int> log;
    recorder a(log, 1);
    q.arm(a, origin + 1500us);
    q.advance(origin + 1499us);
    BOOST_TEST(log.empty());
    q.advance(origin + 2ms);
    BOOST_TEST(log.size() == 1u);
}

BOOST_AUTO_TEST_CASE(past_due_time_fires_at_the_next_advance)
{
    timer_queue q(origin);
    std::vector<int> log;
    recorder a(log, 1);
    q.advance(origin + 10s);
    q.arm(a, origin + 1s);
    q.advance(origin + 10s + 1ms);
    BOOST_TEST(log.size() == 1u);
}

BOOST_AUTO_TEST_CASE(rearmed_within_its_own_firing_it_fires_once_a_period)
{
    timer_queue q(origin);
    rearming r(q, 4096ms);
    q.arm(r, origin + 4096ms);
    for (int i = 1; i <= 10'000; ++i) {
        r.now_ = origin + i * 100ms;
        q.advance(r.now_);
    }
    BOOST_TEST(r.fired_ == 1'000'000 / 4100);
    q.disarm(r);
}

BOOST_AUTO_TEST_CASE(nothing_armed_is_due_never)
{
    timer_queue q(origin);
    BOOST_CHECK(q.next_due() == steady_time::max());
    std::vector<int> log;
    recorder a(log, 1);
    q.arm(a, origin + 5s);
    q.disarm(a);
    BOOST_CHECK(q.next_due() == steady_time::max());
}

BOOST_AUTO_TEST_CASE(agrees_with_a_sorted_map_over_random_operations)
{
    BOOST_TEST(rc::check([](std::uint64_t seed) { agrees_with_a_sorted_map(seed, advance); }));
}

BOOST_AUTO_TEST_CASE(fired_one_by_one_it_agrees_with_a_sorted_map)
{
    BOOST_TEST(rc::check([](std::uint64_t seed) { agrees_with_a_sorted_map(seed, fire_one_by_one); }));
}

BOOST_AUTO_TEST_CASE(fires_one_of_those_that_are_due_together)
{
    timer_queue q(origin);
    std::vector<int> log;
    recorder a(log, 1), b(log, 2);
    q.arm(a, origin + 5ms);
    q.arm(b, origin + 5ms);
    BOOST_TEST(q.fire_one(origin + 1s));
    BOOST_TEST(log.size() == 1u);
    q.disarm(b);
    BOOST_TEST(!q.fire_one(origin + 1s));
    BOOST_TEST(log.size() == 1u);
}

BOOST_AUTO_TEST_SUITE_END()
