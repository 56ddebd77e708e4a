#include "machine_text.hpp"
#include "test_dag.hpp"

#include <boost/test/unit_test.hpp>

using namespace potoo;
using namespace potoo::schedule;
using namespace potoo::schedule::testing;

namespace {

/// One item in each state a live item can be in: 0 cancelled-to-be deferred, 1 running, 2 retrying, 3 ended, 4 queued
/// again, 5 never started; and a task behind it.
struct mixed_run
{
    graph::dag dag = [] {
        graph::dag result;
        graph::task_spec& task = add(result, "f");
        set_foreach(task, 5);
        set_retry(task, {.limit = 3});
        add(result, "next", {0});
        return result;
    }();
    text_machine m{dag};

    mixed_run()
    {
        m.start();
        m.evaluated(0, 6);
        m.apply(run_paused{});
        m.apply(attempt_deferred{task_index(0), item_index(0)});
        m.end(0, 2, attempt_outcome::failed, true);
        m.succeed(0, 3);
        m.end(0, 4, attempt_outcome::interrupted);
    }
};

} // namespace

BOOST_AUTO_TEST_SUITE(cancel_test)

BOOST_AUTO_TEST_CASE(a_cancel_ends_what_waits_and_asks_what_runs_to_stop)
{
    mixed_run run;
    BOOST_TEST(run.m.counts(0) == "2 queued, 1 running, 1 deferred, 1 retrying, 1 success");
    BOOST_TEST(run.m.cancel() == "cancel f.0#1 user, cancel f.1#1 user, disarm f.2, next cancelled");
    BOOST_TEST(run.m.counts(0) == "2 cancelling, 1 success, 3 cancelled");
    BOOST_TEST(run.m.state(0) == "cancelling");
    BOOST_TEST((run.m.machine.state() == run_state::running));
    BOOST_TEST((run.m.machine.cancel_reason_of(task_index(0)) == cancel_reason::user));
    BOOST_TEST(run.m.end(0, 1, attempt_outcome::cancelled) == "");
    BOOST_TEST(run.m.end(0, 0, attempt_outcome::cancelled) == "f cancelled, run cancelled");
    BOOST_TEST(run.m.counts(0) == "1 success, 5 cancelled");
}

BOOST_AUTO_TEST_CASE(a_cancelling_attempt_keeps_the_outcome_it_really_had)
{
    mixed_run run;
    run.m.cancel();
    run.m.succeed(0, 0);
    BOOST_TEST(run.m.state(0, 0) == "success");
    BOOST_TEST(run.m.end(0, 1, attempt_outcome::failed, true) == "f failed, run cancelled");
    BOOST_TEST(run.m.state(0, 1) == "failed");
}

BOOST_AUTO_TEST_CASE(nothing_is_tried_again_after_a_cancel)
{
    mixed_run run;
    run.m.cancel();
    BOOST_TEST(run.m.apply(retry_due{task_index(0), item_index(2)}) == "");
    BOOST_TEST(run.m.end(0, 0, attempt_outcome::interrupted) == "");
    BOOST_TEST(run.m.state(0, 0) == "cancelled");
    BOOST_TEST(run.m.end(0, 1, attempt_outcome::timed_out, true) == "f timed_out, run cancelled");
}

BOOST_AUTO_TEST_CASE(a_cancelling_attempt_stays_so_when_it_defers_or_resumes)
{
    mixed_run run;
    run.m.cancel();
    run.m.apply(attempt_deferred{task_index(0), item_index(1)});
    run.m.apply(attempt_resumed{task_index(0), item_index(0)});
    BOOST_TEST(run.m.state(0, 0) == "cancelling");
    BOOST_TEST(run.m.state(0, 1) == "cancelling");
}

BOOST_AUTO_TEST_CASE(a_second_cancel_changes_nothing)
{
    mixed_run run;
    run.m.cancel();
    BOOST_TEST(run.m.cancel(cancel_reason::deadline) == "");
    run.m.end(0, 0, attempt_outcome::cancelled);
    BOOST_TEST(run.m.end(0, 1, attempt_outcome::cancelled) == "f cancelled, run cancelled");
    BOOST_TEST(run.m.cancel() == "");
    BOOST_TEST((run.m.machine.state() == run_state::cancelled));
}

BOOST_AUTO_TEST_CASE(a_deadline_makes_the_run_timed_out)
{
    graph::dag dag;
    add(dag, "a");
    text_machine m(dag);
    m.start();
    BOOST_TEST(m.cancel(cancel_reason::deadline) == "cancel a.0#1 deadline");
    BOOST_TEST(m.end(0, 0, attempt_outcome::cancelled) == "a cancelled, run timed_out");
}

BOOST_AUTO_TEST_CASE(a_cancel_before_anything_started_ends_the_run_at_once)
{
    graph::dag dag;
    add(dag, "a").when = any_expression();
    add(dag, "b", {0});
    text_machine m(dag);
    m.start();
    BOOST_TEST(m.cancel() == "a cancelled, b cancelled, run cancelled");
    BOOST_TEST(m.evaluated(0, 1) == "");
    BOOST_TEST(m.state(0) == "cancelled");
}

BOOST_AUTO_TEST_CASE(one_task_can_be_cancelled_alone)
{
    graph::dag dag;
    add(dag, "a");
    add(dag, "b");
    add(dag, "c", {0});
    text_machine m(dag);
    m.start();
    BOOST_TEST(m.apply(task_cancel_requested{task_index(0)}) == "cancel a.0#1 user");
    BOOST_TEST(m.apply(task_cancel_requested{task_index(0)}) == "");
    BOOST_TEST(m.end(0, 0, attempt_outcome::cancelled) == "a cancelled, c upstream_failed");
    BOOST_TEST(m.succeed(1) == "b success, run cancelled");
}

BOOST_AUTO_TEST_CASE(a_pending_task_can_be_cancelled_and_its_upstream_goes_on)
{
    graph::dag dag;
    add(dag, "a");
    add(dag, "b", {0});
    text_machine m(dag);
    m.start();
    BOOST_TEST(m.apply(task_cancel_requested{task_index(1)}) == "b cancelled");
    BOOST_TEST(m.succeed(0) == "a success, run cancelled");
}

BOOST_AUTO_TEST_CASE(a_cancel_of_the_run_leaves_a_task_alone_that_is_being_cancelled)
{
    graph::dag dag;
    add(dag, "a");
    add(dag, "b");
    text_machine m(dag);
    m.start();
    m.apply(task_cancel_requested{task_index(0)});
    BOOST_TEST(m.cancel(cancel_reason::deadline) == "cancel b.0#1 deadline");
    BOOST_TEST((m.machine.cancel_reason_of(task_index(0)) == cancel_reason::user));
    BOOST_TEST((m.machine.cancel_reason_of(task_index(1)) == cancel_reason::deadline));
}

BOOST_AUTO_TEST_CASE(fail_fast_cancels_the_rest_at_the_first_failed_item)
{
    graph::dag dag;
    dag.fail_fast = true;
    set_foreach(add(dag, "f"), 2);
    add(dag, "b");
    add(dag, "handler", {0}, graph::trigger_rule::one_failed);
    text_machine m(dag);
    m.start();
    m.evaluated(0, 4);
    BOOST_TEST(m.fail(0, 1) == "cancel f.0#1 upstream, cancel b.0#1 upstream, handler cancelled");
    BOOST_TEST(m.end(0, 0, attempt_outcome::cancelled) == "f failed");
    BOOST_TEST(m.end(1, 0, attempt_outcome::cancelled) == "b cancelled, run failed");
}

BOOST_AUTO_TEST_CASE(fail_fast_waits_for_the_last_retry)
{
    graph::dag dag;
    dag.fail_fast = true;
    set_retry(add(dag, "a"), {.limit = 1});
    add(dag, "b");
    text_machine m(dag);
    m.start();
    BOOST_TEST(m.end(0, 0, attempt_outcome::timed_out, true) == "retry a.0#2 in 0ms");
    m.apply(retry_due{task_index(0), item_index(0)});
    BOOST_TEST(m.end(0, 0, attempt_outcome::timed_out, true) == "a timed_out, cancel b.0#1 upstream");
}

BOOST_AUTO_TEST_CASE(fail_fast_answers_to_an_expression_that_fails)
{
    graph::dag dag;
    dag.fail_fast = true;
    add(dag, "a").when = any_expression();
    add(dag, "b");
    text_machine m(dag);
    m.start();
    BOOST_TEST(m.apply(task_evaluated{task_index(0), verdict::fail}) == "a failed, cancel b.0#1 upstream");
}

BOOST_AUTO_TEST_CASE(fail_fast_ignores_what_may_fail_and_what_is_cancelled)
{
    graph::dag dag;
    dag.fail_fast = true;
    add(dag, "a").allow_failure = true;
    add(dag, "b");
    add(dag, "c");
    text_machine m(dag);
    m.start();
    BOOST_TEST(m.fail(0) == "a failed");
    m.apply(task_cancel_requested{task_index(1)});
    BOOST_TEST(m.end(1, 0, attempt_outcome::cancelled) == "b cancelled");
    BOOST_TEST(m.state(2) == "running");
}

BOOST_AUTO_TEST_CASE(a_paused_run_that_is_cancelled_ends)
{
    graph::dag dag;
    add(dag, "a");
    add(dag, "b", {0});
    text_machine m(dag);
    m.start();
    m.apply(run_paused{});
    m.succeed(0);
    BOOST_TEST(m.cancel() == "b cancelled, run cancelled");
}

BOOST_AUTO_TEST_SUITE_END()
