#include "engine/loop/virtual_loop.hpp"

#include <boost/asio/post.hpp>
#include <boost/test/unit_test.hpp>

#include <functional>
#include <string>
#include <utility>

using namespace potoo;
using namespace std::chrono_literals;

namespace {

struct ready_call final : ready_node
{
    explicit ready_call(std::function<void()> f) : what(std::move(f)) {}

    void on_ready() override { what(); }

    std::function<void()> what;
};

struct timed_call final : timer_node
{
    explicit timed_call(std::function<void()> f) : what(std::move(f)) {}

    void on_due() override { what(); }

    std::function<void()> what;
};

struct fixture
{
    boost::asio::io_context context{1};
    virtual_loop loop{context};
    std::string log;

    [[nodiscard]] std::function<void()> note(char c)
    {
        return [this, c] { log += c; };
    }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(virtual_time, fixture)

BOOST_AUTO_TEST_CASE(a_step_is_one_ready_node)
{
    ready_call a(note('a')), b(note('b')), c(note('c'));
    a.what = [&] {
        log += 'a';
        loop.schedule(c);
    };
    loop.schedule(a);
    loop.schedule(b);
    std::string seen;
    while (loop.step())
        seen += log.back();
    BOOST_TEST(log == "abc");
    BOOST_TEST(seen == "abc");
}

BOOST_AUTO_TEST_CASE(a_step_is_one_handler_of_the_io_context)
{
    boost::asio::post(context, note('a'));
    boost::asio::post(context, note('b'));
    BOOST_TEST(loop.step());
    BOOST_TEST(log == "a");
    BOOST_TEST(loop.step());
    BOOST_TEST(log == "ab");
    BOOST_TEST(!loop.step());
}

BOOST_AUTO_TEST_CASE(a_step_is_one_timer)
{
    timed_call a(note('a')), b(note('b'));
    loop.arm(a, loop.now() + 1s);
    loop.arm(b, loop.now() + 1s);
    BOOST_TEST(!loop.step());
    loop.advance_to(loop.next_due());
    BOOST_TEST(loop.step());
    BOOST_TEST(log.size() == 1u);
    BOOST_TEST(loop.step());
    BOOST_TEST(log.size() == 2u);
    BOOST_TEST(!loop.step());
}

BOOST_AUTO_TEST_CASE(a_clock_moved_beyond_a_timer_makes_it_late)
{
    steady_time fired{};
    timed_call a([&] { fired = loop.now(); });
    const steady_time start = loop.now();
    loop.arm(a, start + 1s);
    loop.advance_to(start + 10s);
    loop.run_present();
    BOOST_CHECK(fired == start + 10s);
    loop.advance_to(start);
    BOOST_CHECK(loop.now() == start + 10s);
}

BOOST_AUTO_TEST_CASE(a_jump_of_the_wall_clock_moves_no_timer)
{
    const wall_time wall = loop.wall_now();
    timed_call a(note('a'));
    loop.arm(a, loop.now() + 1h);
    loop.jump_wall(-5h);
    BOOST_CHECK(loop.wall_now() == wall - 5h);
    loop.run(30min);
    BOOST_TEST(log.empty());
    loop.run(1h);
    BOOST_TEST(log == "a");
    BOOST_CHECK(loop.wall_now() == wall - 5h + 1h);
}

BOOST_AUTO_TEST_CASE(another_loop_goes_on_where_one_stopped)
{
    loop.run(3h);
    loop.advance_to(loop.now() + 3h);
    virtual_loop next(context, loop.now(), loop.wall_now());
    BOOST_CHECK(next.now() == loop.now());
    BOOST_CHECK(next.wall_now() == loop.wall_now());
    BOOST_CHECK(next.elapsed() == 0s);
    bool fired = false;
    timed_call a([&] { fired = true; });
    next.arm(a, next.now() + 1ms);
    next.run();
    BOOST_TEST(fired);
    BOOST_CHECK(next.elapsed() == 1ms);
}

BOOST_AUTO_TEST_SUITE_END()
