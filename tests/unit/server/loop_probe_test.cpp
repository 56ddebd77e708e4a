#include "engine/loop/virtual_loop.hpp"
#include "engine/server/metrics/loop_probe.hpp"

#include <boost/test/unit_test.hpp>

using namespace potoo;
using namespace potoo::server;
using namespace std::chrono_literals;

BOOST_AUTO_TEST_SUITE(loop_probes)

BOOST_AUTO_TEST_CASE(loop_that_goes_on_is_not_late)
{
    boost::asio::io_context context(1);
    virtual_loop l(context);
    const loop_probe probe(l);
    l.run(10s);
    BOOST_TEST(probe.lateness().count() >= 95u);
    BOOST_TEST((probe.lateness().longest() <= 2ms));
    BOOST_TEST(probe.stalls() == 0u);
}

BOOST_AUTO_TEST_CASE(turn_that_lasts_is_a_stall_while_it_lasts_and_after)
{
    boost::asio::io_context context(1);
    virtual_loop l(context);
    const loop_probe probe(l);
    l.run(1s);
    l.advance_to(l.now() + 3s);
    BOOST_TEST((probe.overdue() > 2800ms));
    l.run(1s);
    BOOST_TEST(probe.stalls() == 1u);
    BOOST_TEST((probe.lateness().longest() > 2800ms));
    BOOST_TEST((probe.overdue() < 10ms));
}

BOOST_AUTO_TEST_SUITE_END()
