#include "engine/cli/display/log_tail.hpp"

#include <boost/test/unit_test.hpp>

using namespace potoo;
using namespace potoo::cli;
using journal::log_stream;

namespace {

constexpr task_index t(0);
constexpr item_index i(3);

} // namespace

BOOST_AUTO_TEST_SUITE(log_tails)

BOOST_AUTO_TEST_CASE(last_lines_are_kept)
{
    log_tail tail;
    for (int n = 0; n < 25; ++n)
        tail.add(t, i, log_stream::out, "line " + std::to_string(n) + "\n");
    const auto lines = tail.take(t, i);
    BOOST_REQUIRE(lines.size() == log_tail::lines_kept);
    BOOST_TEST(lines.front() == "line 15");
    BOOST_TEST(lines.back() == "line 24");
    BOOST_TEST(tail.take(t, i).empty());
}

BOOST_AUTO_TEST_CASE(pieces_of_a_line_are_joined_by_stream)
{
    log_tail tail;
    tail.add(t, i, log_stream::out, "one ");
    tail.add(t, i, log_stream::err, "problem\n");
    tail.add(t, i, log_stream::out, "two\r\nthree");
    const auto lines = tail.take(t, i);
    BOOST_REQUIRE(lines.size() == 3u);
    BOOST_TEST(lines[0] == "problem");
    BOOST_TEST(lines[1] == "one two");
    BOOST_TEST(lines[2] == "three");
}

BOOST_AUTO_TEST_CASE(endless_line_takes_limited_room)
{
    log_tail tail;
    for (int n = 0; n < 1000; ++n)
        tail.add(t, i, log_stream::out, std::string(1000, 'x'));
    const auto lines = tail.take(t, i);
    BOOST_REQUIRE(lines.size() == 1u);
    BOOST_TEST(lines[0].size() == log_tail::line_length);
}

BOOST_AUTO_TEST_CASE(attempts_beyond_the_limit_are_not_kept)
{
    log_tail tail;
    for (std::uint32_t n = 0; n <= log_tail::attempts_kept; ++n)
        tail.add(t, item_index(n), log_stream::out, "x\n");
    BOOST_TEST(!tail.take(t, item_index(0)).empty());
    BOOST_TEST(tail.take(t, item_index(log_tail::attempts_kept)).empty());
}

BOOST_AUTO_TEST_SUITE_END()
