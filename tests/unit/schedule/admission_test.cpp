#include "machine_text.hpp"
#include "test_dag.hpp"

#include <boost/test/unit_test.hpp>

#include <string>

using namespace potoo;
using namespace potoo::schedule;
using namespace potoo::schedule::testing;

namespace {

/// Tasks a, b, c, … without upstream, all in one pool.
graph::dag pooled(std::uint32_t tasks, std::uint32_t slots)
{
    graph::dag dag;
    dag.pools = {{"p", slots}};
    for (std::uint32_t t = 0; t < tasks; ++t)
        add(dag, std::string(1, static_cast<char>('a' + t))).pool = pool_index(0);
    return dag;
}

} // namespace

BOOST_AUTO_TEST_SUITE(admission_test)

BOOST_AUTO_TEST_CASE(a_pool_admits_as_many_as_it_has_slots)
{
    const graph::dag dag = pooled(3, 2);
    text_machine m(dag);
    BOOST_TEST(m.start() == "start a.0#1, start b.0#1");
    BOOST_TEST(m.state(2) == "queued");
    BOOST_TEST((m.machine.usage_of(pool_index(0)) == pool_usage{2, 2}));
    BOOST_TEST(m.succeed(1) == "b success, start c.0#1");
}

BOOST_AUTO_TEST_CASE(a_full_pool_does_not_hold_up_other_tasks)
{
    graph::dag dag = pooled(2, 1);
    add(dag, "z");
    text_machine m(dag);
    BOOST_TEST(m.start() == "start a.0#1, start z.0#1");
}

BOOST_AUTO_TEST_CASE(a_deferred_attempt_keeps_its_slot)
{
    const graph::dag dag = pooled(2, 1);
    text_machine m(dag);
    m.start();
    BOOST_TEST(m.apply(attempt_deferred{task_index(0), item_index(0)}) == "");
    BOOST_TEST(m.state(0) == "deferred");
    BOOST_TEST((m.machine.usage_of(pool_index(0)) == pool_usage{1, 1}));
    BOOST_TEST(m.apply(attempt_resumed{task_index(0), item_index(0)}) == "");
    BOOST_TEST(m.state(0) == "running");
    BOOST_TEST(m.succeed(0) == "a success, start b.0#1");
}

BOOST_AUTO_TEST_CASE(a_deferred_attempt_may_give_back_its_slot)
{
    graph::dag dag = pooled(3, 1);
    set_retry(dag.tasks[0], {.limit = 1});
    text_machine m(dag);
    m.start();
    const attempt_deferred given_back{task_index(0), item_index(0), false};
    BOOST_TEST(m.apply(given_back) == "start b.0#1");
    BOOST_TEST((m.machine.usage_of(pool_index(0)) == pool_usage{1, 1}));
    BOOST_TEST(m.machine.in_flight() == 2u);
    BOOST_TEST(m.apply(attempt_resumed{task_index(0), item_index(0)}) == "");
    BOOST_TEST(m.apply(given_back) == "");
    BOOST_TEST(m.succeed(1) == "b success, start c.0#1");
    BOOST_TEST(m.end(0, 0, attempt_outcome::failed, true) == "retry a.0#2 in 0ms");
    BOOST_TEST((m.machine.usage_of(pool_index(0)) == pool_usage{1, 1}));
    m.apply(retry_due{task_index(0), item_index(0)});
    BOOST_TEST(m.succeed(2) == "c success, start a.0#2");
    BOOST_TEST((m.machine.usage_of(pool_index(0)) == pool_usage{1, 1}));
    BOOST_TEST(m.succeed(0) == "a success, run success");
    BOOST_TEST((m.machine.usage_of(pool_index(0)) == pool_usage{0, 1}));
}

BOOST_AUTO_TEST_CASE(an_item_that_gives_back_its_slot_does_not_count_in_max_active)
{
    graph::dag dag;
    set_foreach(add(dag, "a"), 1);
    text_machine m(dag);
    m.start();
    BOOST_TEST(m.evaluated(0, 4) == "start a.0#1");
    BOOST_TEST(m.apply(attempt_deferred{task_index(0), item_index(0), false}) == "start a.1#1");
    BOOST_TEST(m.apply(attempt_deferred{task_index(0), item_index(1), false}) == "start a.2#1");
    BOOST_TEST(m.succeed(0, 0) == "");
    BOOST_TEST(m.succeed(0, 2) == "start a.3#1");
    BOOST_TEST(m.succeed(0, 1) == "");
    BOOST_TEST(m.succeed(0, 3) == "a success, run success");
}

BOOST_AUTO_TEST_CASE(a_cancelling_attempt_keeps_its_slot)
{
    const graph::dag dag = pooled(2, 1);
    text_machine m(dag);
    m.start();
    BOOST_TEST(m.apply(task_cancel_requested{task_index(0)}) == "cancel a.0#1 user");
    BOOST_TEST(m.state(1) == "queued");
    BOOST_TEST(m.end(0, 0, attempt_outcome::cancelled) == "a cancelled, start b.0#1");
}

BOOST_AUTO_TEST_CASE(between_attempts_no_slot_is_held)
{
    graph::dag dag = pooled(2, 1);
    set_retry(dag.tasks[0], {.limit = 1});
    text_machine m(dag);
    m.start();
    BOOST_TEST(m.end(0, 0, attempt_outcome::failed, true) == "retry a.0#2 in 0ms, start b.0#1");
    BOOST_TEST(m.apply(retry_due{task_index(0), item_index(0)}) == "");
    BOOST_TEST(m.state(0) == "queued");
    BOOST_TEST(m.succeed(1) == "b success, start a.0#2");
}

BOOST_AUTO_TEST_CASE(a_pool_made_larger_admits_at_once_and_made_smaller_drains)
{
    const graph::dag dag = pooled(5, 1);
    text_machine m(dag);
    m.start();
    BOOST_TEST(m.apply(pool_resized{pool_index(0), 3}) == "start b.0#1, start c.0#1");
    BOOST_TEST(m.apply(pool_resized{pool_index(0), 1}) == "");
    BOOST_TEST((m.machine.usage_of(pool_index(0)) == pool_usage{3, 1}));
    BOOST_TEST(m.succeed(0) == "a success");
    BOOST_TEST(m.succeed(1) == "b success");
    BOOST_TEST(m.succeed(2) == "c success, start d.0#1");
}

BOOST_AUTO_TEST_CASE(larger_priority_starts_first_then_the_earlier_task)
{
    graph::dag dag = pooled(4, 1);
    dag.tasks[1].priority = 5;
    dag.tasks[3].priority = 5;
    dag.tasks[2].priority = -1;
    text_machine m(dag);
    BOOST_TEST(m.start() == "start b.0#1");
    BOOST_TEST(m.succeed(1) == "b success, start d.0#1");
    BOOST_TEST(m.succeed(3) == "d success, start a.0#1");
    BOOST_TEST(m.succeed(0) == "a success, start c.0#1");
}

BOOST_AUTO_TEST_CASE(priority_counts_across_pools_under_the_limit_of_the_run)
{
    graph::dag dag;
    dag.pools = {{"p", 1}, {"q", 1}};
    add(dag, "gate");
    add(dag, "a", {0}).pool = pool_index(0);
    add(dag, "b", {0}).pool = pool_index(1);
    add(dag, "c", {0});
    add(dag, "d", {0}).pool = pool_index(1);
    dag.tasks[4].priority = 2;
    dag.tasks[3].priority = 1;
    text_machine m(dag);
    m.start();
    m.apply(admission_limit_changed{1});
    BOOST_TEST(m.succeed(0) == "gate success, start d.0#1");
    BOOST_TEST(m.succeed(4) == "d success, start c.0#1");
    BOOST_TEST(m.succeed(3) == "c success, start a.0#1");
    BOOST_TEST(m.apply(admission_limit_changed{0}) == "start b.0#1");
}

BOOST_AUTO_TEST_CASE(a_slot_is_not_lost_when_the_task_it_was_meant_for_is_cancelled)
{
    const graph::dag dag = pooled(3, 1);
    text_machine m(dag);
    m.start();
    m.apply(run_paused{});
    BOOST_TEST(m.succeed(0) == "a success");
    BOOST_TEST(m.apply(task_cancel_requested{task_index(1)}) == "b cancelled");
    BOOST_TEST(m.apply(run_resumed{}) == "start c.0#1");
}

BOOST_AUTO_TEST_CASE(max_active_bounds_the_items_in_flight_of_a_task)
{
    graph::dag dag;
    set_foreach(add(dag, "a"), 2);
    text_machine m(dag);
    BOOST_TEST(m.start() == "evaluate a");
    BOOST_TEST(m.evaluated(0, 4) == "start a.0#1, start a.1#1");
    m.apply(attempt_deferred{task_index(0), item_index(1)});
    BOOST_TEST(m.succeed(0, 0) == "start a.2#1");
    BOOST_TEST(m.counts(0) == "1 queued, 1 running, 1 deferred, 1 success");
}

BOOST_AUTO_TEST_CASE(the_limit_of_the_run_bounds_all_attempts_in_flight)
{
    graph::dag dag;
    for (const char* name : {"a", "b", "c"})
        add(dag, name);
    text_machine m(dag);
    BOOST_TEST(m.start() == "start a.0#1, start b.0#1, start c.0#1");
    m.apply(admission_limit_changed{1});
    BOOST_TEST(m.machine.in_flight() == 3U);

    graph::dag fan;
    set_foreach(add(fan, "f"));
    text_machine n(fan);
    n.start();
    n.apply(admission_limit_changed{2});
    BOOST_TEST(n.evaluated(0, 5) == "start f.0#1, start f.1#1");
    BOOST_TEST(n.succeed(0, 1) == "start f.2#1");
    BOOST_TEST(n.apply(admission_limit_changed{0}) == "start f.3#1, start f.4#1");
}

BOOST_AUTO_TEST_CASE(a_paused_run_starts_nothing_and_lets_what_runs_go_on)
{
    graph::dag dag;
    add(dag, "a");
    add(dag, "b", {0});
    add(dag, "c", {0}).when = any_expression();
    text_machine m(dag);
    m.start();
    BOOST_TEST(m.apply(run_paused{}) == "");
    BOOST_TEST((m.machine.state() == run_state::paused));
    BOOST_TEST(m.succeed(0) == "a success, evaluate c");
    BOOST_TEST(m.evaluated(2, 1) == "");
    BOOST_TEST(m.apply(run_resumed{}) == "start b.0#1, start c.0#1");
    BOOST_TEST((m.machine.state() == run_state::running));
}

BOOST_AUTO_TEST_SUITE_END()
