#include "engine/server/metrics/prometheus_text.hpp"

#include <boost/test/unit_test.hpp>

using namespace potoo::server;
using namespace std::chrono_literals;

BOOST_AUTO_TEST_SUITE(prometheus_texts)

BOOST_AUTO_TEST_CASE(family_is_described_before_its_values)
{
    prometheus_text t;
    t.family("potoo_x_total", metric_kind::counter, "Things, by\nkind.");
    t.value({{"kind", "a"}, {"place", "b"}}, 3);
    t.only("potoo_y", metric_kind::gauge, "One.", 0.25);
    BOOST_TEST(t.take() == "# HELP potoo_x_total Things, by\\nkind.\n# TYPE potoo_x_total counter\n"
                           "potoo_x_total{kind=\"a\",place=\"b\"} 3\n"
                           "# HELP potoo_y One.\n# TYPE potoo_y gauge\npotoo_y 0.25\n");
}

BOOST_AUTO_TEST_CASE(label_cannot_break_out_of_its_quotes)
{
    prometheus_text t;
    t.family("x", metric_kind::gauge, "X.");
    t.value({{"name", "a\"} 1\nevil{\\"}}, 1);
    BOOST_TEST(t.take().ends_with("x{name=\"a\\\"} 1\\nevil{\\\\\"} 1\n"));
}

BOOST_AUTO_TEST_CASE(buckets_add_up)
{
    potoo::runtime::latency_histogram h;
    h.add(100us);
    h.add(3ms);
    h.add(3ms);
    h.add(1h);
    prometheus_text t;
    t.family("x_seconds", metric_kind::histogram, "X.");
    t.histogram({{"a", "b"}}, h);
    const std::string text = t.take();
    for (const char* line :
         {"x_seconds_bucket{a=\"b\",le=\"0.0001\"} 1\n", "x_seconds_bucket{a=\"b\",le=\"0.0025\"} 1\n",
          "x_seconds_bucket{a=\"b\",le=\"0.005\"} 3\n", "x_seconds_bucket{a=\"b\",le=\"10\"} 3\n",
          "x_seconds_bucket{a=\"b\",le=\"+Inf\"} 4\n", "x_seconds_sum{a=\"b\"} 3600.0061\n",
          "x_seconds_count{a=\"b\"} 4\n"})
        BOOST_TEST(text.find(line) != std::string::npos, text << "lacks " << line);
}

BOOST_AUTO_TEST_CASE(large_counters_keep_their_last_digit)
{
    prometheus_text t;
    t.only("x_total", metric_kind::counter, "X.", 123'456'789'012'345.0);
    BOOST_TEST(t.take().ends_with("x_total 123456789012345\n"));
}

BOOST_AUTO_TEST_SUITE_END()
