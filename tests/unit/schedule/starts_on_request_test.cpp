#include "machine_text.hpp"
#include "test_dag.hpp"

#include <boost/test/unit_test.hpp>

#include <stdexcept>
#include <string>

using namespace potoo;
using namespace potoo::schedule;
using namespace potoo::schedule::testing;

namespace {

struct asked_machine : text_machine
{
    explicit asked_machine(const graph::dag& dag) : text_machine(dag) { machine.start_on_request(); }

    std::string admit(std::uint32_t most) { return text(machine.admit(most)); }

    std::string begin(std::uint32_t task, std::uint32_t item, std::uint32_t attempt)
    {
        return apply(attempt_started{task_index(task), item_index(item), attempt_number(attempt)});
    }
};

graph::dag fan_out_dag(std::uint32_t max_active = 0)
{
    graph::dag dag;
    set_foreach(add(dag, "f"), max_active);
    set_retry(dag.tasks[0], {.limit = 1});
    return dag;
}

} // namespace

BOOST_AUTO_TEST_SUITE(starts_on_request)

BOOST_AUTO_TEST_CASE(nothing_starts_unless_it_is_asked_for)
{
    graph::dag dag;
    add(dag, "a");
    add(dag, "b", {0});
    asked_machine m(dag);
    BOOST_TEST(m.start() == "");
    BOOST_TEST(m.machine.may_start());
    BOOST_TEST(m.admit(0) == "");
    BOOST_TEST(m.admit(5) == "start a.0#1");
    BOOST_TEST(!m.machine.may_start());
    BOOST_TEST(m.succeed(0) == "a success");
    BOOST_TEST(m.machine.may_start());
    BOOST_TEST(m.admit(5) == "start b.0#1");
}

BOOST_AUTO_TEST_CASE(items_stream_in_as_many_as_are_asked_for)
{
    const graph::dag dag = fan_out_dag(3);
    asked_machine m(dag);
    m.start();
    BOOST_TEST(m.evaluated(0, 1'000'000) == "");
    BOOST_TEST(m.admit(2) == "start f.0#1, start f.1#1");
    BOOST_TEST(m.admit(2) == "start f.2#1");
    BOOST_TEST(!m.machine.may_start());
    BOOST_TEST(m.succeed(0, 1) == "");
    BOOST_TEST(m.admit(2) == "start f.3#1");
    BOOST_TEST(m.counts(0) == "999996 queued, 3 running, 1 success");
}

BOOST_AUTO_TEST_CASE(attempt_that_has_not_begun_is_withdrawn)
{
    const graph::dag dag = fan_out_dag();
    asked_machine m(dag);
    m.start();
    m.evaluated(0, 4);
    m.admit(3);
    m.begin(0, 1, 1);
    BOOST_TEST(m.cancel() == "withdraw f.0#1, cancel f.1#1 user, withdraw f.2#1");
    BOOST_TEST(m.state(0, 0) == "cancelled");
    BOOST_TEST(m.machine.attempt_of(task_index(0), item_index(0)).value() == 0u);
    BOOST_TEST(m.machine.in_flight() == 1u);
    BOOST_TEST(m.end(0, 1, attempt_outcome::cancelled) == "f cancelled, run cancelled");
}

BOOST_AUTO_TEST_CASE(slot_of_a_withdrawn_attempt_is_given_back)
{
    graph::dag dag;
    dag.pools = {{"p", 1}};
    add(dag, "a").pool = pool_index(0);
    add(dag, "b").pool = pool_index(0);
    asked_machine m(dag);
    m.start();
    BOOST_TEST(m.admit(9) == "start a.0#1");
    BOOST_TEST(m.apply(task_cancel_requested{task_index(0)}) == "withdraw a.0#1, a cancelled");
    BOOST_TEST(m.machine.usage_of(pool_index(0)).used == 0u);
    BOOST_TEST(m.admit(9) == "start b.0#1");
}

BOOST_AUTO_TEST_CASE(recorded_starts_come_in_any_order_and_whatever_limits_hold)
{
    graph::dag dag = fan_out_dag(1);
    dag.pools = {{"p", 1}};
    dag.tasks[0].pool = pool_index(0);
    asked_machine m(dag);
    m.start();
    m.evaluated(0, 6);
    BOOST_TEST(m.begin(0, 4, 1) == "");
    BOOST_TEST(m.begin(0, 1, 3) == "");
    BOOST_TEST(m.begin(0, 4, 1) == "");
    BOOST_TEST(m.counts(0) == "4 queued, 2 running");
    BOOST_TEST(m.machine.usage_of(pool_index(0)).used == 2u);
    BOOST_TEST(m.admit(9) == "");
    m.succeed(0, 4);
    BOOST_TEST(m.end(0, 1, attempt_outcome::interrupted) == "");
    BOOST_TEST(m.counts(0) == "5 queued, 1 success");
    for (const char* next : {"start f.0#1", "start f.1#4", "start f.2#1", "start f.3#1", "start f.5#1"}) {
        BOOST_TEST(m.admit(9) == next);
        const auto item = static_cast<std::uint32_t>(next[8] - '0');
        m.succeed(0, item);
    }
    BOOST_TEST(m.state(0) == "success");
}

BOOST_AUTO_TEST_CASE(recorded_start_takes_the_place_of_a_retry)
{
    const graph::dag dag = fan_out_dag();
    asked_machine m(dag);
    m.start();
    m.evaluated(0, 1);
    m.admit(1);
    m.end(0, 0, attempt_outcome::failed, true);
    BOOST_TEST(m.begin(0, 0, 2) == "disarm f.0");
    BOOST_TEST(m.state(0, 0) == "running");
    BOOST_TEST(m.succeed(0, 0) == "f success, run success");
}

BOOST_AUTO_TEST_CASE(start_that_cannot_be_is_refused)
{
    graph::dag dag;
    add(dag, "a");
    add(dag, "b", {0});
    asked_machine m(dag);
    BOOST_CHECK_THROW(m.admit(1), std::logic_error);
    m.start();
    m.begin(0, 0, 2);
    BOOST_CHECK_THROW(m.begin(0, 0, 3), std::logic_error);
    BOOST_CHECK_THROW(m.begin(0, 0, 1), std::logic_error);
    BOOST_CHECK_THROW(m.begin(1, 0, 1), std::logic_error);
    BOOST_CHECK_THROW(m.begin(0, 1, 1), std::out_of_range);
    m.succeed(0);
    BOOST_CHECK_THROW(m.begin(0, 0, 3), std::logic_error);
    BOOST_CHECK_THROW(m.begin(1, 0, 0), std::logic_error);

    text_machine unasked(dag);
    unasked.start();
    BOOST_CHECK_THROW(unasked.machine.admit(1), std::logic_error);
}

BOOST_AUTO_TEST_SUITE_END()
