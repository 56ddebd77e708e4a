// What ended without a confirmation is looked after at the next start.
#include "tests/unit/runtime/durable_operators.hpp"

using namespace potoo;
using namespace potoo::test;
using namespace std::chrono_literals;
using journal::record_kind;
using schedule::run_state;
using names = std::vector<std::string>;

namespace {

task<json::value> step_and_job(context& ctx)
{
    co_await ctx.step("one", change("one"));
    ctx.on_cancel(undo("one"));
    auto output = co_await run_job(ctx);
    co_return output;
}

struct reconciling : durable_engine
{
    reconciling()
    {
        add("step_and_job", step_and_job);
        add("run_job", run_job);
    }

    /// A run that has ended, with a job that runs on.
    void end_unconfirmed(const std::string& dag)
    {
        start(dag);
        loop.run(2s);
        the_world().cancel_is_dead = true;
        for (auto& [id, j] : the_world().jobs)
            j.polls_left = 100'000;
        executor->cancel(cancel_reason::user);
        loop.run(30min);
        BOOST_TEST_REQUIRE(ended);
        the_world().undone.clear();
        observer = {};
    }

    void come_back(const std::string& dag)
    {
        executor.reset();
        recover(dag);
        loop.run(30min);
    }

    const std::string simple = dag_of("step_and_job");
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(reconciliation, reconciling)

BOOST_AUTO_TEST_CASE(job_left_by_a_run_that_has_ended_is_cancelled_at_the_next_start)
{
    end_unconfirmed(simple);
    BOOST_TEST(the_world().running_jobs() == 1u);
    BOOST_TEST(store.unconfirmed(std::nullopt).size() == 1u);
    const auto before = records();
    the_world().cancel_is_dead = false;
    come_back(simple);
    BOOST_TEST(ended);
    BOOST_TEST(the_world().running_jobs() == 0u);
    BOOST_TEST(the_world().submissions == 1);
    BOOST_TEST((the_world().effects == names{"one"}));
    BOOST_TEST((the_world().undone == names{"one"}));
    BOOST_TEST(store.unconfirmed(std::nullopt).empty());
    const auto after = records();
    BOOST_TEST(after.size() == before.size() + 1);
    BOOST_TEST((after.back().kind == record_kind::remote_confirmed));
    BOOST_CHECK(executor->machine().state() == run_state::cancelled);
    BOOST_TEST(to_string(store.runs({}).front().state) == "cancelled");
    BOOST_TEST(observer.starts == 0);
    BOOST_TEST(observer.ends == 0);
    BOOST_TEST_REQUIRE(observer.warnings.size() == 2u);
    BOOST_TEST(observer.warnings[0].starts_with("attempt 1 of task `a` had ended before it was confirmed"),
               observer.warnings[0]);
    BOOST_TEST(observer.warnings[1] == "attempt 1 of task `a`: it is confirmed that nothing of it runs any more");
}

BOOST_AUTO_TEST_CASE(job_that_still_does_not_answer_stays_on_the_list)
{
    end_unconfirmed(simple);
    come_back(simple);
    BOOST_TEST(ended);
    BOOST_TEST(store.unconfirmed(std::nullopt).size() == 1u);
    BOOST_TEST_REQUIRE(observer.warnings.size() == 2u);
    BOOST_TEST(observer.warnings[1].find("still not confirmed") != std::string::npos, observer.warnings[1]);
    the_world().cancel_is_dead = false;
    come_back(simple);
    BOOST_TEST(ended);
    BOOST_TEST(store.unconfirmed(std::nullopt).empty());
    BOOST_TEST(the_world().running_jobs() == 0u);
}

BOOST_AUTO_TEST_CASE(nothing_is_done_when_all_is_confirmed)
{
    end_unconfirmed(simple);
    the_world().cancel_is_dead = false;
    come_back(simple);
    const auto before = records();
    observer = {};
    come_back(simple);
    BOOST_TEST(ended);
    BOOST_TEST((records() == before));
    BOOST_TEST(observer.warnings.empty());
}

BOOST_AUTO_TEST_CASE(items_are_reconciled_with_their_own_inputs)
{
    const std::string dag = "tasks:\n  a: {operator: run_job, foreach: [east, west], with: {where: \"${{ item }}\"}}\n";
    end_unconfirmed(dag);
    BOOST_TEST(the_world().running_jobs() == 2u);
    the_world().cancel_is_dead = false;
    come_back(dag);
    BOOST_TEST(the_world().running_jobs() == 0u);
    BOOST_TEST(store.unconfirmed(std::nullopt).empty());
}

BOOST_AUTO_TEST_CASE(run_that_goes_on_is_reconciled_beside_its_tasks)
{
    const std::string dag =
        "tasks:\n  a: {operator: step_and_job}\n  b: {operator: work, with: {for: 5000, output: 1}}\n";
    start(dag);
    loop.run(2s);
    the_world().cancel_is_dead = true;
    the_world().jobs.begin()->second.polls_left = 100'000;
    executor->cancel(task_index(0));
    loop.run(5min);
    BOOST_TEST(state() == "cancelled");
    the_world().cancel_is_dead = false;
    crash_and_recover(dag);
    loop.run(10s);
    BOOST_TEST(the_world().running_jobs() == 0u);
    BOOST_TEST(!ended);
    loop.run();
    BOOST_TEST(ended);
    BOOST_TEST(to_string(executor->machine().state_of(task_index(1))) == "success");
    BOOST_TEST(count(record_kind::attempt_ended) == 2u);
}

BOOST_AUTO_TEST_CASE(engine_that_stops_lets_go_of_a_reconciliation)
{
    end_unconfirmed(simple);
    executor.reset();
    recover(simple);
    loop.run(5s);
    BOOST_TEST(!ended);
    executor->detach();
    loop.run_present();
    BOOST_TEST(ended);
    BOOST_TEST(loop.timers() == 0u);
    BOOST_TEST(store.unconfirmed(std::nullopt).size() == 1u);
}

BOOST_AUTO_TEST_CASE(crash_after_any_record_of_an_unconfirmed_end_leaves_no_job_running)
{
    end_unconfirmed(simple);
    const auto all = records();
    const world then = the_world();
    for (std::size_t n = 1; n <= all.size(); ++n) {
        const std::vector<journal::record> prefix(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(n));
        const bool asked = std::any_of(prefix.begin(), prefix.end(),
                                       [](const auto& r) { return r.kind == record_kind::cancel_requested; });
        if (!asked)
            continue;
        reconciling second;
        the_world() = then;
        the_world().cancel_is_dead = false;
        second.recover_from(simple, prefix);
        second.loop.run();
        BOOST_TEST_REQUIRE(second.ended, "after record " << n);
        BOOST_TEST(the_world().running_jobs() == 0u, "after record " << n);
        BOOST_TEST(second.store.unconfirmed(std::nullopt).empty(), "after record " << n);
        BOOST_TEST(second.count(record_kind::run_ended) == 1u);
        BOOST_CHECK(second.executor->machine().state() == run_state::cancelled);
    }
}

BOOST_AUTO_TEST_SUITE_END()
