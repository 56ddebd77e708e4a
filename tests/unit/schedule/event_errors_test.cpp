#include "machine_text.hpp"
#include "test_dag.hpp"

#include <boost/test/unit_test.hpp>

#include <limits>
#include <stdexcept>
#include <string>

using namespace potoo;
using namespace potoo::schedule;
using namespace potoo::schedule::testing;

namespace {

graph::dag chain()
{
    graph::dag dag;
    dag.name = "chain";
    add(dag, "a");
    add(dag, "b", {0});
    return dag;
}

} // namespace

BOOST_AUTO_TEST_SUITE(event_errors_test)

BOOST_AUTO_TEST_CASE(a_run_starts_once_and_before_any_event)
{
    const graph::dag dag = chain();
    text_machine m(dag);
    BOOST_CHECK_THROW(m.cancel(), std::logic_error);
    m.start();
    BOOST_CHECK_THROW(m.start(), std::logic_error);
}

BOOST_AUTO_TEST_CASE(an_unknown_task_item_or_pool_is_named)
{
    const graph::dag dag = chain();
    text_machine m(dag);
    m.start();
    BOOST_CHECK_EXCEPTION(m.succeed(2), std::out_of_range, [](const std::out_of_range& e) {
        return e.what() == std::string("there is no task 2: 'chain' has 2 tasks");
    });
    BOOST_CHECK_EXCEPTION(m.succeed(0, 1), std::out_of_range, [](const std::out_of_range& e) {
        return e.what() == std::string("there is no item 1: task 'a' has 1 items");
    });
    BOOST_CHECK_THROW(m.apply(pool_resized{pool_index(0), 1}), std::out_of_range);
    BOOST_CHECK_THROW(m.apply(task_cancel_requested{task_index(9)}), std::out_of_range);
    BOOST_CHECK_THROW(static_cast<void>(m.state(7)), std::out_of_range);
}

BOOST_AUTO_TEST_CASE(an_attempt_that_is_not_under_way_cannot_end)
{
    const graph::dag dag = chain();
    text_machine m(dag);
    m.start();
    BOOST_CHECK_EXCEPTION(m.succeed(1), std::logic_error, [](const std::logic_error& e) {
        return e.what() == std::string("attempt_ended: task 'b', item 0 has no attempt in flight (it is pending)");
    });
    m.succeed(0);
    BOOST_CHECK_THROW(m.succeed(0), std::logic_error);
}

BOOST_AUTO_TEST_CASE(a_task_that_was_not_asked_for_cannot_be_evaluated)
{
    const graph::dag dag = chain();
    text_machine m(dag);
    m.start();
    BOOST_CHECK_THROW(m.evaluated(0, 1), std::logic_error);
}

BOOST_AUTO_TEST_CASE(a_run_is_not_cancelled_by_a_shutdown)
{
    const graph::dag dag = chain();
    text_machine m(dag);
    m.start();
    for (const auto reason : {cancel_reason::none, cancel_reason::shutdown, cancel_reason::lost_lease})
        BOOST_CHECK_THROW(m.cancel(reason), std::invalid_argument);
}

BOOST_AUTO_TEST_CASE(jitter_out_of_range_is_refused_and_the_machine_stays_as_it_was)
{
    const graph::dag dag = chain();
    text_machine m(dag);
    m.start();
    BOOST_CHECK_THROW(m.end(0, 0, attempt_outcome::failed, true, 1.5), std::invalid_argument);
    BOOST_CHECK_THROW(m.end(0, 0, attempt_outcome::failed, true, std::numeric_limits<double>::quiet_NaN()),
                      std::invalid_argument);
    BOOST_TEST(m.machine.in_flight() == 1U);
    BOOST_TEST(m.succeed(0) == "a success, start b.0#1");
}

BOOST_AUTO_TEST_CASE(values_outside_their_enumeration_are_refused)
{
    graph::dag dag;
    add(dag, "a").when = any_expression();
    text_machine m(dag);
    m.start();
    BOOST_CHECK_THROW(m.apply(task_evaluated{task_index(0), static_cast<verdict>(9)}), std::invalid_argument);
    BOOST_TEST(m.evaluated(0, 1) == "start a.0#1");
    BOOST_CHECK_THROW(m.end(0, 0, static_cast<attempt_outcome>(9)), std::invalid_argument);
    BOOST_TEST(m.succeed(0) == "a success, run success");
}

BOOST_AUTO_TEST_CASE(a_dag_that_was_not_validated_is_refused)
{
    graph::dag without_policy = chain();
    without_policy.tasks[1].retry = nullptr;
    BOOST_CHECK_THROW(run_machine{without_policy}, std::invalid_argument);
    graph::dag without_pool = chain();
    without_pool.tasks[1].pool = pool_index(0);
    BOOST_CHECK_THROW(run_machine{without_pool}, std::invalid_argument);
}

BOOST_AUTO_TEST_SUITE_END()
