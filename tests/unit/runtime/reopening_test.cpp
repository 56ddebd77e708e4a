#include "tests/unit/runtime/test_engine.hpp"

#include <set>

using namespace potoo;
using namespace std::chrono_literals;
using journal::record_kind;
using runtime::reopening;
using schedule::run_state;
using names = std::vector<std::string>;

namespace {

const std::string chain = R"(
tasks:
  a: {operator: work, with: {output: 1}}
  b: {operator: work, depends_on: a, with: {for: 60, output: "${{ tasks.a.output }}"}}
  c: {operator: work, depends_on: b, with: {output: "${{ tasks.b.output }}"}}
)";

const std::string beside = chain + "  d: {operator: work, with: {for: 3600}}\n";

struct paused_engine : test::engine
{
    std::optional<reopening> told;

    /// Returns when it was taken up.
    reopening reopen(schedule::reopen_wish wish = {})
    {
        told.reset();
        executor->reopen(std::move(wish), [this](reopening r) { told = r; });
        loop.run(0s);
        BOOST_TEST_REQUIRE(told.has_value());
        return *told;
    }

    [[nodiscard]] std::string state(std::uint32_t task)
    {
        return std::string(journal::to_string(tasks().at(task).state));
    }

    [[nodiscard]] journal::recorded_state recorded() { return store.runs({}).front().state; }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(reopening_runs, paused_engine)

BOOST_AUTO_TEST_CASE(paused_run_starts_nothing_until_it_goes_on)
{
    start(chain);
    loop.run(10s);
    executor->pause();
    loop.run(600s);
    BOOST_TEST((test::the_script().started == names{"a", "b"}));
    BOOST_CHECK(executor->machine().state() == run_state::paused);
    BOOST_CHECK(recorded() == journal::recorded_state::paused);
    executor->unpause();
    loop.run();
    BOOST_CHECK(executor->machine().state() == run_state::success);
}

BOOST_AUTO_TEST_CASE(pause_outlives_a_crash)
{
    start(chain);
    loop.run(10s);
    executor->pause();
    loop.run(600s);
    crash_and_recover(chain);
    loop.run(600s);
    BOOST_TEST((test::the_script().started == names{"a", "b"}));
    BOOST_CHECK(executor->machine().state() == run_state::paused);
    BOOST_CHECK(recorded() == journal::recorded_state::paused);
    executor->unpause();
    loop.run();
    BOOST_TEST((test::the_script().started == names{"a", "b", "c"}));
}

BOOST_AUTO_TEST_CASE(paused_run_can_be_cancelled)
{
    start(chain);
    loop.run(10s);
    executor->pause();
    executor->cancel(cancel_reason::user);
    loop.run();
    BOOST_TEST(ended);
    BOOST_CHECK(executor->machine().state() == run_state::cancelled);
}

BOOST_AUTO_TEST_CASE(failed_task_of_a_running_run_runs_once_more)
{
    test::the_script().failures["a"] = 1;
    start(beside);
    loop.run(10s);
    BOOST_TEST(state(0) == "failed");
    BOOST_TEST(state(2) == "upstream_failed");
    BOOST_CHECK(reopen() == reopening::done);
    loop.run();
    BOOST_TEST(ended);
    BOOST_CHECK(executor->machine().state() == run_state::success);
    BOOST_TEST((test::the_script().started == names{"a", "d", "a#2", "b", "c"}));
    BOOST_TEST(output_of(2) == json::value(1));
    BOOST_TEST(state(0) == "success");
}

BOOST_AUTO_TEST_CASE(reopened_tasks_wait_in_the_journal)
{
    test::the_script().failures["a"] = 1;
    start("tasks:\n  a: {operator: work, pool: p, with: {for: 1}}\n  b: {operator: work, depends_on: a}\n"
          "  d: {operator: work, pool: p, with: {for: 100}, priority: -1}\npools: {p: 1}\n");
    loop.run(10s);
    BOOST_CHECK(reopen() == reopening::done);
    BOOST_TEST(state(0) == "pending");
    BOOST_TEST(state(1) == "pending");
    BOOST_TEST(store.runs({}).front().ended.has_value() == false);
    loop.run();
    BOOST_CHECK(executor->machine().state() == run_state::success);
}

BOOST_AUTO_TEST_CASE(reopening_outlives_a_crash_at_any_time)
{
    for (const auto crash_after : {0s, 5s, 30s, 61s, 3000s}) {
        test::engine fresh;
        test::the_script().failures["a"] = 1;
        fresh.start(beside);
        fresh.loop.run(10s);
        fresh.executor->reopen({}, [](reopening) {});
        fresh.loop.run(crash_after);
        fresh.crash_and_recover(beside);
        fresh.loop.run();
        BOOST_TEST(fresh.ended);
        BOOST_CHECK(fresh.executor->machine().state() == run_state::success);
        const auto& started = test::the_script().started;
        BOOST_TEST(std::count(started.begin(), started.end(), "a#2") == 1);
        BOOST_TEST(std::count(started.begin(), started.end(), "a") == 1);
    }
}

BOOST_AUTO_TEST_CASE(crash_after_any_record_repeats_no_attempt)
{
    test::the_script().failures["a"] = 1;
    start(beside);
    loop.run(10s);
    BOOST_CHECK(reopen() == reopening::done);
    loop.run();
    BOOST_CHECK(executor->machine().state() == run_state::success);
    const std::vector<journal::record> all = records();
    for (std::size_t n = 1; n <= all.size(); ++n) {
        const std::vector<journal::record> prefix(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(n));
        const auto has = [&prefix](record_kind kind) {
            return std::count_if(prefix.begin(), prefix.end(), [&](const auto& r) { return r.kind == kind; });
        };
        test::engine second;
        test::the_script().failures["a"] = has(record_kind::retry_scheduled) == 0 ? 1 : 0;
        second.recover_from(beside, prefix);
        second.loop.run();
        BOOST_TEST(second.ended, "after record " << n);
        if (has(record_kind::task_reopened) == 3)
            BOOST_CHECK(second.executor->machine().state() == run_state::success);
        std::set<std::pair<std::uint32_t, std::uint32_t>> ended_once;
        for (const journal::record& r : second.records()) {
            if (r.kind == record_kind::attempt_ended || r.kind == record_kind::attempt_interrupted)
                BOOST_TEST(ended_once.emplace(r.task.value(), r.attempt.value()).second,
                           "attempt " << r.attempt.value() << " of task " << r.task.value()
                                      << " ended twice after record " << n);
        }
    }
}

BOOST_AUTO_TEST_CASE(what_is_under_way_goes_on_with_what_it_had)
{
    start(R"(
tasks:
  a: {operator: work, with: {for: 1, output: [1, 2, 3]}}
  b:
    operator: work
    depends_on: a
    foreach: ${{ tasks.a.output }}
    max_active: 1
    with: {for: 10, output: "${{ tasks.a.output[0] }}"}
)");
    loop.run(5s);
    BOOST_CHECK(reopen({{task_index(0)}}) == reopening::done);
    loop.run();
    BOOST_CHECK(executor->machine().state() == run_state::success);
    BOOST_TEST((test::the_script().started == names{"a", "b[0]", "a#2", "b[1]", "b[2]"}));
}

BOOST_AUTO_TEST_CASE(task_that_starts_over_sees_what_is_new)
{
    const std::string dag = R"(
tasks:
  a: {operator: work, with: {for: 1, output: "${{ range(attempt) }}"}}
  b:
    operator: work
    depends_on: a
    foreach: ${{ tasks.a.output }}
    with: {output: "${{ tasks.a.output }}"}
  d: {operator: work, with: {for: 3600}}
)";
    start(dag);
    loop.run(10s);
    BOOST_CHECK(reopen({{task_index(0)}, true}) == reopening::done);
    loop.run(10s);
    crash_and_recover(dag);
    loop.run();
    BOOST_CHECK(executor->machine().state() == run_state::success);
    BOOST_TEST((test::the_script().started == names{"a", "d", "b[0]", "a#2", "b[0]#2", "b[1]", "d#2"}));
}

BOOST_AUTO_TEST_CASE(nothing_to_run_once_more_is_said)
{
    start(beside);
    loop.run(10s);
    BOOST_CHECK(reopen() == reopening::nothing);
    executor->cancel(cancel_reason::user);
    executor->reopen({{task_index(0)}}, [this](reopening r) { told = r; });
    loop.run(0s);
    BOOST_CHECK(told == reopening::cancelling || told == reopening::ended);
    loop.run();
    executor->reopen({}, [this](reopening r) { told = r; });
    BOOST_CHECK(told == reopening::ended);
}

BOOST_AUTO_TEST_CASE(run_that_is_let_go_of_says_so)
{
    start(beside);
    loop.run(10s);
    executor->reopen({{task_index(0)}}, [this](reopening r) { told = r; });
    executor->detach();
    BOOST_CHECK(told == reopening::let_go);
}

BOOST_AUTO_TEST_CASE(failed_items_alone_run_once_more_and_keep_what_the_others_yielded)
{
    const std::string dag = R"(
tasks:
  all: {operator: work, foreach: [1, 2, 3], with: {output: "${{ item }}"}}
  sum: {operator: work, depends_on: all, with: {output: "${{ tasks.all.output }}"}}
  d: {operator: work, with: {for: 3600}}
)";
    test::the_script().failures["all"] = 1;
    start(dag);
    loop.run(10s);
    BOOST_TEST(state(0) == "failed");
    BOOST_CHECK(reopen() == reopening::done);
    loop.run(10s);
    crash_and_recover(dag);
    loop.run();
    BOOST_CHECK(executor->machine().state() == run_state::success);
    BOOST_TEST(output_of(1) == (json::array{1, 2, 3}));
    BOOST_TEST(count(record_kind::task_reopened) == 2u);
    BOOST_TEST((test::the_script().started == names{"all[0]", "all[1]", "all[2]", "d", "all[0]#2", "sum", "d#2"}));
}

BOOST_AUTO_TEST_CASE(why_a_task_does_not_run_is_said)
{
    const auto reason = [this](std::uint32_t task) {
        return executor->why(task_index(task), std::nullopt).reasons.front();
    };
    test::the_script().failures["r"] = 1;
    start(R"(
pools: {p: 1}
tasks:
  a: {operator: work, pool: p, with: {for: 60}}
  b: {operator: work, depends_on: a}
  c: {operator: work, pool: p}
  r: {operator: work, retry: {limit: 1, delay: 42s}}
  e: {operator: work}
)");
    loop.run(10s);
    BOOST_TEST(reason(0).code == "deferred");
    BOOST_TEST(reason(0).text == "attempt 1 waits on something remote, started 10s ago");
    BOOST_TEST(reason(1).code == "upstream");
    BOOST_TEST(reason(1).text == "it waits for `a` (deferred) (all_success)");
    BOOST_TEST(reason(2).code == "pool_full");
    BOOST_TEST(reason(3).code == "retry");
    BOOST_TEST(reason(3).text == "it waits for attempt 2, due in 32s");
    BOOST_TEST(reason(4).code == "ended");
    executor->pause();
    loop.run(0s);
    BOOST_TEST(reason(2).code == "paused");
    executor->unpause();
    loop.run();
    BOOST_TEST(ended);
}

BOOST_AUTO_TEST_SUITE_END()
