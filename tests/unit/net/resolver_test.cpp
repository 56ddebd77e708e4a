#include "engine/loop/real_loop.hpp"
#include "engine/net/resolver.hpp"
#include "tests/unit/task/runner.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/test/unit_test.hpp>

#include <atomic>
#include <future>

using namespace potoo;
using namespace potoo::net;

namespace {

endpoints one_address()
{
    return {endpoint(boost::asio::ip::tcp::endpoint(boost::asio::ip::address_v4::loopback(), 1))};
}

struct fixture
{
    boost::asio::io_context context{1};
    real_loop loop{context};
    std::atomic<int> asked{0};

    void finish()
    {
        context.restart();
        context.run();
    }

    or_problem<endpoints> resolve(resolver& r, std::string host)
    {
        test::runner<or_problem<endpoints>> t(loop, r.resolve(std::move(host), 1));
        finish();
        return t.take();
    }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(name_resolution, fixture)

BOOST_AUTO_TEST_CASE(answer_is_remembered)
{
    resolver r(loop, [this](const std::string&, std::uint16_t) { return ++asked, one_address(); });
    BOOST_TEST(resolve(r, "h").has_value());
    BOOST_TEST(resolve(r, "h").has_value());
    BOOST_TEST(asked == 1);
    r.forget("h", 1);
    BOOST_TEST(resolve(r, "h").has_value());
    BOOST_TEST(asked == 2);
}

BOOST_AUTO_TEST_CASE(failure_is_not_remembered)
{
    resolver r(loop, [this](const std::string&, std::uint16_t) -> endpoints {
        if (++asked == 1)
            throw std::runtime_error("no such name");
        return one_address();
    });
    const auto first = resolve(r, "h");
    BOOST_TEST_REQUIRE(first.has_error());
    BOOST_CHECK(first.error().code == http_error::resolve_failed);
    BOOST_TEST(first.error().detail == "cannot resolve h: no such name");
    BOOST_TEST(resolve(r, "h").has_value());
}

BOOST_AUTO_TEST_CASE(no_address_at_all_is_a_failure)
{
    resolver r(loop, [](const std::string&, std::uint16_t) { return endpoints(); });
    BOOST_TEST(resolve(r, "h").has_error());
}

BOOST_AUTO_TEST_CASE(those_who_ask_at_the_same_time_share_one_question)
{
    resolver r(loop, [this](const std::string&, std::uint16_t) { return ++asked, one_address(); });
    test::runner<or_problem<endpoints>> a(loop, r.resolve("h", 1));
    test::runner<or_problem<endpoints>> b(loop, r.resolve("h", 1));
    finish();
    BOOST_TEST(a.take().has_value());
    BOOST_TEST(b.take().has_value());
    BOOST_TEST(asked == 1);
}

BOOST_AUTO_TEST_CASE(cancelled_caller_does_not_wait_for_the_answer)
{
    std::promise<void> release;
    auto released = release.get_future().share();
    resolver r(loop, [this, released](const std::string&, std::uint16_t) {
        released.wait();
        return ++asked, one_address();
    });
    test::runner<or_problem<endpoints>> gone(loop, r.resolve("h", 1));
    test::runner<or_problem<endpoints>> stays(loop, r.resolve("h", 1));
    gone.cancel(cancel_reason::user);
    context.run_one();
    BOOST_TEST(gone.ended());
    BOOST_CHECK(gone.ended_by() == cancel_reason::user);
    BOOST_TEST(!stays.ended());
    release.set_value();
    finish();
    BOOST_TEST(stays.take().has_value());
    BOOST_TEST(asked == 1);
}

BOOST_AUTO_TEST_CASE(caller_and_resolver_may_be_gone_when_the_answer_comes)
{
    std::promise<void> release;
    auto released = release.get_future().share();
    {
        resolver r(loop, [released](const std::string&, std::uint16_t) {
            released.wait();
            return one_address();
        });
        test::runner<or_problem<endpoints>> t(loop, r.resolve("h", 1));
    }
    release.set_value();
    finish();
    BOOST_TEST(loop.timers() == 0u);
}

BOOST_AUTO_TEST_CASE(address_needs_no_question)
{
    resolver r(loop, [this](const std::string&, std::uint16_t) { return ++asked, one_address(); });
    BOOST_TEST(resolve(r, "127.0.0.1")->size() == 1u);
    BOOST_TEST(resolve(r, "::1")->size() == 1u);
    BOOST_TEST(asked == 0);
}

BOOST_AUTO_TEST_CASE(system_knows_localhost_and_not_what_does_not_exist)
{
    resolver r(loop);
    BOOST_TEST(resolve(r, "localhost").has_value());
    BOOST_TEST(resolve(r, "no-such-host.invalid").has_error());
}

BOOST_AUTO_TEST_SUITE_END()
