#include "engine/server/metrics/statsd_sender.hpp"

#include <boost/test/unit_test.hpp>

using namespace potoo::server;
using namespace std::chrono_literals;

BOOST_AUTO_TEST_SUITE(statsd)

BOOST_AUTO_TEST_CASE(counter_leaves_as_what_was_added)
{
    statsd_lines lines;
    const auto collect = [&](double total) {
        lines.family("calls_total", metric_kind::counter, "Calls.");
        lines.value({{"backend", "a.b:c|d"}}, total);
        return lines.take();
    };
    BOOST_TEST(collect(5).at(0) == "calls_total.a_b_c_d:5|c");
    BOOST_TEST(collect(7).at(0) == "calls_total.a_b_c_d:2|c");
    BOOST_TEST(collect(7).empty());
}

BOOST_AUTO_TEST_CASE(gauge_leaves_as_it_is)
{
    statsd_lines lines;
    for (int i = 0; i < 2; ++i) {
        lines.only("open", metric_kind::gauge, "Open.", 3);
        BOOST_TEST(lines.take().at(0) == "open:3|g");
    }
}

BOOST_AUTO_TEST_CASE(histogram_leaves_as_number_and_mean)
{
    potoo::runtime::latency_histogram h;
    statsd_lines lines;
    const auto collect = [&] {
        lines.family("late_seconds", metric_kind::histogram, "Late.");
        lines.histogram({}, h);
        return lines.take();
    };
    BOOST_TEST(collect().empty());
    h.add(2ms);
    h.add(4ms);
    BOOST_TEST(collect().at(0) == "late_seconds.count:2|c\nlate_seconds.mean:3|ms");
    h.add(10ms);
    BOOST_TEST(collect().at(0) == "late_seconds.count:1|c\nlate_seconds.mean:10|ms");
}

BOOST_AUTO_TEST_CASE(packets_fit_a_datagram)
{
    statsd_lines lines;
    lines.family("x", metric_kind::gauge, "X.");
    for (int i = 0; i < 1'000; ++i)
        lines.value({{"n", std::to_string(i)}}, i);
    const auto packets = lines.take();
    BOOST_TEST(packets.size() > 5u);
    for (const std::string& p : packets) {
        BOOST_TEST(p.size() <= 1'400u);
        BOOST_TEST(!p.ends_with('\n'));
    }
}

BOOST_AUTO_TEST_SUITE_END()
