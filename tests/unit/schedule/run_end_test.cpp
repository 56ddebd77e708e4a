#include "machine_text.hpp"
#include "test_dag.hpp"

#include <boost/test/unit_test.hpp>

#include <string>

using namespace potoo;
using namespace potoo::schedule;
using namespace potoo::schedule::testing;

BOOST_AUTO_TEST_SUITE(run_end_test)

BOOST_AUTO_TEST_CASE(a_dag_without_tasks_ends_at_once)
{
    const graph::dag dag;
    text_machine m(dag);
    BOOST_TEST((m.machine.state() == run_state::queued));
    BOOST_TEST(m.start() == "run success");
}

BOOST_AUTO_TEST_CASE(a_failed_task_fails_the_run_after_the_others_ended)
{
    graph::dag dag;
    add(dag, "a");
    add(dag, "b");
    text_machine m(dag);
    m.start();
    BOOST_TEST(m.end(0, 0, attempt_outcome::timed_out) == "a timed_out");
    BOOST_TEST(m.succeed(1) == "b success, run failed");
}

BOOST_AUTO_TEST_CASE(a_handled_failure_still_fails_the_run)
{
    graph::dag dag;
    add(dag, "a");
    add(dag, "handler", {0}, graph::trigger_rule::one_failed);
    text_machine m(dag);
    m.start();
    m.fail(0);
    BOOST_TEST(m.succeed(1) == "handler success, run failed");
}

BOOST_AUTO_TEST_CASE(skipped_tasks_do_not_fail_the_run)
{
    graph::dag dag;
    add(dag, "a");
    add(dag, "b", {0});
    text_machine m(dag);
    m.start();
    BOOST_TEST(m.end(0, 0, attempt_outcome::skipped) == "a skipped, b skipped, run success");
}

BOOST_AUTO_TEST_CASE(a_job_cancelled_on_the_remote_side_makes_the_run_cancelled)
{
    graph::dag dag;
    add(dag, "a");
    add(dag, "b", {0});
    text_machine m(dag);
    m.start();
    BOOST_TEST(m.end(0, 0, attempt_outcome::cancelled) == "a cancelled, b upstream_failed, run cancelled");
}

BOOST_AUTO_TEST_CASE(a_failure_outweighs_a_cancelled_task)
{
    graph::dag dag;
    add(dag, "a");
    add(dag, "b");
    text_machine m(dag);
    m.start();
    m.end(0, 0, attempt_outcome::cancelled);
    BOOST_TEST(m.fail(1) == "b failed, run failed");
}

BOOST_AUTO_TEST_CASE(allow_failure_keeps_a_failed_fan_out_from_failing_the_run)
{
    graph::dag dag;
    graph::task_spec& task = add(dag, "f");
    set_foreach(task);
    task.allow_failure = true;
    add(dag, "next", {0});
    text_machine m(dag);
    m.start();
    m.evaluated(0, 2);
    m.fail(0, 0);
    BOOST_TEST(m.succeed(0, 1) == "f failed, start next.0#1");
    BOOST_TEST(m.succeed(1) == "next success, run success");
}

BOOST_AUTO_TEST_CASE(a_chain_of_100000_failures_needs_no_stack)
{
    constexpr std::uint32_t length = 100'000;
    graph::dag dag;
    add(dag, "t0");
    for (std::uint32_t t = 1; t < length; ++t)
        add(dag, "t" + std::to_string(t), {t - 1});
    run_machine m(dag);
    BOOST_TEST(m.start().size() == 1U);
    const auto actions = m.apply(attempt_ended{task_index(0), item_index(0), attempt_outcome::failed});
    BOOST_TEST(actions.size() == length + 1U);
    BOOST_TEST(m.task_totals()[task_state::upstream_failed] == length - 1);
    BOOST_TEST((m.state() == run_state::failed));
}

BOOST_AUTO_TEST_CASE(one_task_may_have_100000_successors)
{
    constexpr std::uint32_t width = 100'000;
    graph::dag dag;
    add(dag, "gate");
    for (std::uint32_t t = 1; t <= width; ++t)
        add(dag, "t" + std::to_string(t), {0});
    run_machine m(dag);
    m.start();
    BOOST_TEST(m.apply(attempt_ended{task_index(0), item_index(0), attempt_outcome::success}).size() == width + 1U);
    BOOST_TEST(m.in_flight() == width);
}

BOOST_AUTO_TEST_SUITE_END()
