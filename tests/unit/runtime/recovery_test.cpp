#include "tests/unit/runtime/test_engine.hpp"

using namespace potoo;
using namespace std::chrono_literals;
using schedule::run_state;
using names = std::vector<std::string>;

namespace {

const std::string steps_dag = "tasks:\n  a: {operator: two_steps}\n";

const std::string chain = R"(
tasks:
  a: {operator: work, with: {output: 1}}
  b: {operator: work, depends_on: a, with: {for: 60, output: "${{ tasks.a.output }}"}}
  c: {operator: work, depends_on: b, with: {output: "${{ tasks.b.output }}"}}
)";

} // namespace

BOOST_FIXTURE_TEST_SUITE(recovery, test::engine)

BOOST_AUTO_TEST_CASE(what_succeeded_is_not_done_again)
{
    start(chain);
    loop.run(10s);
    crash_and_recover(chain);
    loop.run();
    BOOST_TEST(ended);
    BOOST_CHECK(executor->machine().state() == run_state::success);
    BOOST_TEST((test::the_script().started == names{"a", "b", "b#2", "c"}));
    BOOST_TEST(output_of(2) == json::value(1));
}

BOOST_AUTO_TEST_CASE(interrupted_attempt_does_not_count_against_the_limit)
{
    const std::string dag = "tasks:\n  a: {operator: work, with: {for: 60}, retry: {limit: 1, delay: 1s}}\n";
    start(dag);
    for (int i = 0; i < 5; ++i) {
        loop.run(10s);
        crash_and_recover(dag);
    }
    test::the_script().failures["a"] = 1;
    loop.run();
    BOOST_CHECK(executor->machine().state() == run_state::success);
}

BOOST_AUTO_TEST_CASE(recorded_steps_are_not_done_twice)
{
    start(steps_dag);
    loop.run(5s);
    BOOST_TEST((test::the_script().side_effects == names{"first"}));
    crash_and_recover(steps_dag);
    loop.run();
    BOOST_TEST((test::the_script().started == names{"a", "a"}));
    BOOST_TEST((test::the_script().side_effects == names{"first", "second"}));
    BOOST_TEST(output_of(0) == (json::array{"first done", "second done"}));
}

BOOST_AUTO_TEST_CASE(attempt_cancelled_before_its_replay_begins_is_replayed_to_clean_up)
{
    start(steps_dag);
    loop.run(5s);
    crash_and_recover(steps_dag);
    executor->cancel(cancel_reason::user);
    loop.run();
    BOOST_TEST((test::the_script().started == names{"a", "a"}));
    BOOST_TEST((test::the_script().side_effects == names{"first"}));
    BOOST_CHECK(executor->machine().state() == run_state::cancelled);
}

BOOST_AUTO_TEST_CASE(pending_retry_keeps_its_time)
{
    const std::string dag = "tasks:\n  a: {operator: work, retry: {limit: 1, delay: 100s}}\n";
    test::the_script().failures["a"] = 1;
    start(dag);
    loop.run(30s);
    crash_and_recover(dag);
    loop.run();
    BOOST_CHECK(executor->machine().state() == run_state::success);
    BOOST_TEST((loop.elapsed() >= 100s && loop.elapsed() < 101s));
}

BOOST_AUTO_TEST_CASE(cancelled_run_stays_cancelled)
{
    start(chain);
    loop.run(10s);
    executor->cancel(cancel_reason::user);
    loop.run_present();
    loop.run(1s);
    BOOST_CHECK(executor->machine().state() == run_state::cancelled);
}

BOOST_AUTO_TEST_CASE(replayed_attempt_has_the_time_that_was_left)
{
    const std::string dag = "tasks:\n  a: {operator: two_steps, timeout: 12s}\n";
    start(dag);
    for (int i = 0; i < 3; ++i) {
        loop.run(5s);
        crash_and_recover(dag);
    }
    loop.run();
    BOOST_TEST(to_string(executor->machine().state_of(task_index(0))) == "timed_out");
    BOOST_TEST((loop.elapsed() < 16s), loop.elapsed().count());
}

BOOST_AUTO_TEST_CASE(what_ended_while_the_run_is_let_go_is_remembered)
{
    const std::string dag = "tasks:\n  a: {operator: ends_anyway, with: {for: 60}}\n";
    start(dag);
    loop.run(10s);
    executor->detach();
    loop.run();
    BOOST_TEST(ended);
    crash_and_recover(dag);
    loop.run();
    BOOST_CHECK(executor->machine().state() == run_state::success);
    BOOST_TEST((test::the_script().started == names{"a"}));
}

BOOST_AUTO_TEST_CASE(run_recovers_from_every_prefix_of_its_journal)
{
    const std::string dag = R"(
pools: {p: 2}
tasks:
  a: {operator: work, with: {for: 1, output: [1, 2, 3]}}
  each: {operator: work, depends_on: a, foreach: "${{ tasks.a.output }}", pool: p, with: {for: 5, output: "${{ item }}"},
         retry: {limit: 2, delay: 3s}}
  steps: {operator: two_steps, depends_on: a}
  last: {operator: work, depends_on: [each, steps], with: {output: "${{ tasks.each.output }}"}}
)";
    test::the_script().failures["each"] = 1;
    BOOST_CHECK(run(dag) == run_state::success);
    std::vector<journal::record> all;
    store.records(journal::run_number(1), journal::record_seq(0), [&](auto, const journal::record& r) {
        all.push_back(r);
        return true;
    });
    BOOST_TEST(all.size() > 20u);
    for (std::size_t n = 1; n < all.size(); ++n) {
        test::engine second;
        second.start(dag);
        second.executor->detach();
        second.loop.run();
        second.ended = false;
        runtime::run_plan plan;
        plan.id = run_id("testrun00000");
        plan.dag = second.load(dag);
        const std::span<const journal::record> prefix(all.data(), n);
        second.executor =
            std::make_unique<runtime::run_executor>(second.services, std::move(plan), second.mask, second.observer);
        second.executor->recover(journal::run_number(1), prefix, [&] { second.ended = true; });
        second.loop.run();
        BOOST_TEST_REQUIRE(second.ended, "after record " << n);
        BOOST_CHECK(second.executor->machine().state() == run_state::success);
        const json::value* last = second.executor->values().view("last");
        BOOST_TEST(last->at("output") == (json::array{1, 2, 3}));
    }
}

BOOST_AUTO_TEST_SUITE_END()
