#include "engine/loop/virtual_loop.hpp"
#include "tests/unit/operators/fake_context.hpp"

#include <boost/test/unit_test.hpp>

#include <string>

using namespace potoo;
using namespace std::chrono_literals;
using potoo::test::fake_context;
using potoo::test::started_task;

namespace {

struct on_a_virtual_clock
{
    boost::asio::io_context context{1};
    virtual_loop loop{context};

    json::value run(std::string_view name, std::string_view with)
    {
        fake_context ctx(loop, name, with);
        started_task<json::value> t(loop, ctx.perform());
        loop.run();
        BOOST_REQUIRE(t.ended());
        BOOST_TEST(!ctx.deferred);
        return t.take();
    }

    std::string failure_of(std::string_view name, std::string_view with)
    {
        try {
            run(name, with);
        } catch (const task_error& e) {
            return std::string(to_string(e.classification())) + " " + e.code() + ": " + e.what();
        }
        return "success";
    }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(simple_operators, on_a_virtual_clock)

BOOST_AUTO_TEST_CASE(noop_returns_what_it_is_given)
{
    BOOST_TEST(run("noop", "{}").is_null());
    BOOST_TEST(run("noop", R"({"output": {"a": [1]}, "note": "anything"})") == json::parse(R"({"a": [1]})"));
}

BOOST_AUTO_TEST_CASE(fail_fails_as_told)
{
    BOOST_TEST(failure_of("fail", "{}") == "retryable : told to fail");
    BOOST_TEST(failure_of("fail", R"({"message": "no", "code": "e1"})") == "retryable e1: no");
    BOOST_TEST(failure_of("fail", R"({"message": "no", "class": "fatal", "code": "e1"})") == "fatal e1: no");
    BOOST_TEST(failure_of("fail", R"({"message": "no", "class": "skip"})") == "skip : no");
    BOOST_CHECK_THROW(run("fail", R"({"class": "maybe"})"), std::invalid_argument);
    BOOST_CHECK_THROW(run("fail", R"({"code": "two words"})"), std::invalid_argument);
}

BOOST_AUTO_TEST_CASE(sleep_lasts_as_long_as_it_says)
{
    BOOST_TEST(run("sleep", R"({"for": "1h30m"})").is_null());
    BOOST_TEST((loop.elapsed() >= 90min && loop.elapsed() < 90min + 1s));
}

BOOST_AUTO_TEST_CASE(sleep_ends_at_the_time_it_says)
{
    // The virtual clock starts at 2026-01-01T00:00:00Z.
    run("sleep", R"({"until": "2026-01-02T01:00:00+01:00"})");
    BOOST_TEST((loop.elapsed() >= 24h && loop.elapsed() < 24h + 1s));
}

BOOST_AUTO_TEST_CASE(sleep_until_the_past_ends_at_once)
{
    run("sleep", R"({"until": "2025-12-31T23:59:59Z"})");
    BOOST_TEST((loop.elapsed() == 0s));
}

BOOST_AUTO_TEST_CASE(sleep_is_deferred)
{
    fake_context ctx(loop, "sleep", R"({"for": "1h"})");
    started_task<json::value> t(loop, ctx.perform());
    loop.run(1min);
    BOOST_TEST(!t.ended());
    BOOST_TEST(ctx.deferred);
    t.cancel(cancel_reason::user);
    loop.run_present();
    BOOST_REQUIRE(t.ended());
    BOOST_TEST(!ctx.deferred);
    BOOST_CHECK_THROW(t.take(), cancelled);
}

BOOST_AUTO_TEST_CASE(sleep_wants_exactly_one_form)
{
    BOOST_CHECK_THROW(run("sleep", "{}"), std::invalid_argument);
    BOOST_CHECK_THROW(run("sleep", R"({"for": "1s", "until": "2026-01-01T00:00:00Z"})"), std::invalid_argument);
    BOOST_CHECK_THROW(run("sleep", R"({"for": "soon"})"), std::invalid_argument);
    BOOST_TEST(failure_of("sleep", R"({"for": "1s"})") == "success");
}

BOOST_AUTO_TEST_SUITE_END()
