#include <potoo/json_members.hpp>

#include <boost/test/unit_test.hpp>

using namespace potoo;

namespace {

const json::value given = json::parse(R"({"s": "x", "n": 1, "o": {"t": "2026-11-21T08:00:00Z"}})");

} // namespace

BOOST_AUTO_TEST_SUITE(json_members)

BOOST_AUTO_TEST_CASE(member_that_is_missing_or_something_else_is_empty)
{
    const json::object& o = given.get_object();
    BOOST_TEST(text_in(o, "s") == "x");
    BOOST_TEST(text_in(o, "n").empty());
    BOOST_TEST(text_in(o, "none").empty());
    BOOST_TEST(object_in(o, "s").empty());
    BOOST_TEST(object_in(o, "none").empty());
    BOOST_TEST(!time_in(o, "s"));
    BOOST_TEST(!time_in(o, "none"));
    BOOST_TEST(format_time(time_in(object_in(o, "o"), "t").value()) == "2026-11-21T08:00:00.000Z");
}

BOOST_AUTO_TEST_CASE(text_in_what_is_no_object_is_empty)
{
    BOOST_TEST(text_in(given, "s") == "x");
    BOOST_TEST(text_in(json::value("s"), "s").empty());
    BOOST_TEST(text_in(json::value(), "s").empty());
}

BOOST_AUTO_TEST_SUITE_END()
