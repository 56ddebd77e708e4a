#include "tests/unit/runtime/test_engine.hpp"

#include <algorithm>

using namespace potoo;
using namespace std::chrono_literals;
using schedule::run_state;
using schedule::task_state;
using names = std::vector<std::string>;

BOOST_FIXTURE_TEST_SUITE(runs, test::engine)

BOOST_AUTO_TEST_CASE(tasks_run_in_order_and_outputs_reach_successors)
{
    const auto state = run(R"(
tasks:
  a: {operator: work, with: {output: {n: 3}}}
  b: {operator: work, depends_on: a, with: {output: "${{ tasks.a.output.n }}"}}
)");
    BOOST_CHECK(state == run_state::success);
    BOOST_TEST((test::the_script().started == names{"a", "b"}));
    BOOST_TEST(output_of(1) == json::value(3));
}

BOOST_AUTO_TEST_CASE(item_outputs_arrive_as_an_array_in_item_order)
{
    run(R"(
tasks:
  each:
    operator: work
    foreach: ${{ range(4) }}
    with: {for: 1, output: "${{ item }}"}
  sum: {operator: work, depends_on: each, with: {output: "${{ tasks.each.output }}"}}
)");
    BOOST_TEST(output_of(1) == (json::array{0, 1, 2, 3}));
}

BOOST_AUTO_TEST_CASE(foreach_over_an_object_gives_keys_and_values)
{
    run(R"(
params: {p: {type: object, default: {x: 1, y: 2}}}
tasks:
  each: {operator: work, foreach: "${{ params.p }}", with: {output: "${{ item.key }}=${{ item.value }}"}}
  sum: {operator: work, depends_on: each, with: {output: "${{ join(tasks.each.output, ',') }}"}}
)");
    BOOST_TEST(output_of(1) == json::value(json::string("x=1,y=2")));
}

BOOST_AUTO_TEST_CASE(hundred_thousand_items_run)
{
    const auto state = run(R"(
tasks:
  each: {operator: work, foreach: "${{ range(100000) }}", max_active: 1000, with: {output: "${{ item }}"}}
  count: {operator: work, depends_on: each, with: {output: "${{ length(tasks.each.output) }}"}}
)");
    BOOST_CHECK(state == run_state::success);
    BOOST_TEST(output_of(1) == json::value(100000));
}

BOOST_AUTO_TEST_CASE(when_that_is_false_skips)
{
    run(R"(
params: {go: {type: boolean, default: false}}
tasks:
  a: {operator: work, when: "${{ params.go }}"}
)");
    BOOST_TEST(test::the_script().started.empty());
    BOOST_CHECK(observer.ended.at(0).second == task_state::skipped);
}

BOOST_AUTO_TEST_CASE(expression_that_fails_at_run_time_fails_its_task_and_names_the_place)
{
    const auto state = run(R"(
tasks:
  a: {operator: work, with: {output: text}}
  b: {operator: work, depends_on: a, when: "${{ length(tasks.a.output.x.y) > 1 }}"}
)");
    BOOST_CHECK(state == run_state::failed);
    const std::string error = tasks().at(1).error;
    BOOST_TEST(error.find("test.yaml:4") != std::string::npos, error);
}

BOOST_AUTO_TEST_CASE(failed_attempts_are_retried_with_backoff)
{
    test::the_script().failures["a"] = 2;
    const auto state = run(R"(
tasks:
  a: {operator: work, retry: {limit: 3, delay: 10s, backoff: 2}}
)");
    BOOST_CHECK(state == run_state::success);
    BOOST_TEST((test::the_script().started == names{"a", "a#2", "a#3"}));
    BOOST_TEST((loop.elapsed() >= 30s && loop.elapsed() < 31s));
}

BOOST_AUTO_TEST_CASE(fatal_failure_is_not_retried)
{
    const auto state = run(R"(
tasks:
  a: {operator: work, with: {fatal: no use}, retry: 5}
)");
    BOOST_CHECK(state == run_state::failed);
    BOOST_TEST(test::the_script().started.size() == 1u);
}

BOOST_AUTO_TEST_CASE(retry_on_other_codes_does_not_retry)
{
    test::the_script().failures["a"] = 1;
    BOOST_CHECK(run("tasks:\n  a: {operator: work, retry: {limit: 3, on: [timed_out]}}\n") == run_state::failed);
}

BOOST_AUTO_TEST_CASE(retry_on_a_code_retries_it)
{
    test::the_script().failures["a"] = 1;
    BOOST_CHECK(run("tasks:\n  a: {operator: work, retry: {limit: 3, on: [scripted]}}\n") == run_state::success);
}

BOOST_AUTO_TEST_CASE(anything_thrown_is_a_failure)
{
    BOOST_CHECK(run("tasks:\n  a: {operator: throws_oddly}\n") == run_state::failed);
    BOOST_TEST(observer.errors.at(0).at("code").as_string() == "exception");
}

BOOST_AUTO_TEST_CASE(timeout_ends_the_attempt_timed_out)
{
    const auto state = run("tasks:\n  a: {operator: work, with: {for: 3600}, timeout: 5s}\n");
    BOOST_CHECK(state == run_state::failed);
    BOOST_CHECK(observer.ended.at(0).second == task_state::timed_out);
    BOOST_TEST((loop.elapsed() < 6s));
}

BOOST_AUTO_TEST_CASE(deadline_ends_the_run_timed_out)
{
    const auto state =
        run("deadline: 1m\ntasks:\n  a: {operator: work, with: {for: 3600}}\n  b: {operator: work, depends_on: a}\n");
    BOOST_CHECK(state == run_state::timed_out);
    BOOST_TEST((loop.elapsed() < 61s));
}

BOOST_AUTO_TEST_CASE(nothing_is_recorded_after_the_end_of_a_run)
{
    // The deadline passes as what the condition waits for ends.
    const auto state = run("deadline: 10s\ntasks:\n  a: {operator: work, with: {for: 10}}\n"
                           "  b: {operator: work, depends_on: a, when: \"${{ true }}\"}\n");
    BOOST_CHECK(state == run_state::timed_out || state == run_state::success);
    BOOST_CHECK(records().back().kind == journal::record_kind::run_ended);
}

BOOST_AUTO_TEST_CASE(retry_stops_at_the_deadline)
{
    test::the_script().failures["a"] = 1000;
    const auto state = run("deadline: 1m\ntasks:\n  a: {operator: work, retry: {limit: 1000, delay: 10s}}\n");
    BOOST_CHECK(state == run_state::timed_out);
    BOOST_TEST(test::the_script().started.size() == 6u);
}

BOOST_AUTO_TEST_CASE(cancelled_run_stops_what_runs_and_starts_no_more)
{
    start("tasks:\n  a: {operator: work, with: {for: 3600}}\n  b: {operator: work, depends_on: a}\n");
    loop.run(10s);
    executor->cancel(cancel_reason::user);
    loop.run();
    BOOST_TEST(ended);
    BOOST_CHECK(executor->machine().state() == run_state::cancelled);
    BOOST_TEST((test::the_script().started == names{"a"}));
}

BOOST_AUTO_TEST_CASE(fail_fast_cancels_the_rest)
{
    const auto state = run(R"(
fail_fast: true
tasks:
  slow: {operator: work, with: {for: 3600}}
  bad: {operator: work, with: {for: 1, fatal: broken}}
)");
    BOOST_CHECK(state == run_state::failed);
    BOOST_TEST((loop.elapsed() < 2s));
}

BOOST_AUTO_TEST_CASE(deferred_attempts_count_against_their_pool)
{
    run(R"(
pools: {two: 2}
tasks:
  each: {operator: work, pool: two, foreach: "${{ range(6) }}", with: {for: 10}}
)");
    BOOST_TEST((loop.elapsed() >= 30s && loop.elapsed() < 31s));
}

BOOST_AUTO_TEST_CASE(duplicate_key_fails_the_task_and_names_it)
{
    run(R"(
tasks:
  each: {operator: work, foreach: [{id: a}, {id: a}], key: "${{ item.id }}"}
)");
    const std::string error = tasks().at(0).error;
    BOOST_TEST(error.find("'a' for more than one item") != std::string::npos, error);
}

BOOST_AUTO_TEST_CASE(detached_run_ends_without_an_end_in_the_journal)
{
    start("tasks:\n  a: {operator: work, with: {for: 3600}}\n");
    loop.run(10s);
    executor->detach();
    loop.run();
    BOOST_TEST(ended);
    BOOST_TEST(executor->detached());
    BOOST_CHECK(store.runs({}).front().state == journal::recorded_state::running);
}

BOOST_AUTO_TEST_CASE(secrets_are_masked_in_outputs_and_errors)
{
    mask.add("hunter22");
    run(R"(
tasks:
  a: {operator: work, with: {output: {text: the hunter22 word}}}
  b: {operator: work, with: {fatal: "hunter22 leaked"}}
)");
    BOOST_TEST(output_of(0) == (json::object{{"text", "the *** word"}}));
    BOOST_TEST(std::string(observer.errors.at(0).at("message").as_string()) == "*** leaked");
}

BOOST_AUTO_TEST_CASE(executor_may_go_while_an_attempt_is_deferred)
{
    start("tasks:\n  a: {operator: work, with: {for: 3600}}\n");
    loop.run(10s);
    executor.reset();
    loop.run();
    BOOST_TEST(!ended);
    BOOST_TEST(loop.timers() == 0u);
}

BOOST_AUTO_TEST_CASE(output_that_is_too_deep_fails_the_task)
{
    json::value deep = 1;
    for (std::size_t i = 0; i <= runtime::max_output_depth; ++i)
        deep = json::array{deep};
    runtime::attempt_result r;
    r.output = deep.as_array().at(0);
    BOOST_TEST(runtime::parse_recorded(runtime::recorded_data(r)) == deep.as_array().at(0));
    BOOST_CHECK(r.outcome == schedule::attempt_outcome::success);
    r.output = deep;
    const std::string data = runtime::recorded_data(r);
    BOOST_CHECK(r.outcome == schedule::attempt_outcome::failed);
    BOOST_TEST(data.find("output_too_deep") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(what_may_still_run_is_not_retried)
{
    const graph::retry_policy policy;
    auto r = runtime::failed_result(failure_class::retryable, "no answer");
    BOOST_TEST(runtime::retry_allowed(policy, r));
    r.error["remote"] = "unconfirmed";
    BOOST_TEST(!runtime::retry_allowed(policy, r));
}

BOOST_AUTO_TEST_CASE(progress_and_public_properties_reach_who_watches)
{
    mask.add("hunter22");
    run("tasks:\n  a: {operator: tells, with: {name: shards, output: [1, hunter22]}}\n");
    BOOST_TEST_REQUIRE(observer.progress.size() == 2u);
    BOOST_TEST(observer.progress[0].first == 0.3);
    BOOST_TEST(observer.progress[0].second == "3 of 10: things");
    BOOST_TEST(observer.progress[1].first == 0.0);
    BOOST_TEST(observer.progress[1].second == "0 of 0");
    BOOST_TEST(observer.properties["shards"] == (json::array{1, "***"}));
}

BOOST_AUTO_TEST_CASE(property_that_cannot_be_shown_fails_its_attempt)
{
    const std::vector<std::string> unusable{"''", "with space", "\xc3\xa4", std::string(65, 'x')};
    for (const std::string& name : unusable) {
        test::engine fresh;
        BOOST_CHECK(fresh.run("tasks:\n  a: {operator: tells, with: {name: " + name + ", output: 1}}\n") ==
                    run_state::failed);
        BOOST_TEST(fresh.observer.errors.at(0).at("code") == json::value("property"));
    }
    const std::string large(5'000, 'x');
    BOOST_CHECK(run("tasks:\n  a: {operator: tells, with: {name: x, output: " + large + "}}\n") == run_state::failed);
}

BOOST_AUTO_TEST_SUITE_END()
