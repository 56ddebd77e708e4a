#include <potoo/time.hpp>

#include <boost/test/unit_test.hpp>
#include <rapidcheck.h>

using namespace potoo;
using namespace std::chrono_literals;

namespace {

constexpr duration longest = 24h * 10'000;

void reads(std::string_view text, duration expected)
{
    BOOST_TEST_CONTEXT(text)
    {
        const auto d = parse_duration(text);
        BOOST_REQUIRE(d.has_value());
        BOOST_TEST(d->count() == expected.count());
    }
}

void refuses(std::string_view text)
{
    BOOST_TEST(!parse_duration(text).has_value(), "`" << text << "` is no duration");
}

void means(std::string_view text, std::string_view same)
{
    BOOST_TEST_CONTEXT(text)
    {
        const auto t = parse_time(text);
        BOOST_REQUIRE(t.has_value());
        BOOST_TEST(format_time(*t) == same);
    }
}

void refuses_time(std::string_view text)
{
    BOOST_TEST(!parse_time(text).has_value(), "`" << text << "` is no time");
}

} // namespace

BOOST_AUTO_TEST_SUITE(time_text)

BOOST_AUTO_TEST_CASE(durations_are_read)
{
    reads("150ms", 150ms);
    reads("30s", 30s);
    reads("1.5h", 90min);
    reads("2d", 48h);
    reads("1h30m", 90min);
    reads("1d2h3m4s5ms", 26h + 3min + 4s + 5ms);
    reads("0s", 0ms);
    reads("007s", 7s);
    reads("0.001s", 1ms);
    reads("1.50000000000000000000s", 1500ms);
    reads("0.0009765625d", 84'375ms);
    reads("90m", 90min);
    reads("10000d", longest);
    reads("864000000000ms", longest);
    reads("9999d24h", longest);
}

BOOST_AUTO_TEST_CASE(what_is_no_duration_is_refused)
{
    for (const auto* text : {"",
                             "5",
                             "s",
                             "-5s",
                             "+5s",
                             "5 s",
                             " 5s",
                             "5s ",
                             "5S",
                             "5sec",
                             "1h1h",
                             "1s1m",
                             "1ms1s",
                             ".5s",
                             "5.s",
                             "1.5ms",
                             "0.0001s",
                             "0.00000000001d",
                             "10001d",
                             "10000d1ms",
                             "99999999999999999999d",
                             "1e3s",
                             "5s5",
                             "1h-1m",
                             "µs",
                             "864000000001ms",
                             "0x5s",
                             "1,5s",
                             "5s\n"}) {
        refuses(text);
    }
    refuses(std::string_view("5s\0", 3));
}

BOOST_AUTO_TEST_CASE(durations_are_written_in_whole_units)
{
    BOOST_TEST(format_duration(90s) == "1m30s");
    BOOST_TEST(format_duration(0ms) == "0ms");
    BOOST_TEST(format_duration(1500ms) == "1s500ms");
    BOOST_TEST(format_duration(48h) == "2d");
    BOOST_TEST(format_duration(26h + 3min + 4s + 5ms) == "1d2h3m4s5ms");
    BOOST_TEST(format_duration(-90s) == "-1m30s");
    BOOST_TEST(format_duration(duration::min()) == "-106751991167d7h12m55s808ms");
    BOOST_TEST(format_duration(duration::max()) == "106751991167d7h12m55s807ms");
}

BOOST_AUTO_TEST_CASE(a_duration_written_reads_back)
{
    const auto in_range = rc::gen::inRange<std::int64_t>(0, longest.count() + 1);
    const bool held = rc::check("round trip", [&] {
        const duration d{*rc::gen::oneOf(in_range, rc::gen::inRange<std::int64_t>(0, 100'000))};
        RC_ASSERT(parse_duration(format_duration(d)) == d);
    });
    BOOST_TEST(held);
}

BOOST_AUTO_TEST_CASE(any_text_is_read_or_refused)
{
    const auto soup = rc::gen::container<std::string>(rc::gen::elementOf(std::string("0123456789.:-+TZtzdhms ")));
    const bool held = rc::check("nothing else happens", [&] {
        const auto text = *rc::gen::oneOf(rc::gen::arbitrary<std::string>(), soup);
        const auto d = parse_duration(text);
        RC_ASSERT(!d || (*d >= 0ms && *d <= longest));
        (void)parse_time(text);
    });
    BOOST_TEST(held);
}

BOOST_AUTO_TEST_CASE(times_are_read)
{
    means("2026-11-21T08:00:00Z", "2026-11-21T08:00:00.000Z");
    means("2026-11-21t08:00:00z", "2026-11-21T08:00:00.000Z");
    means("2026-11-21T08:00:00.5Z", "2026-11-21T08:00:00.500Z");
    means("2026-11-21T08:00:00.123999999999Z", "2026-11-21T08:00:00.123Z");
    means("2026-11-21T08:00:00+02:00", "2026-11-21T06:00:00.000Z");
    means("2026-11-21T00:30:00+01:00", "2026-11-20T23:30:00.000Z");
    means("2026-12-31T23:30:00-05:30", "2027-01-01T05:00:00.000Z");
    means("2024-02-29T00:00:00-00:00", "2024-02-29T00:00:00.000Z");
    means("2016-12-31T23:59:60Z", "2017-01-01T00:00:00.000Z");
    means("1969-12-31T23:59:59.999Z", "1969-12-31T23:59:59.999Z");
    means("0000-01-01T00:00:00Z", "0000-01-01T00:00:00.000Z");
    means("9999-12-31T23:59:59.999Z", "9999-12-31T23:59:59.999Z");
    BOOST_TEST(parse_time("1970-01-01T00:00:01.002Z")->time_since_epoch().count() == 1002);
}

BOOST_AUTO_TEST_CASE(what_is_no_time_is_refused)
{
    for (const auto* text : {"",
                             "2026-11-21",
                             "2026-11-21T08:00:00",
                             "2026-11-21 08:00:00Z",
                             "2026-11-21T08:00Z",
                             "2026-02-29T00:00:00Z",
                             "2026-13-01T00:00:00Z",
                             "2026-00-01T00:00:00Z",
                             "2026-01-00T00:00:00Z",
                             "2026-04-31T00:00:00Z",
                             "2026-01-01T24:00:00Z",
                             "2026-01-01T00:60:00Z",
                             "2026-01-01T00:00:61Z",
                             "2026-01-01T00:00:00.Z",
                             "2026-01-01T00:00:00+0100",
                             "2026-01-01T00:00:00+24:00",
                             "2026-01-01T00:00:00+01:60",
                             "2026-01-01T00:00:00Z ",
                             " 2026-01-01T00:00:00Z",
                             "26-01-01T00:00:00Z",
                             "2026-1-01T00:00:00Z",
                             "-2026-01-01T00:00:00Z",
                             "2026/01/01T00:00:00Z",
                             "2026-01-01T00:00:00Zx"}) {
        refuses_time(text);
    }
}

BOOST_AUTO_TEST_CASE(a_time_written_reads_back)
{
    const auto first = *parse_time("0000-01-01T00:00:00Z");
    const auto last = *parse_time("9999-12-31T23:59:59.999Z");
    const bool held = rc::check("round trip", [&] {
        const wall_time t{duration{
            *rc::gen::inRange<std::int64_t>(first.time_since_epoch().count(), last.time_since_epoch().count() + 1)}};
        RC_ASSERT(parse_time(format_time(t)) == t);
    });
    BOOST_TEST(held);
}

BOOST_AUTO_TEST_CASE(a_time_that_cannot_be_written_is_the_nearest_that_can)
{
    BOOST_TEST(format_time(wall_time::max()) == "9999-12-31T23:59:59.999Z");
    BOOST_TEST(format_time(wall_time::min()) == "0000-01-01T00:00:00.000Z");
}

BOOST_AUTO_TEST_SUITE_END()
