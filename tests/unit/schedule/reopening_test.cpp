#include "engine/schedule/tasks_to_reopen.hpp"
#include "machine_text.hpp"
#include "test_dag.hpp"

#include <boost/test/unit_test.hpp>

using namespace potoo;
using namespace potoo::schedule;
using namespace potoo::schedule::testing;
using namespace std::chrono_literals;

namespace {

/// a → b → c, and d behind a that handles its failure.
graph::dag chain()
{
    graph::dag dag;
    dag.name = "chain";
    add(dag, "a");
    add(dag, "b", {0});
    add(dag, "c", {1});
    add(dag, "d", {0}, graph::trigger_rule::one_failed);
    return dag;
}

std::string reopen(text_machine& m, std::uint32_t task, bool all = true)
{
    return m.apply(task_reopened{task_index(task), all});
}

std::vector<task_reopened> to_reopen(const text_machine& m, const reopen_wish& wish)
{
    return tasks_to_reopen(m.machine.dag(), wish, [&m](task_index t) {
        return task_standing{m.machine.state_of(t),
                             m.machine.dag()[t].foreach.has_value() && has_unsuccessful(m.machine.counts(t))};
    });
}

/// `a b`; an item-wise one has a star.
std::string names(const text_machine& m, const reopen_wish& wish)
{
    std::string out;
    for (const task_reopened& e : to_reopen(m, wish))
        out += (out.empty() ? "" : " ") + m.machine.dag()[e.task].name + (e.all ? "" : "*");
    return out;
}

std::string retry(text_machine& m, const reopen_wish& wish = {})
{
    std::string out;
    for (const task_reopened& e : to_reopen(m, wish)) {
        const std::string answer = m.apply(e);
        out += (out.empty() || answer.empty() ? "" : ", ") + answer;
    }
    return out;
}

} // namespace

BOOST_AUTO_TEST_SUITE(reopening_test)

BOOST_AUTO_TEST_CASE(failed_run_goes_on_where_it_failed)
{
    const graph::dag dag = chain();
    text_machine m(dag);
    BOOST_TEST(m.start() == "start a.0#1");
    BOOST_TEST(m.succeed(0) == "a success, d skipped, start b.0#1");
    BOOST_TEST(m.fail(1) == "b failed, c upstream_failed, run failed");
    BOOST_TEST(names(m, {}) == "b c");
    BOOST_TEST(retry(m) == "start b.0#2");
    BOOST_TEST((m.machine.state() == run_state::running));
    BOOST_TEST(m.state(2) == "pending");
    BOOST_TEST(m.succeed(1) == "b success, start c.0#1");
    BOOST_TEST(m.succeed(2) == "c success, run success");
}

BOOST_AUTO_TEST_CASE(task_that_succeeded_runs_once_more_with_what_is_behind_it_if_wished)
{
    const graph::dag dag = chain();
    text_machine m(dag);
    m.start();
    m.succeed(0);
    m.succeed(1);
    BOOST_TEST(m.succeed(2) == "c success, run success");
    BOOST_TEST(names(m, {{task_index(1)}}) == "b");
    BOOST_TEST(names(m, {{task_index(1)}, true}) == "b c");
    BOOST_TEST(names(m, {{task_index(0)}, true}) == "a b c d");
    BOOST_TEST(names(m, {{task_index(1)}, false, true}) == "");
    BOOST_TEST(names(m, {}) == "");
    BOOST_TEST(retry(m, {{task_index(1)}}) == "start b.0#2");
    BOOST_TEST(m.succeed(1) == "b success, run success");
}

BOOST_AUTO_TEST_CASE(skipped_handler_is_asked_again_when_its_cause_is)
{
    const graph::dag dag = chain();
    text_machine m(dag);
    m.start();
    m.succeed(0);
    m.fail(1);
    BOOST_TEST(names(m, {{task_index(0)}}) == "a d");
    BOOST_TEST(retry(m, {{task_index(0)}}) == "start a.0#2");
    BOOST_TEST(m.fail(0) == "a failed, start d.0#1");
}

BOOST_AUTO_TEST_CASE(cancelled_run_goes_on)
{
    const graph::dag dag = chain();
    text_machine m(dag);
    m.start();
    m.cancel();
    BOOST_TEST(m.end(0, 0, attempt_outcome::cancelled) == "a cancelled, run cancelled");
    BOOST_TEST(retry(m) == "start a.0#2");
    BOOST_TEST((m.machine.cancelled_by() == cancel_reason::none));
    BOOST_TEST(m.succeed(0) == "a success, d skipped, start b.0#1");
    m.succeed(1);
    BOOST_TEST(m.succeed(2) == "c success, run success");
}

BOOST_AUTO_TEST_CASE(nothing_is_reopened_while_the_run_is_being_cancelled)
{
    graph::dag dag = chain();
    add(dag, "e");
    text_machine m(dag);
    m.start();
    m.fail(0);
    m.cancel();
    BOOST_TEST(!m.machine.may_reopen({task_index(0), true}));
    BOOST_TEST(reopen(m, 0) == "");
    BOOST_TEST(m.state(0) == "failed");
}

BOOST_AUTO_TEST_CASE(task_of_a_running_run_runs_once_more)
{
    graph::dag dag = chain();
    add(dag, "e");
    text_machine m(dag);
    m.start();
    BOOST_TEST(m.fail(0) == "a failed, b upstream_failed, c upstream_failed, start d.0#1");
    BOOST_TEST(names(m, {}) == "a b c");
    BOOST_TEST(retry(m) == "start a.0#2");
    BOOST_TEST(m.succeed(0) == "a success, start b.0#1");
    m.succeed(1);
    m.succeed(2);
    m.succeed(3);
    BOOST_TEST(m.succeed(4) == "e success, run success");
}

BOOST_AUTO_TEST_CASE(only_failed_items_run_once_more)
{
    graph::dag dag;
    set_foreach(add(dag, "all"), 2);
    add(dag, "sum", {0});
    text_machine m(dag);
    m.start();
    BOOST_TEST(m.evaluated(0, 3) == "start all.0#1, start all.1#1");
    m.succeed(0, 0);
    m.fail(0, 1);
    BOOST_TEST(m.succeed(0, 2) == "all failed, sum upstream_failed, run failed");
    BOOST_TEST(names(m, {}) == "all* sum");
    BOOST_TEST(names(m, {{task_index(0)}}) == "all sum");
    BOOST_TEST(names(m, {{task_index(0)}, false, true}) == "all* sum");
    BOOST_TEST(retry(m) == "start all.1#2");
    BOOST_TEST(m.counts(0) == "1 running, 2 success");
    BOOST_TEST(m.succeed(0, 1) == "all success, start sum.0#1");
}

BOOST_AUTO_TEST_CASE(failed_items_run_once_more_while_others_are_under_way)
{
    graph::dag dag;
    set_foreach(add(dag, "all"));
    text_machine m(dag);
    m.start();
    m.evaluated(0, 2);
    m.fail(0, 0);
    BOOST_TEST(names(m, {}) == "all*");
    BOOST_TEST(retry(m) == "start all.0#2");
    m.succeed(0, 0);
    BOOST_TEST(m.succeed(0, 1) == "all success, run success");
}

BOOST_AUTO_TEST_CASE(items_that_never_started_run_when_a_cancelled_task_is_reopened)
{
    graph::dag dag;
    set_foreach(add(dag, "all"), 1);
    text_machine m(dag);
    m.start();
    m.evaluated(0, 3);
    m.cancel();
    BOOST_TEST(m.end(0, 0, attempt_outcome::cancelled) == "all cancelled, run cancelled");
    BOOST_TEST(retry(m) == "start all.0#2");
    BOOST_TEST(m.counts(0) == "2 queued, 1 running");
    BOOST_TEST(m.succeed(0, 0) == "start all.1#1");
    BOOST_TEST(m.succeed(0, 1) == "start all.2#1");
    BOOST_TEST(m.succeed(0, 2) == "all success, run success");
}

BOOST_AUTO_TEST_CASE(items_of_a_task_that_starts_over_are_numbered_on)
{
    graph::dag dag;
    set_foreach(add(dag, "all"));
    text_machine m(dag);
    m.start();
    m.evaluated(0, 2);
    m.fail(0, 0);
    m.succeed(0, 1);
    BOOST_TEST(reopen(m, 0) == "evaluate all");
    BOOST_TEST(m.evaluated(0, 3) == "start all.0#2, start all.1#2, start all.2#1");
    m.succeed(0, 0);
    m.succeed(0, 1);
    BOOST_TEST(m.succeed(0, 2) == "all success, run success");
    BOOST_TEST(reopen(m, 0) == "evaluate all");
    BOOST_TEST(m.evaluated(0, 1) == "start all.0#3");
    m.succeed(0, 0);
    BOOST_TEST(reopen(m, 0) == "evaluate all");
    BOOST_TEST(m.evaluated(0, 2) == "start all.0#4, start all.1#3");
}

BOOST_AUTO_TEST_CASE(items_with_keys_are_numbered_on_wherever_they_are)
{
    graph::dag dag;
    graph::task_spec& all = add(dag, "all");
    set_foreach(all);
    all.key = any_expression();
    text_machine m(dag);
    m.start();
    m.evaluated(0, 2);
    m.succeed(0, 0);
    m.fail(0, 1);
    reopen(m, 0);
    BOOST_TEST(m.evaluated(0, 3) == "start all.0#2, start all.1#2, start all.2#2");
}

BOOST_AUTO_TEST_CASE(retries_are_counted_anew)
{
    graph::dag dag;
    set_retry(add(dag, "a"), {.limit = 1, .delay = 5ms});
    text_machine m(dag);
    m.start();
    BOOST_TEST(m.end(0, 0, attempt_outcome::failed, true) == "retry a.0#2 in 5ms");
    m.apply(retry_due{task_index(0), item_index(0)});
    BOOST_TEST(m.end(0, 0, attempt_outcome::failed, true) == "a failed, run failed");
    BOOST_TEST(retry(m) == "start a.0#3");
    BOOST_TEST(m.end(0, 0, attempt_outcome::failed, true) == "retry a.0#4 in 5ms");
}

BOOST_AUTO_TEST_CASE(task_whose_upstream_stays_failed_ends_as_before)
{
    const graph::dag dag = chain();
    text_machine m(dag);
    m.start();
    m.succeed(0);
    m.fail(1);
    BOOST_TEST(retry(m, {{task_index(2)}}) == "c upstream_failed, run failed");
}

BOOST_AUTO_TEST_CASE(attempts_that_have_not_begun_wait_again_in_a_paused_run)
{
    graph::dag dag;
    set_foreach(add(dag, "all"));
    text_machine m(dag);
    m.machine.start_on_request();
    m.start();
    m.evaluated(0, 3);
    BOOST_TEST(m.text(m.machine.admit(2)) == "start all.0#1, start all.1#1");
    m.apply(attempt_started{task_index(0), item_index(0), attempt_number(1)});
    BOOST_TEST(m.apply(run_paused{}) == "withdraw all.1#1");
    BOOST_TEST(m.counts(0) == "2 queued, 1 running");
    BOOST_TEST(m.machine.is_paused());
    BOOST_TEST(!m.machine.may_start());
    m.apply(run_resumed{});
    BOOST_TEST(m.text(m.machine.admit(5)) == "start all.1#1, start all.2#1");
}

BOOST_AUTO_TEST_SUITE_END()
