#include "engine/schedule/retry_delay.hpp"

#include "machine_text.hpp"
#include "test_dag.hpp"

#include <boost/test/unit_test.hpp>

#include <chrono>

using namespace potoo;
using namespace potoo::schedule;
using namespace potoo::schedule::testing;
using namespace std::chrono_literals;

namespace {

graph::dag one_task(const retries& policy)
{
    graph::dag dag;
    set_retry(add(dag, "a"), policy);
    return dag;
}

std::int64_t delay(const retries& r, std::uint32_t failures, double jitter = 0)
{
    return retry_delay(r.policy(), failures, jitter).count();
}

} // namespace

BOOST_AUTO_TEST_SUITE(retry_test)

BOOST_AUTO_TEST_CASE(the_delay_grows_by_the_backoff_up_to_the_maximum)
{
    const retries policy{.limit = 10, .delay = 30s, .backoff = 2, .max_delay = 100s};
    BOOST_TEST(delay(policy, 1) == 30'000);
    BOOST_TEST(delay(policy, 2) == 60'000);
    BOOST_TEST(delay(policy, 3) == 100'000);
    BOOST_TEST(delay(policy, 4'000'000'000) == 100'000);
}

BOOST_AUTO_TEST_CASE(without_backoff_the_delay_stays)
{
    BOOST_TEST(delay({.delay = 5s}, 1'000'000) == 5'000);
}

BOOST_AUTO_TEST_CASE(no_delay_stays_none_however_often_it_is_doubled)
{
    BOOST_TEST(delay({.delay = 0s, .backoff = 10}, 4'000'000'000) == 0);
}

BOOST_AUTO_TEST_CASE(a_delay_above_the_maximum_is_cut)
{
    BOOST_TEST(delay({.delay = 5s, .max_delay = 1s}, 1) == 1'000);
    BOOST_TEST(delay({.delay = 5s, .max_delay = 0s}, 1) == 0);
}

BOOST_AUTO_TEST_CASE(jitter_varies_the_delay_by_its_fraction_either_way_but_never_above_the_maximum)
{
    const retries policy{.delay = 10s, .max_delay = 11s, .jitter = 0.5};
    BOOST_TEST(delay(policy, 1, -1) == 5'000);
    BOOST_TEST(delay(policy, 1, -0.5) == 7'500);
    BOOST_TEST(delay(policy, 1, 0) == 10'000);
    BOOST_TEST(delay(policy, 1, 1) == 11'000);
    BOOST_TEST(delay({.delay = 10s, .jitter = 1}, 1, -1) == 0);
}

BOOST_AUTO_TEST_CASE(retries_stop_at_the_limit)
{
    const graph::dag dag = one_task({.limit = 2, .delay = 1s, .backoff = 3});
    text_machine m(dag);
    m.start();
    BOOST_TEST(m.end(0, 0, attempt_outcome::failed, true) == "retry a.0#2 in 1000ms");
    BOOST_TEST(m.state(0) == "retrying");
    BOOST_TEST(m.apply(retry_due{task_index(0), item_index(0)}) == "start a.0#2");
    BOOST_TEST(m.end(0, 0, attempt_outcome::timed_out, true) == "retry a.0#3 in 3000ms");
    BOOST_TEST(m.apply(retry_due{task_index(0), item_index(0)}) == "start a.0#3");
    BOOST_TEST(m.end(0, 0, attempt_outcome::failed, true) == "a failed, run failed");
    BOOST_TEST(m.machine.attempt_of(task_index(0), item_index(0)).value() == 3U);
}

BOOST_AUTO_TEST_CASE(a_failure_that_may_not_be_retried_is_final)
{
    const graph::dag dag = one_task({.limit = 5});
    text_machine m(dag);
    m.start();
    BOOST_TEST(m.end(0, 0, attempt_outcome::failed, false) == "a failed, run failed");
}

BOOST_AUTO_TEST_CASE(only_failures_are_retried)
{
    for (const auto outcome : {attempt_outcome::success, attempt_outcome::skipped, attempt_outcome::cancelled}) {
        const graph::dag dag = one_task({.limit = 5});
        text_machine m(dag);
        m.start();
        m.end(0, 0, outcome, true);
        BOOST_TEST(is_terminal(m.machine.state()));
    }
}

BOOST_AUTO_TEST_CASE(an_interrupted_attempt_is_followed_by_another_that_does_not_count)
{
    const graph::dag dag = one_task({.limit = 1, .delay = 1s});
    text_machine m(dag);
    m.start();
    for (const char* expected : {"start a.0#2", "start a.0#3", "start a.0#4"})
        BOOST_TEST(m.end(0, 0, attempt_outcome::interrupted) == expected);
    BOOST_TEST(m.end(0, 0, attempt_outcome::failed, true) == "retry a.0#5 in 1000ms");
    m.apply(retry_due{task_index(0), item_index(0)});
    BOOST_TEST(m.end(0, 0, attempt_outcome::interrupted) == "start a.0#6");
    BOOST_TEST(m.end(0, 0, attempt_outcome::failed, true) == "a failed, run failed");
}

BOOST_AUTO_TEST_CASE(a_retry_goes_ahead_of_items_that_never_started)
{
    graph::dag dag;
    graph::task_spec& task = add(dag, "a");
    set_foreach(task, 2);
    set_retry(task, {.limit = 1});
    text_machine m(dag);
    m.start();
    m.evaluated(0, 5);
    BOOST_TEST(m.end(0, 1, attempt_outcome::failed, true) == "retry a.1#2 in 0ms, start a.2#1");
    BOOST_TEST(m.end(0, 0, attempt_outcome::failed, true) == "retry a.0#2 in 0ms, start a.3#1");
    m.apply(retry_due{task_index(0), item_index(1)});
    m.apply(retry_due{task_index(0), item_index(0)});
    BOOST_TEST(m.counts(0) == "3 queued, 2 running");
    BOOST_TEST(m.succeed(0, 2) == "start a.0#2");
    BOOST_TEST(m.succeed(0, 3) == "start a.1#2");
    BOOST_TEST(m.succeed(0, 0) == "start a.4#1");
}

BOOST_AUTO_TEST_CASE(a_retry_that_is_due_twice_starts_once)
{
    const graph::dag dag = one_task({.limit = 1});
    text_machine m(dag);
    m.start();
    m.end(0, 0, attempt_outcome::failed, true);
    BOOST_TEST(m.apply(retry_due{task_index(0), item_index(0)}) == "start a.0#2");
    BOOST_TEST(m.apply(retry_due{task_index(0), item_index(0)}) == "");
}

BOOST_AUTO_TEST_SUITE_END()
