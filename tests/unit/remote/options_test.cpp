#include <potoo/error.hpp>
#include <potoo/options.hpp>

#include <boost/test/unit_test.hpp>

#include <functional>
#include <string>

using namespace potoo;
using namespace std::chrono_literals;

namespace {

json::object with(const char* text)
{
    return json::parse(text).as_object();
}

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

BOOST_AUTO_TEST_SUITE(operator_options)

BOOST_AUTO_TEST_CASE(durations_are_read)
{
    BOOST_TEST((duration_option(with(R"({"settle": "1m30s"})"), "settle") == 90s));
    BOOST_TEST(!duration_option({}, "settle").has_value());
    BOOST_TEST((time_option({}, "settle", 5s) == 5s));
}

BOOST_AUTO_TEST_CASE(wrong_durations_are_named)
{
    BOOST_TEST(complaint([] { (void)duration_option(with(R"({"settle": 5})"), "settle"); }) ==
               "`settle` must be a duration such as 5s or 1m30s, not 5");
    BOOST_TEST(complaint([] { (void)duration_option(with(R"({"settle": "4000d"})"), "settle"); }) ==
               "`settle` must not be longer than ten years, and is \"4000d\"");
    BOOST_TEST(complaint([] { (void)poll_option(with(R"({"poll": {"interval": "41d"}})")); }) ==
               "`poll` must not have intervals longer than 40 days");
    BOOST_TEST(complaint([] { (void)time_option(with(R"({"settle": "0s"})"), "settle", 5s); }) ==
               "`settle` must be longer than nothing");
}

BOOST_AUTO_TEST_CASE(pace_is_read_over_the_usual_one)
{
    const poll_pace usual{1s, 10s, 1.5};
    BOOST_TEST((poll_option({}, usual).max_interval == 10s));
    const poll_pace slow = poll_option(with(R"({"poll": {"interval": "1m"}})"), usual);
    BOOST_TEST((slow.interval == 60s));
    BOOST_TEST((slow.max_interval == 60s));
    BOOST_TEST((poll_option(with(R"({"poll": {"max_interval": "20s", "backoff": 2}})"), usual).backoff == 2));
    BOOST_TEST(complaint([&] { (void)poll_option(with(R"({"poll": {"interval": "soon"}})"), usual); }) ==
               "`poll.interval` must be a duration such as 5s or 1m30s, not \"soon\"");
    BOOST_TEST(complaint([&] {
                   (void)poll_option(with(R"({"poll": {"interval": "5s", "max_interval": "1s"}})"), usual);
               }) == "`poll.max_interval` is shorter than `poll.interval`");
    BOOST_TEST(complaint([&] { (void)poll_option(with(R"({"poll": {"backoff": 0.5}})"), usual); }) ==
               "`poll.backoff` must be a number of at least 1, not 5E-1");
}

BOOST_AUTO_TEST_CASE(numbers_are_written_as_people_write_them)
{
    BOOST_TEST(text_of(0.5) == "0.5");
    BOOST_TEST(text_of(3) == "3");
    BOOST_TEST(text_of(true) == "true");
    BOOST_TEST(text_of(json::string("a b")) == "a b");
    BOOST_TEST(text_of(json::array{1, "x"}) == "[1,\"x\"]");
}

BOOST_AUTO_TEST_SUITE_END()
