#include "tests/unit/operators/fake_context.hpp"
#include "tests/unit/task/runner.hpp"

#include <potoo/connection.hpp>

#include <boost/test/unit_test.hpp>

#include <functional>
#include <string>

using namespace potoo;

namespace {

task<json::value> nothing(context&)
{
    co_return json::value();
}

struct connecting : test::fixture
{
    test::fake_context plain{loop, "hpc"};
    test::fake_context named{loop, "hpc", R"({"connection": "mine"})"};
};

std::string complaint(const std::function<void()>& f)
{
    try {
        f();
    } catch (const fatal& e) {
        return e.what();
    }
    return "nothing";
}

} // namespace

POTOO_OPERATOR("hpc", nothing, {.summary = "For tests.", .schema = R"({"type": "object"})"})

BOOST_FIXTURE_TEST_SUITE(connections, connecting)

BOOST_AUTO_TEST_CASE(connection_called_like_the_type_is_used_without_asking)
{
    plain.connections["hpc"] = {{"url", "http://x"}};
    connection_reader c(plain, "hpc");
    BOOST_TEST(c.given());
    BOOST_TEST(c.text("url").value_or("") == "http://x");
    c.finish();
}

BOOST_AUTO_TEST_CASE(none_is_no_trouble_unless_it_is_named)
{
    connection_reader c(plain, "hpc");
    BOOST_TEST(!c.given());
    BOOST_TEST(!c.text("url").has_value());
    c.finish();
    BOOST_TEST(
        complaint([&] { connection_reader(named, "hpc"); }) ==
        "there is no connection called mine: it would stand under `connections:`, in the DAG file, in the server's "
        "potoo.yaml or in the state directory's config.yaml");
}

BOOST_AUTO_TEST_CASE(connection_of_another_type_is_refused)
{
    named.connections["mine"] = {{"type", "docker"}};
    BOOST_TEST(complaint([&] { connection_reader(named, "hpc"); }) ==
               "the connection mine is of type \"docker\", and this needs one of type hpc");
}

BOOST_AUTO_TEST_CASE(settings_of_the_wrong_kind_are_named)
{
    named.connections["mine"] = {{"url", 1}, {"fast", "yes"}, {"most", 0}, {"many", 101}, {"per_second", -1}};
    connection_reader c(named, "hpc");
    BOOST_TEST(complaint([&] { (void)c.text("url"); }) ==
               "the connection mine: `url` must be text: put the number in quotes");
    BOOST_TEST(complaint([&] { (void)c.flag("fast"); }) ==
               "the connection mine: `fast` must be true or false, not \"yes\"");
    BOOST_TEST(complaint([&] { (void)c.count("most", 9); }) ==
               "the connection mine: `most` must be a number from 1 to 9, not 0");
    BOOST_TEST(complaint([&] { (void)c.count("many", 100, " (as the service says)"); }) ==
               "the connection mine: `many` must be a number from 1 to 100 (as the service says), not 101");
    BOOST_TEST(complaint([&] { (void)c.rate("per_second"); }) ==
               "the connection mine: `per_second` must be 0, for no limit, or at least 0.001, not -1");
}

BOOST_AUTO_TEST_CASE(setting_that_nobody_asked_for_is_an_error)
{
    named.connections["mine"] = {{"type", "hpc"}, {"url", "http://x"}, {"usr", "me"}};
    connection_reader c(named, "hpc");
    (void)c.text("url");
    (void)c.text("user");
    (void)c.text("token");
    BOOST_TEST(complaint([&] { c.finish(); }) ==
               "the connection mine has a setting `usr`, which hpc does not know: it takes url, user and token");
}

BOOST_AUTO_TEST_CASE(limits_that_are_not_set_stay)
{
    named.connections["mine"] = {{"per_second", 50}, {"poll_concurrency", 3}};
    connection_reader c(named, "hpc");
    request_gate::limits requests{.concurrency = 7, .per_second = 1};
    watcher::limits polls{.page = 100, .concurrency = 2, .per_second = 4};
    c.read_limits(requests, polls);
    BOOST_TEST(requests.concurrency == 7U);
    BOOST_TEST(requests.per_second == 50);
    BOOST_TEST(polls.concurrency == 3U);
    BOOST_TEST(polls.per_second == 4);
    BOOST_TEST(polls.page == 100U);
    c.finish();
}

BOOST_AUTO_TEST_SUITE_END()
