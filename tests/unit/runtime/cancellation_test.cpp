// What is done when an attempt is stopped: handlers, replays that are stopped on their way, remote jobs.
#include "tests/unit/runtime/durable_operators.hpp"

using namespace potoo;
using namespace potoo::test;
using namespace std::chrono_literals;
using schedule::run_state;
using names = std::vector<std::string>;

namespace {

int life = 0;

task<> undo_badly(std::string what)
{
    the_world().undone.push_back(what);
    throw failure("cannot undo " + what);
    co_return;
}

task<> undo_for_ever(std::string what)
{
    the_world().undone.push_back(what);
    co_await sleep_for(24h);
}

task<> undo_by_a_step(context& ctx)
{
    co_await ctx.step("undo", change("undone by a step"));
}

task<json::value> with_handlers(context& ctx)
{
    co_await ctx.step("one", change("one"));
    ctx.on_cancel(undo("one", 1));
    co_await ctx.step("two", change("two"));
    ctx.on_cancel(undo_badly("two"));
    ctx.on_cancel(undo("three"));
    co_await sleep_for(1h);
    co_return nullptr;
}

task<json::value> with_good_handlers(context& ctx)
{
    co_await ctx.step("one", change("one"));
    ctx.on_cancel(undo("one", 1));
    ctx.on_cancel(undo("two"));
    ctx.on_cancel(undo("three"));
    co_await sleep_for(1h);
    co_return nullptr;
}

task<json::value> with_a_handler_that_fails_first(context& ctx)
{
    co_await ctx.step("one", change("one"));
    if (life == 0)
        ctx.on_cancel(undo_badly("it"));
    else
        ctx.on_cancel(undo("it"));
    ctx.on_cancel(undo("other"));
    co_await sleep_for(1h);
    co_return nullptr;
}

/// A replay that is told to stop does not come to its handler.
task<json::value> registers_late(context& ctx)
{
    co_await ctx.step("one", change("one"));
    co_await sleep_for(1s);
    ctx.on_cancel(undo_badly("it"));
    co_await sleep_for(1h);
    co_return nullptr;
}

task<json::value> with_a_handler_that_hangs(context& ctx)
{
    ctx.on_cancel(undo("first"));
    ctx.on_cancel(undo_for_ever("last"));
    co_await sleep_for(1h);
    co_return nullptr;
}

task<json::value> fails_with_a_handler(context& ctx)
{
    ctx.on_cancel(undo("it"));
    co_await sleep_for(10s);
    throw failure("by itself", "own");
}

task<json::value> fails_when_it_is_stopped(context& ctx)
{
    ctx.on_cancel(undo("it"));
    bool stopped = false;
    try {
        co_await sleep_for(1h);
    } catch (const cancelled&) {
        stopped = true;
    }
    if (stopped)
        throw failure("could not stop well");
    co_return nullptr;
}

task<json::value> with_a_handler_that_steps(context& ctx)
{
    ctx.on_cancel(undo_by_a_step(ctx));
    co_await sleep_for(1h);
    co_return nullptr;
}

task<json::value> succeeds_when_it_is_stopped(context& ctx)
{
    ctx.on_cancel(undo("it"));
    try {
        co_await sleep_for(1h);
    } catch (const cancelled&) {
        tell("stopped");
    }
    co_return nullptr;
}

/// On its way to the second step a replay sleeps.
task<json::value> with_a_long_way(context& ctx)
{
    co_await ctx.step("one", change("one"));
    ctx.on_cancel(undo("one"));
    co_await sleep_for(life == 0 ? 10s : 30s);
    co_await ctx.step("two", change("two"));
    ctx.on_cancel(undo("two"));
    co_await ctx.step("three", change("three", 3'600));
    co_return nullptr;
}

task<json::value> with_too_long_a_way(context& ctx)
{
    co_await ctx.step("one", change("one"));
    ctx.on_cancel(undo("one"));
    co_await sleep_for(life == 0 ? 10s : 7'200s);
    co_await ctx.step("two", change("two"));
    ctx.on_cancel(undo("two"));
    co_await sleep_for(1h);
    co_return nullptr;
}

task<std::monostate> side(context& ctx, std::string name, int seconds)
{
    co_await sleep_for(std::chrono::seconds(seconds));
    co_await ctx.step(name, change(name));
    ctx.on_cancel(undo(name));
    co_await ctx.step(name + " more", change(name + " more", 3'600));
    co_return std::monostate{};
}

task<std::monostate> side_with_a_long_way(context& ctx)
{
    co_await sleep_for(life == 0 ? 1s : 7'200s);
    co_await ctx.step("far", change("far"));
    ctx.on_cancel(undo("far"));
    co_await sleep_for(1h);
    co_return std::monostate{};
}

task<json::value> two_on_branches(context& ctx)
{
    co_await all(side(ctx, "near", 1), side_with_a_long_way(ctx));
    co_return nullptr;
}

task<json::value> side_by_side(context& ctx)
{
    co_await all(side(ctx, "left", 1), side(ctx, "right", 2));
    co_return nullptr;
}

task<json::value> job_after_a_step(context& ctx)
{
    co_await ctx.step(life == 3 ? "another" : "one", change("one"));
    co_await sleep_for(life == 0 ? 1s : life == 4 ? 7'200s : 10s);
    if (life == 2)
        throw failure("before the job", "early");
    auto output = co_await run_job(ctx);
    co_return output;
}

task<json::value> opens_when_stopped(context& ctx)
{
    co_await ctx.step("one", change("one"));
    cancel_reason stopped = cancel_reason::none;
    try {
        co_await sleep_for(1h);
    } catch (const cancelled& c) {
        stopped = c.reason();
    }
    const auto refused = [](task<> t) -> task<> {
        try {
            co_await std::move(t);
            tell("begun");
        } catch (const cancelled&) {
            tell("refused");
        }
    };
    const auto drop = [](auto t) -> task<> { co_await std::move(t); };
    co_await refused(drop(ctx.step("two", change("two"))));
    co_await refused(drop(ctx.callback("c")));
    co_await refused(ctx.sleep_until("s", wall_time{}));
    co_await refused(drop(run_job(ctx)));
    throw cancelled(stopped);
    co_return nullptr;
}

struct stops : durable_engine
{
    stops()
    {
        life = 0;
        add("with_handlers", with_handlers);
        add("with_good_handlers", with_good_handlers);
        add("with_a_handler_that_fails_first", with_a_handler_that_fails_first);
        add("registers_late", registers_late);
        add("two_on_branches", two_on_branches);
        add("with_a_handler_that_hangs", with_a_handler_that_hangs);
        add("with_a_handler_that_steps", with_a_handler_that_steps);
        add("fails_with_a_handler", fails_with_a_handler);
        add("fails_when_it_is_stopped", fails_when_it_is_stopped);
        add("succeeds_when_it_is_stopped", succeeds_when_it_is_stopped);
        add("with_a_long_way", with_a_long_way);
        add("with_too_long_a_way", with_too_long_a_way);
        add("side_by_side", side_by_side);
        add("job_after_a_step", job_after_a_step);
        add("opens_when_stopped", opens_when_stopped);
        add("run_job", run_job);
    }

    /// Runs for a while, dies, is told to stop while no engine runs, and comes back.
    void cancel_while_down(const std::string& dag, duration after)
    {
        start(dag);
        loop.run(after);
        executor->detach();
        executor.reset();
        append_cancel();
        life = 1;
        recover(dag);
    }

    void append_cancel()
    {
        journal::record r;
        r.run = journal::run_number(1);
        r.kind = journal::record_kind::cancel_requested;
        r.name = "user";
        log.append(r);
    }

    const names& undone() const { return the_world().undone; }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(stopping, stops)

BOOST_AUTO_TEST_CASE(handlers_run_last_first_and_all_of_them)
{
    start(dag_of("with_handlers"));
    loop.run(10s);
    executor->cancel(cancel_reason::user);
    loop.run(500ms);
    BOOST_TEST(state() == "cancelling");
    loop.run();
    BOOST_TEST((undone() == names{"three", "two", "one"}));
    BOOST_TEST(state() == "cancelled");
    BOOST_TEST(observer.logged.find("cannot undo two") != std::string::npos);
    BOOST_TEST((loop.elapsed() >= 11s && loop.elapsed() < 12s));
}

BOOST_AUTO_TEST_CASE(attempt_whose_handler_fails_is_unconfirmed_and_stays_so_until_the_handler_succeeds)
{
    start(dag_of("with_a_handler_that_fails_first"));
    loop.run(10s);
    executor->cancel(cancel_reason::user);
    loop.run();
    BOOST_TEST(state() == "cancelled");
    BOOST_TEST(observer.errors.back().at("remote").as_string() == "unconfirmed");
    BOOST_TEST_REQUIRE(store.unconfirmed(std::nullopt).size() == 1u);
    const auto all = records();
    const auto said = std::find_if(all.begin(), all.end(),
                                   [](const auto& r) { return r.kind == journal::record_kind::remote_unconfirmed; });
    BOOST_TEST(said->data.find("cannot undo it") != std::string::npos, said->data);
    BOOST_TEST(said->number == 2);
    executor.reset();
    recover(dag_of("with_a_handler_that_fails_first"));
    loop.run();
    BOOST_TEST(store.unconfirmed(std::nullopt).size() == 1u);
    life = 1;
    executor.reset();
    recover(dag_of("with_a_handler_that_fails_first"));
    loop.run();
    BOOST_TEST(store.unconfirmed(std::nullopt).empty());
    BOOST_TEST((undone() == names{"other", "it", "other", "it", "other", "it"}));
}

BOOST_AUTO_TEST_CASE(attempt_that_left_no_records_is_never_confirmed_by_itself)
{
    start(dag_of("with_a_handler_that_hangs"));
    loop.run(10s);
    executor->cancel(cancel_reason::user);
    loop.run();
    BOOST_TEST_REQUIRE(store.unconfirmed(std::nullopt).size() == 1u);
    observer = {};
    executor.reset();
    recover(dag_of("with_a_handler_that_hangs"));
    loop.run();
    BOOST_TEST(ended);
    BOOST_TEST(store.unconfirmed(std::nullopt).size() == 1u);
    BOOST_TEST(observer.warnings.back().find("no records") != std::string::npos, observer.warnings.back());
}

BOOST_AUTO_TEST_CASE(reconciliation_that_registers_fewer_handlers_confirms_nothing)
{
    start(dag_of("registers_late"));
    loop.run(10s);
    executor->cancel(cancel_reason::user);
    loop.run();
    BOOST_TEST_REQUIRE(store.unconfirmed(std::nullopt).size() == 1u);
    executor.reset();
    recover(dag_of("registers_late"));
    loop.run();
    BOOST_TEST(ended);
    BOOST_TEST(store.unconfirmed(std::nullopt).size() == 1u);
    BOOST_TEST(count(journal::record_kind::remote_confirmed) == 0u);
}

BOOST_AUTO_TEST_CASE(handlers_run_at_the_timeout_the_deadline_and_when_the_run_fails_fast)
{
    for (const char* more : {"timeout", "deadline", "fail_fast"}) {
        test::durable_engine e;
        std::string dag = dag_of("with_handlers");
        if (more == std::string("timeout"))
            dag = dag_of("with_handlers", ", timeout: 5s");
        else if (more == std::string("deadline"))
            dag = "deadline: 5s\n" + dag;
        else
            dag = "fail_fast: true\n" + dag + "  b: {operator: work, with: {for: 5, fatal: broken}}\n";
        e.run(dag);
        BOOST_TEST((undone() == names{"three", "two", "one"}), more);
        BOOST_TEST((e.loop.elapsed() >= 6s && e.loop.elapsed() < 7s));
    }
}

BOOST_AUTO_TEST_CASE(next_attempt_waits_for_the_handlers_of_the_one_that_timed_out)
{
    run(dag_of("with_good_handlers", ", timeout: 5s, retry: {limit: 1, delay: 0s}"));
    BOOST_TEST((undone() == names{"three", "two", "one", "three", "two", "one"}));
    BOOST_TEST((loop.elapsed() >= 12s && loop.elapsed() < 13s));
}

BOOST_AUTO_TEST_CASE(handlers_do_not_run_when_the_engine_stops)
{
    start(dag_of("with_handlers"));
    loop.run(10s);
    executor->detach();
    loop.run();
    BOOST_TEST(ended);
    BOOST_TEST(undone().empty());
}

BOOST_AUTO_TEST_CASE(handlers_that_run_when_the_engine_stops_run_to_their_end_and_not_again)
{
    start(dag_of("with_good_handlers"));
    loop.run(10s);
    executor->cancel(cancel_reason::user);
    loop.run(500ms);
    executor->detach();
    loop.run();
    BOOST_TEST(ended);
    BOOST_TEST((undone() == names{"three", "two", "one"}));
    crash_and_recover(dag_of("with_good_handlers"));
    loop.run();
    BOOST_TEST(state() == "cancelled");
    BOOST_TEST(undone().size() == 3u);
}

BOOST_AUTO_TEST_CASE(handlers_do_not_run_when_the_operator_ends_by_itself)
{
    run(dag_of("fails_with_a_handler"));
    BOOST_TEST(state() == "failed");
    start(dag_of("succeeds_when_it_is_stopped"));
    loop.run(1s);
    executor->cancel(cancel_reason::user);
    loop.run();
    BOOST_TEST(state() == "success");
    BOOST_TEST(undone().empty());
}

BOOST_AUTO_TEST_CASE(handlers_run_when_the_operator_fails_because_it_was_stopped)
{
    start(dag_of("fails_when_it_is_stopped"));
    loop.run(1s);
    executor->cancel(cancel_reason::user);
    loop.run();
    BOOST_TEST(state() == "failed");
    BOOST_TEST((undone() == names{"it"}));
}

BOOST_AUTO_TEST_CASE(handlers_that_take_too_long_end_the_attempt_unconfirmed)
{
    start(dag_of("with_a_handler_that_hangs"));
    loop.run(10s);
    executor->cancel(cancel_reason::user);
    loop.run(59s);
    BOOST_TEST(state() == "cancelling");
    loop.run();
    BOOST_TEST(state() == "cancelled");
    BOOST_TEST((undone() == names{"last", "first"}));
    BOOST_TEST((loop.elapsed() >= 70s && loop.elapsed() < 71s));
    BOOST_TEST(observer.errors.back().at("remote").as_string() == "unconfirmed");
    BOOST_TEST(count(journal::record_kind::remote_unconfirmed) == 1u);
}

BOOST_AUTO_TEST_CASE(attempt_that_ends_unconfirmed_is_not_retried)
{
    run(dag_of("with_a_handler_that_hangs", ", timeout: 5s, retry: 3"));
    BOOST_TEST(state() == "timed_out");
    BOOST_TEST(count(journal::record_kind::attempt_started) == 1u);
}

BOOST_AUTO_TEST_CASE(handler_can_begin_no_step)
{
    start(dag_of("with_a_handler_that_steps"));
    loop.run(1s);
    executor->cancel(cancel_reason::user);
    loop.run();
    BOOST_TEST(state() == "cancelled");
    BOOST_TEST(the_world().effects.empty());
}

BOOST_AUTO_TEST_CASE(nothing_new_begins_once_an_attempt_was_stopped)
{
    start(dag_of("opens_when_stopped"));
    loop.run(1s);
    executor->cancel(cancel_reason::user);
    loop.run();
    BOOST_TEST((the_world().seen == names{"refused", "refused", "refused", "refused"}));
    BOOST_TEST((the_world().effects == names{"one"}));
    BOOST_TEST(the_world().submissions == 0);
    BOOST_TEST(count(journal::record_kind::callback_opened) == 0u);
}

BOOST_AUTO_TEST_CASE(one_task_is_cancelled_and_the_others_go_on)
{
    start("tasks:\n  a: {operator: with_handlers}\n  b: {operator: work, with: {for: 60, output: 1}}\n");
    loop.run(10s);
    executor->cancel(task_index(0));
    loop.run();
    BOOST_TEST(state() == "cancelled");
    BOOST_TEST(undone().size() == 3u);
    BOOST_TEST(output_of(1) == json::value(1));
    BOOST_TEST(count(journal::record_kind::cancel_requested) == 1u);
    BOOST_CHECK_THROW(executor->cancel(task_index(2)), std::out_of_range);
    executor->cancel(task_index(1));
    BOOST_TEST(count(journal::record_kind::cancel_requested) == 1u);
}

BOOST_AUTO_TEST_CASE(cancellation_of_one_task_survives_a_crash)
{
    const std::string dag = "tasks:\n  a: {operator: with_handlers}\n  b: {operator: work, with: {for: 60}}\n";
    start(dag);
    loop.run(10s);
    executor->cancel(task_index(0));
    loop.run_present();
    crash_and_recover(dag);
    loop.run();
    BOOST_TEST(state() == "cancelled");
    BOOST_TEST(to_string(executor->machine().state_of(task_index(1))) == "success");
}

BOOST_AUTO_TEST_CASE(stop_asked_for_while_the_engine_is_down_waits_for_the_replay)
{
    cancel_while_down(dag_of("with_a_long_way"), 15s);
    loop.run();
    BOOST_TEST((the_world().effects == names{"one", "two"}));
    BOOST_TEST((undone() == names{"two", "one"}));
    BOOST_TEST(state() == "cancelled");
    BOOST_TEST((loop.elapsed() >= 45s && loop.elapsed() < 46s));
}

BOOST_AUTO_TEST_CASE(stop_that_comes_while_it_is_replayed_waits_for_the_replay)
{
    const std::string dag = dag_of("with_a_long_way");
    start(dag);
    loop.run(15s);
    life = 1;
    crash_and_recover(dag);
    loop.run(1s);
    executor->cancel(cancel_reason::user);
    loop.run();
    BOOST_TEST((undone() == names{"two", "one"}));
    BOOST_TEST((loop.elapsed() >= 45s && loop.elapsed() < 46s));
}

BOOST_AUTO_TEST_CASE(replay_that_does_not_arrive_is_stopped_after_a_minute)
{
    cancel_while_down(dag_of("with_too_long_a_way"), 15s);
    loop.run();
    BOOST_TEST((undone() == names{"one"}));
    BOOST_TEST(state() == "cancelled");
    BOOST_TEST((loop.elapsed() >= 75s && loop.elapsed() < 76s));
    BOOST_TEST(observer.errors.back().at("remote").as_string() == "unconfirmed");
    BOOST_TEST(observer.logged.find("its call 1, which was recorded as the step `two`") != std::string::npos,
               observer.logged);
    BOOST_TEST_REQUIRE(store.unconfirmed(std::nullopt).size() == 1u);
    life = 0;
    executor.reset();
    recover(dag_of("with_too_long_a_way"));
    loop.run();
    BOOST_TEST((undone() == names{"one", "two", "one"}));
    BOOST_TEST(store.unconfirmed(std::nullopt).empty());
}

BOOST_AUTO_TEST_CASE(records_of_a_branch_that_a_stopped_replay_did_not_come_by_are_unconfirmed)
{
    cancel_while_down(dag_of("two_on_branches"), 10s);
    loop.run();
    BOOST_TEST(state() == "cancelled");
    BOOST_TEST(store.unconfirmed(std::nullopt).size() == 1u);
    BOOST_TEST(observer.logged.find("on the branch 1") != std::string::npos, observer.logged);
}

BOOST_AUTO_TEST_CASE(replay_that_is_past_its_timeout_arrives_before_it_is_stopped)
{
    const std::string dag = dag_of("with_a_long_way", ", timeout: 20s");
    start(dag);
    loop.run(15s);
    executor->detach();
    executor.reset();
    loop.jump_wall(1h);
    life = 1;
    recover(dag);
    loop.run();
    BOOST_TEST(state() == "timed_out");
    BOOST_TEST((undone() == names{"two", "one"}));
}

BOOST_AUTO_TEST_CASE(engine_that_stops_does_not_wait_for_a_replay_that_was_told_to_stop)
{
    cancel_while_down(dag_of("with_too_long_a_way"), 15s);
    loop.run(1s);
    executor->detach();
    loop.run(1s);
    BOOST_TEST(ended);
    BOOST_TEST(undone().empty());
    BOOST_TEST(count(journal::record_kind::attempt_ended) == 0u);
}

BOOST_AUTO_TEST_CASE(branches_arrive_all_before_they_are_stopped)
{
    cancel_while_down(dag_of("side_by_side"), 10s);
    loop.run();
    BOOST_TEST((undone() == names{"right", "left"}));
    BOOST_TEST((the_world().effects == names{"left", "right"}));
}

BOOST_AUTO_TEST_CASE(remote_job_is_cancelled_when_that_was_asked_for_while_the_engine_was_down)
{
    the_world() = {};
    start(dag_of("job_after_a_step"));
    loop.run(3s);
    BOOST_TEST(the_world().running_jobs() == 1u);
    executor->detach();
    executor.reset();
    append_cancel();
    life = 1;
    recover(dag_of("job_after_a_step"));
    loop.run();
    BOOST_TEST(state() == "cancelled");
    BOOST_TEST(the_world().running_jobs() == 0u);
    BOOST_TEST(the_world().submissions == 1);
    BOOST_TEST(count(journal::record_kind::remote_unconfirmed) == 0u);
}

BOOST_AUTO_TEST_CASE(remote_job_is_cancelled_when_that_is_asked_for_before_its_attempt_is_replayed)
{
    start(dag_of("job_after_a_step"));
    loop.run(3s);
    crash_and_recover(dag_of("job_after_a_step"));
    executor->cancel(cancel_reason::user);
    loop.run();
    BOOST_TEST(state() == "cancelled");
    BOOST_TEST(the_world().running_jobs() == 0u);
    BOOST_TEST((the_world().jobs.begin()->second.cancelled));
    BOOST_TEST(store.unconfirmed(std::nullopt).empty());
}

BOOST_AUTO_TEST_CASE(attempt_that_ends_before_it_looked_after_its_job_is_unconfirmed)
{
    start(dag_of("job_after_a_step", ", retry: 3"));
    loop.run(3s);
    life = 2;
    crash_and_recover(dag_of("job_after_a_step", ", retry: 3"));
    loop.run();
    BOOST_TEST(state() == "failed");
    BOOST_TEST(last_error() == "retryable early");
    BOOST_TEST(observer.errors.back().at("remote").as_string() == "unconfirmed");
    BOOST_TEST(count(journal::record_kind::remote_unconfirmed) == 1u);
    BOOST_TEST(the_world().submissions == 1);
}

BOOST_AUTO_TEST_CASE(job_of_an_operator_that_has_changed_is_unconfirmed_and_cancelled_once_it_is_as_before)
{
    const std::string dag = dag_of("job_after_a_step", ", retry: 3");
    start(dag);
    loop.run(3s);
    the_world().jobs.begin()->second.polls_left = 100'000;
    life = 3;
    crash_and_recover(dag);
    loop.run();
    BOOST_TEST(last_error() == "fatal operator_changed");
    BOOST_TEST(store.unconfirmed(std::nullopt).size() == 1u);
    crash_and_recover(dag);
    loop.run();
    BOOST_TEST(store.unconfirmed(std::nullopt).size() == 1u);
    life = 1;
    crash_and_recover(dag);
    loop.run();
    BOOST_TEST(ended);
    BOOST_TEST(the_world().running_jobs() == 0u);
    BOOST_TEST(store.unconfirmed(std::nullopt).empty());
    BOOST_TEST(state() == "failed");
}

BOOST_AUTO_TEST_CASE(job_of_an_attempt_that_is_stopped_before_it_arrives_is_unconfirmed)
{
    start(dag_of("job_after_a_step"));
    loop.run(3s);
    the_world().jobs.begin()->second.polls_left = 100'000;
    executor->detach();
    executor.reset();
    append_cancel();
    life = 4;
    recover(dag_of("job_after_a_step"));
    loop.run();
    BOOST_TEST(state() == "cancelled");
    BOOST_TEST(store.unconfirmed(std::nullopt).size() == 1u);
    BOOST_TEST((loop.elapsed() >= 63s && loop.elapsed() < 64s));
}

BOOST_AUTO_TEST_CASE(job_that_does_not_answer_its_cancellation_is_recorded_before_the_end)
{
    start(dag_of("run_job"));
    loop.run(2s);
    the_world().cancel_is_dead = true;
    the_world().jobs.begin()->second.polls_left = 100'000;
    executor->cancel(cancel_reason::user);
    loop.run();
    const auto all = records();
    for (std::size_t i = 0; i < all.size(); ++i) {
        if (all[i].kind != journal::record_kind::remote_unconfirmed)
            continue;
        BOOST_TEST((all.at(i + 1).kind == journal::record_kind::attempt_ended));
        BOOST_TEST(all[i].name.starts_with("testrun00000-"));
        BOOST_TEST(all[i].data.find("no confirmation within 1m") != std::string::npos, all[i].data);
    }
    BOOST_TEST(store.unconfirmed(std::nullopt).size() == 1u);
}

BOOST_AUTO_TEST_CASE(tasks_that_were_ended_while_the_engine_was_down_are_recorded_as_ended)
{
    const std::string dag = "tasks:\n  a: {operator: with_handlers}\n  b: {operator: work, depends_on: a}\n";
    start(dag);
    loop.run(5s);
    executor->detach();
    executor.reset();
    append_cancel();
    recover(dag);
    loop.run();
    BOOST_TEST(to_string(tasks().at(1).state) == "cancelled");
    BOOST_TEST(count(journal::record_kind::task_ended) == 2u);
}

BOOST_AUTO_TEST_CASE(successor_of_an_interrupted_attempt_has_all_of_its_time)
{
    const std::string dag = dag_of("work", ", with: {for: 10}, timeout: 12s");
    start(dag);
    loop.run(5s);
    crash_and_recover(dag);
    loop.run();
    BOOST_TEST(state() == "success");
}

BOOST_AUTO_TEST_SUITE_END()
