#include "machine_text.hpp"
#include "test_dag.hpp"

#include <boost/test/unit_test.hpp>

#include <string_view>

using namespace potoo;
using namespace potoo::schedule;
using namespace potoo::schedule::testing;

namespace {

/// `f` with foreach, then `next`.
graph::dag fan_then_next()
{
    graph::dag dag;
    set_foreach(add(dag, "f"));
    add(dag, "next", {0});
    return dag;
}

/// The state of a task whose items end as the letters say: `s f t c k`.
std::string state_after(std::string_view outcomes)
{
    const graph::dag dag = fan_then_next();
    text_machine m(dag);
    m.start();
    m.evaluated(0, static_cast<std::uint32_t>(outcomes.size()));
    for (std::uint32_t i = 0; i < outcomes.size(); ++i)
        m.end(0, i,
              outcomes[i] == 's'   ? attempt_outcome::success
              : outcomes[i] == 'f' ? attempt_outcome::failed
              : outcomes[i] == 't' ? attempt_outcome::timed_out
              : outcomes[i] == 'c' ? attempt_outcome::cancelled
                                   : attempt_outcome::skipped);
    return m.state(0);
}

} // namespace

BOOST_AUTO_TEST_SUITE(fan_out_test)

BOOST_AUTO_TEST_CASE(a_task_ends_with_the_worst_of_its_items)
{
    BOOST_TEST(state_after("sss") == "success");
    BOOST_TEST(state_after("sks") == "success");
    BOOST_TEST(state_after("kkk") == "skipped");
    BOOST_TEST(state_after("skc") == "cancelled");
    BOOST_TEST(state_after("ctk") == "timed_out");
    BOOST_TEST(state_after("tfcs") == "failed");
}

BOOST_AUTO_TEST_CASE(a_task_ends_when_its_last_item_has)
{
    const graph::dag dag = fan_then_next();
    text_machine m(dag);
    BOOST_TEST(m.start() == "evaluate f");
    BOOST_TEST(m.evaluated(0, 2) == "start f.0#1, start f.1#1");
    BOOST_TEST(m.succeed(0, 1) == "");
    BOOST_TEST(m.succeed(0, 0) == "f success, start next.0#1");
}

BOOST_AUTO_TEST_CASE(a_failed_item_does_not_stop_the_others)
{
    graph::dag dag = fan_then_next();
    dag.tasks[0].max_active = 1;
    text_machine m(dag);
    m.start();
    m.evaluated(0, 3);
    BOOST_TEST(m.fail(0, 0) == "start f.1#1");
    BOOST_TEST(m.succeed(0, 1) == "start f.2#1");
    BOOST_TEST(m.succeed(0, 2) == "f failed, next upstream_failed, run failed");
}

BOOST_AUTO_TEST_CASE(an_empty_foreach_is_a_success)
{
    const graph::dag dag = fan_then_next();
    text_machine m(dag);
    m.start();
    BOOST_TEST(m.evaluated(0, 0) == "f success, start next.0#1");
    BOOST_TEST(m.machine.item_count(task_index(0)) == 0U);
    BOOST_TEST(m.counts(0) == "");
}

BOOST_AUTO_TEST_CASE(a_false_when_skips_the_task_and_those_that_want_its_success)
{
    graph::dag dag;
    add(dag, "a").when = any_expression();
    add(dag, "b", {0});
    add(dag, "c", {0}, graph::trigger_rule::none_failed);
    text_machine m(dag);
    BOOST_TEST(m.start() == "evaluate a");
    BOOST_TEST(m.state(0) == "pending");
    BOOST_TEST(m.apply(task_evaluated{task_index(0), verdict::skip}) == "a skipped, b skipped, start c.0#1");
    BOOST_TEST(m.succeed(2) == "c success, run success");
}

BOOST_AUTO_TEST_CASE(an_expression_that_fails_fails_the_task_without_an_attempt)
{
    const graph::dag dag = fan_then_next();
    text_machine m(dag);
    m.start();
    BOOST_TEST(m.apply(task_evaluated{task_index(0), verdict::fail}) == "f failed, next upstream_failed, run failed");
}

BOOST_AUTO_TEST_CASE(the_item_count_of_a_task_without_foreach_is_not_looked_at)
{
    graph::dag dag;
    add(dag, "a").when = any_expression();
    text_machine m(dag);
    m.start();
    BOOST_TEST(m.evaluated(0, 7) == "start a.0#1");
    BOOST_TEST(m.succeed(0) == "a success, run success");
}

BOOST_AUTO_TEST_CASE(a_task_shows_the_liveliest_state_of_its_items)
{
    graph::dag dag;
    graph::task_spec& task = add(dag, "a");
    set_foreach(task, 2);
    set_retry(task, {.limit = 1});
    text_machine m(dag);
    m.start();
    m.evaluated(0, 3);
    BOOST_TEST(m.state(0) == "running");
    m.apply(attempt_deferred{task_index(0), item_index(0)});
    m.apply(attempt_deferred{task_index(0), item_index(1)});
    BOOST_TEST(m.state(0) == "deferred");
    m.apply(run_paused{});
    m.end(0, 0, attempt_outcome::failed, true);
    m.succeed(0, 1);
    BOOST_TEST(m.state(0) == "retrying");
    m.apply(retry_due{task_index(0), item_index(0)});
    BOOST_TEST(m.state(0) == "queued");
    BOOST_TEST(m.state(0, 1) == "success");
    BOOST_TEST(text_machine::text(m.machine.task_totals()) == "1 queued");
    BOOST_TEST(text_machine::text(m.machine.item_totals()) == "2 queued, 1 success");
}

BOOST_AUTO_TEST_CASE(items_that_never_started_are_known_all_the_same)
{
    graph::dag dag;
    set_foreach(add(dag, "a"), 1);
    text_machine m(dag);
    m.start();
    m.evaluated(0, 4'000'000'000);
    BOOST_TEST(m.state(0, 3'999'999'999) == "queued");
    BOOST_TEST(m.machine.attempt_of(task_index(0), item_index(3'999'999'999)).value() == 0U);
    BOOST_TEST(m.counts(0) == "3999999999 queued, 1 running");
    m.cancel();
    BOOST_TEST(m.state(0, 3'999'999'999) == "cancelled");
    BOOST_TEST(m.counts(0) == "1 cancelling, 3999999999 cancelled");
}

BOOST_AUTO_TEST_SUITE_END()
