// What an operator may do that outlives the engine: steps, times, draws, callbacks.
#include "engine/runtime/launch_name.hpp"
#include "tests/unit/runtime/durable_operators.hpp"

#include <limits>
#include <set>

using namespace potoo;
using namespace potoo::test;
using namespace std::chrono_literals;
using runtime::callback_outcome;
using schedule::run_state;
using names = std::vector<std::string>;

namespace {

/// What the operators do differently after a crash, when a test lets them.
int life = 0;

task<json::value> sleeps_until(context& ctx)
{
    const wall_time start = co_await ctx.now();
    co_await ctx.sleep_until("morning", start + 10h + std::chrono::hours(life));
    tell(format_time(ctx.loop().wall_now()));
    const wall_time again = co_await ctx.now();
    tell(format_time(again));
    co_return json::value(json::string(format_time(start)));
}

task<json::value> sleeps_until_the_past(context& ctx)
{
    const wall_time start = co_await ctx.now();
    co_await ctx.sleep_until("yesterday", start - 24h);
    co_return nullptr;
}

task<std::monostate> draw_two(context& ctx)
{
    auto a = co_await ctx.uuid();
    auto b = co_await ctx.uuid();
    tell(a);
    tell(b);
    co_return std::monostate{};
}

task<json::value> draws(context& ctx)
{
    co_await draw_two(ctx);
    co_await all(draw_two(ctx), draw_two(ctx));
    auto r = co_await ctx.random();
    tell(std::to_string(r));
    co_await ctx.step("done", change("done"));
    co_await sleep_for(10s);
    co_return nullptr;
}

task<json::value> renames_its_step(context& ctx)
{
    co_await ctx.step(life == 0 ? "old" : "new", change("effect"));
    co_await sleep_for(1h);
    co_return nullptr;
}

task<json::value> makes_a_callback_of_a_step(context& ctx)
{
    if (life == 0)
        co_await ctx.step("same", change("effect"));
    else
        co_await ctx.callback("same");
    co_await sleep_for(1h);
    co_return nullptr;
}

task<json::value> ends_without_its_step(context& ctx)
{
    if (life == 0) {
        co_await ctx.step("only once", change("effect"));
        co_await sleep_for(1h);
    }
    co_return nullptr;
}

task<json::value> launches_without_its_step(context& ctx)
{
    if (life == 0) {
        co_await ctx.step("only once", change("effect"));
        co_await sleep_for(1h);
    }
    auto output = co_await run_job(ctx);
    co_return output;
}

task<json::value> large(bool deep)
{
    if (!deep)
        co_return json::value(json::string(std::string(runtime::max_output_size, 'x')));
    json::value v = 1;
    for (std::size_t i = 0; i <= runtime::max_output_depth + 1; ++i)
        v = json::array{v};
    co_return v;
}

task<json::value> has_a_large_step(context& ctx)
{
    std::string first;
    try {
        co_await ctx.step("too large", large(false));
    } catch (const fatal& e) {
        first = e.code() + ": " + e.what();
    }
    tell(first);
    co_await sleep_for(10s);
    co_await ctx.step("too deep", large(true));
    co_return nullptr;
}

task<json::value> throw_oddly()
{
    the_world().effects.emplace_back("thrown");
    throw std::invalid_argument("no good");
    co_return nullptr;
}

task<json::value> has_a_step_that_throws(context& ctx)
{
    try {
        co_await ctx.step("throws", throw_oddly());
    } catch (const failure& e) {
        tell(e.code() + ": " + e.what());
    }
    co_await ctx.step("after", change("after"));
    co_await sleep_for(10s);
    co_return nullptr;
}

task<json::value> asks(context& ctx)
{
    auto cb = co_await ctx.callback("approval");
    the_world().callback_token = cb.token();
    co_await sleep_for(10s);
    auto answer = co_await ctx.completion(cb);
    co_await ctx.step("after", change("after"));
    co_await sleep_for(10s);
    co_return answer;
}

task<json::value> steps_often(context& ctx)
{
    for (int i = 0; i < 10'000; ++i)
        co_await ctx.step("s", change("s"));
    co_await sleep_for(10s);
    co_return nullptr;
}

task<std::string> decided_by_callback(context& ctx, open_callback cb)
{
    auto answer = co_await ctx.completion(cb);
    co_return "answer " + json::serialize(answer);
}

task<std::string> decided_by_time()
{
    co_await sleep_for(1min);
    co_return "expired";
}

/// An answer that comes after the time has passed must not change what was decided.
task<json::value> asks_for_a_minute(context& ctx)
{
    auto cb = co_await ctx.callback("approval");
    the_world().callback_token = cb.token();
    auto won = co_await any(decided_by_callback(ctx, cb), decided_by_time());
    const std::string outcome = won.index() == 0 ? std::get<0>(won) : std::get<1>(won);
    co_await ctx.step(outcome, change(outcome));
    co_await sleep_for(1h);
    co_return json::value(json::string(outcome));
}

task<std::monostate> slow_and_recorded(context& ctx, std::string name, int seconds)
{
    co_await ctx.step(name + " begun", change(name + " begun"));
    co_await ctx.step(name, change(name, seconds));
    co_return std::monostate{};
}

task<std::monostate> fails_after(int seconds)
{
    co_await sleep_for(std::chrono::seconds(seconds));
    throw failure("failed first", "first");
    co_return std::monostate{};
}

/// In a replay the second would fail first.
task<json::value> fails_in_a_group(context& ctx)
{
    std::string caught;
    try {
        co_await all(slow_and_recorded(ctx, "slow", 100), fails_after(life == 0 ? 1 : 0), fails_after(2));
    } catch (const failure& e) {
        caught = e.code();
    }
    co_await ctx.step(caught, change(caught));
    co_await all(slow_and_recorded(ctx, "a", 1), slow_and_recorded(ctx, "b", 1));
    co_await sleep_for(1h);
    co_return nullptr;
}

/// Groups in which nothing is recorded are not, however often they come.
task<std::monostate> waits(int seconds)
{
    co_await sleep_for(std::chrono::seconds(seconds));
    co_return std::monostate{};
}

int polls = 100;

task<json::value> polls_by_any(context& ctx)
{
    for (int i = 0; i < polls; ++i)
        co_await any(waits(1), waits(2));
    co_await ctx.step("after", change("after"));
    co_await sleep_for(1h);
    co_return nullptr;
}

task<std::monostate> steps_after(context& ctx, std::string name, int seconds)
{
    co_await sleep_for(std::chrono::seconds(seconds));
    co_await ctx.step(name, change(name));
    co_return std::monostate{};
}

task<std::monostate> draws_after(context& ctx, int seconds)
{
    co_await sleep_for(std::chrono::seconds(seconds));
    co_await ctx.uuid();
    co_return std::monostate{};
}

task<json::value> charges(context& ctx)
{
    auto done = co_await ctx.step("charge", change("charge"));
    co_await sleep_for(100s);
    co_return done;
}

/// What comes after five seconds comes later in a replay.
task<json::value> loses_before_its_step(context& ctx)
{
    co_await any(waits(life == 0 ? 5 : 15), steps_after(ctx, "ping", 10));
    auto done = co_await charges(ctx);
    co_return done;
}

task<json::value> loses_before_its_draw(context& ctx)
{
    co_await any(waits(life == 0 ? 5 : 15), draws_after(ctx, 10));
    auto done = co_await charges(ctx);
    co_return done;
}

task<json::value> quiet_then_not(context& ctx)
{
    co_await any(waits(1), waits(2));
    co_await any(steps_after(ctx, "right", 2), steps_after(ctx, "left", 1), waits(3));
    co_await any(waits(1), waits(2));
    co_await all(waits(1), waits(2));
    co_await any(steps_after(ctx, "right", 1), waits(2));
    auto done = co_await charges(ctx);
    co_return done;
}

task<json::value> many_quiet_then_not(context& ctx)
{
    for (int i = 0; i < 20; ++i)
        co_await any(waits(1), waits(2));
    co_await any(waits(5), steps_after(ctx, "left", 1));
    for (int i = 0; i < 20; ++i)
        co_await any(waits(1), waits(2));
    co_await any(steps_after(ctx, "right", 1), waits(2));
    auto done = co_await charges(ctx);
    co_return done;
}

task<std::monostate> takes_long_to_stop()
{
    try {
        co_await sleep_for(1h);
    } catch (const cancelled&) {
        tell("stopping");
    }
    co_await shield(waits(60), steady_time::max());
    co_return std::monostate{};
}

task<json::value> loser_takes_long_to_stop(context& ctx)
{
    auto won =
        co_await any(steps_after(ctx, "first", life == 0 ? 1 : 100), takes_long_to_stop(), waits(life == 0 ? 5 : 0));
    co_return json::value(won.index());
}

task<json::value> fails_in_a_group_once(context& ctx)
{
    try {
        co_await all(slow_and_recorded(ctx, "slow", 100), life == 0 ? fails_after(1) : waits(1));
    } catch (const failure&) {
        tell("failed");
    }
    co_await ctx.step("after", change("after"));
    co_await sleep_for(1h);
    co_return nullptr;
}

task<json::value> lets_a_sibling_cancel_it(context&)
{
    throw cancelled(cancel_reason::sibling);
    co_return nullptr;
}

struct calls : durable_engine
{
    calls()
    {
        life = 0;
        polls = 100;
        add("loses_before_its_step", loses_before_its_step);
        add("loses_before_its_draw", loses_before_its_draw);
        add("quiet_then_not", quiet_then_not);
        add("many_quiet_then_not", many_quiet_then_not);
        add("loser_takes_long_to_stop", loser_takes_long_to_stop);
        add("fails_in_a_group_once", fails_in_a_group_once);
        add("lets_a_sibling_cancel_it", lets_a_sibling_cancel_it);
        add("sleeps_until", sleeps_until);
        add("sleeps_until_the_past", sleeps_until_the_past);
        add("draws", draws);
        add("renames_its_step", renames_its_step);
        add("makes_a_callback_of_a_step", makes_a_callback_of_a_step);
        add("ends_without_its_step", ends_without_its_step);
        add("launches_without_its_step", launches_without_its_step);
        add("has_a_large_step", has_a_large_step);
        add("has_a_step_that_throws", has_a_step_that_throws);
        add("asks", asks);
        add("steps_often", steps_often);
        add("asks_for_a_minute", asks_for_a_minute);
        add("fails_in_a_group", fails_in_a_group);
        add("polls_by_any", polls_by_any);
    }

    /// Runs, crashes after five seconds, and goes on in the next life.
    void run_two_lives(const std::string& name) { two_lives_of(name, 5s); }

    void two_lives_of(const std::string& name, duration first)
    {
        start(dag_of(name));
        loop.run(first);
        life = 1;
        crash_and_recover(dag_of(name));
        loop.run();
    }

    const std::string& token() const { return the_world().callback_token; }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(durable_calls, calls)

BOOST_AUTO_TEST_CASE(sleep_until_waits_deferred_for_a_time_of_the_calendar)
{
    BOOST_CHECK(run(dag_of("sleeps_until")) == run_state::success);
    BOOST_TEST(the_world().seen.front() == "2026-01-01T10:00:00.000Z");
    BOOST_TEST((observer.deferrals == std::vector<bool>{true, false}));
}

BOOST_AUTO_TEST_CASE(replay_sleeps_until_the_time_that_was_recorded)
{
    start(dag_of("sleeps_until"));
    loop.run(1h);
    life = 1;
    crash_and_recover(dag_of("sleeps_until"));
    loop.run(1h);
    life = 2;
    crash_and_recover(dag_of("sleeps_until"));
    loop.run();
    BOOST_TEST(the_world().seen.front() == "2026-01-01T10:00:00.000Z");
    BOOST_TEST(output_of(0) == json::value("2026-01-01T00:00:00.000Z"));
}

BOOST_AUTO_TEST_CASE(sleep_until_follows_a_wall_clock_that_is_set)
{
    start(dag_of("sleeps_until"));
    loop.run(1h);
    loop.jump_wall(5h);
    loop.run();
    BOOST_TEST((loop.elapsed() >= 5h && loop.elapsed() <= 5h + 1min));
    BOOST_CHECK(executor->machine().state() == run_state::success);
}

BOOST_AUTO_TEST_CASE(sleep_until_waits_longer_when_the_wall_clock_is_set_back)
{
    start(dag_of("sleeps_until"));
    loop.run(1h);
    loop.jump_wall(-5h);
    loop.run();
    BOOST_TEST((loop.elapsed() >= 15h && loop.elapsed() <= 15h + 1min));
}

BOOST_AUTO_TEST_CASE(sleep_until_a_time_in_the_past_passes_at_once)
{
    BOOST_CHECK(run(dag_of("sleeps_until_the_past")) == run_state::success);
    BOOST_TEST((loop.elapsed() < 1s));
    BOOST_TEST(observer.deferrals.empty());
}

BOOST_AUTO_TEST_CASE(draws_differ_from_one_another_and_are_the_same_in_a_replay)
{
    run_two_lives("draws");
    const names& seen = the_world().seen;
    BOOST_TEST_REQUIRE(seen.size() == 14u);
    BOOST_TEST((names(seen.begin(), seen.begin() + 7) == names(seen.begin() + 7, seen.end())));
    BOOST_TEST(std::set<std::string>(seen.begin(), seen.end()).size() == 7u);
}

BOOST_AUTO_TEST_CASE(uuid_is_of_version_eight)
{
    for (std::uint32_t i = 0; i < 100; ++i) {
        const std::string u = runtime::make_replayable_uuid(launch_token("t"), "0.1", i);
        BOOST_TEST_REQUIRE(u.size() == 36u);
        for (const std::size_t dash : {8u, 13u, 18u, 23u})
            BOOST_TEST(u[dash] == '-');
        BOOST_TEST(u[14] == '8');
        BOOST_TEST(std::string("89ab").find(u[19]) != std::string::npos, u);
        BOOST_TEST(u.find_first_not_of("0123456789abcdef-") == std::string::npos, u);
    }
}

BOOST_AUTO_TEST_CASE(numbers_are_evenly_spread)
{
    double sum = 0;
    double squares = 0;
    double products = 0;
    double before = 0;
    constexpr int n = 10'000;
    for (std::uint32_t i = 0; i < n; ++i) {
        const double r = runtime::make_replayable_number(launch_token("t"), "", i);
        BOOST_TEST_REQUIRE((r >= 0 && r < 1));
        sum += r;
        squares += r * r;
        products += r * before;
        before = r;
    }
    BOOST_TEST(std::abs(sum / n - 0.5) < 0.01);
    BOOST_TEST(std::abs(squares / n - 1.0 / 3) < 0.01);
    BOOST_TEST(std::abs(products / n - 0.25) < 0.01);
}

BOOST_AUTO_TEST_CASE(step_of_another_name_is_a_changed_operator_and_named)
{
    run_two_lives("renames_its_step");
    BOOST_TEST(last_error() == "fatal operator_changed");
    BOOST_TEST(last_message().find("recorded as the step `old` and is now the step `new`") != std::string::npos,
               last_message());
}

BOOST_AUTO_TEST_CASE(step_that_became_a_callback_is_a_changed_operator)
{
    run_two_lives("makes_a_callback_of_a_step");
    BOOST_TEST(last_error() == "fatal operator_changed");
    BOOST_TEST(last_message().find("recorded as the step `same` and is now the callback `same`") != std::string::npos,
               last_message());
}

BOOST_AUTO_TEST_CASE(operator_that_ends_before_its_recorded_step_has_changed)
{
    run_two_lives("ends_without_its_step");
    BOOST_TEST(last_error() == "fatal operator_changed");
    BOOST_TEST(last_message().find("the step `only once`") != std::string::npos, last_message());
}

BOOST_AUTO_TEST_CASE(operator_that_launches_before_its_recorded_step_has_changed)
{
    run_two_lives("launches_without_its_step");
    BOOST_TEST(last_error() == "fatal operator_changed");
    BOOST_TEST(the_world().submissions == 0);
}

BOOST_AUTO_TEST_CASE(result_that_is_too_large_or_deep_fails_its_step_and_stays_failed)
{
    run_two_lives("has_a_large_step");
    BOOST_TEST_REQUIRE(the_world().seen.size() == 2u);
    const std::string& said = the_world().seen[0];
    BOOST_TEST(said.starts_with("result_too_large: the result of the step `too large` has 16777218 bytes"), said);
    BOOST_TEST(said.find("16777216") != std::string::npos);
    BOOST_TEST(said.find("write it to a file") != std::string::npos);
    BOOST_TEST(the_world().seen[1] == said);
    BOOST_TEST(last_error() == "fatal result_too_deep");
}

BOOST_AUTO_TEST_CASE(number_that_json_does_not_have_is_not_recorded)
{
    const double infinity = std::numeric_limits<double>::infinity();
    const double nan = std::numeric_limits<double>::quiet_NaN();
    BOOST_CHECK_THROW(static_cast<void>(runtime::recordable_text(json::array{1, nan}, "it")), fatal);
    BOOST_CHECK_THROW(static_cast<void>(runtime::recordable_text(json::object{{"a", -infinity}}, "it")), fatal);
    BOOST_TEST(runtime::recordable_text(json::array{1, 0.5}, "it") == "[1,5E-1]");
}

BOOST_AUTO_TEST_CASE(whatever_a_step_throws_is_recorded)
{
    run_two_lives("has_a_step_that_throws");
    BOOST_TEST((the_world().effects == names{"thrown", "after"}));
    BOOST_TEST((the_world().seen == names{"exception: no good", "exception: no good"}));
}

BOOST_AUTO_TEST_CASE(first_of_an_any_is_the_same_in_a_replay)
{
    start(dag_of("asks_for_a_minute"));
    loop.run(2min);
    BOOST_CHECK(executor->complete_callback(token(), true, 1) == callback_outcome::completed);
    crash_and_recover(dag_of("asks_for_a_minute"));
    loop.run();
    BOOST_TEST(output_of(0) == json::value("expired"));
    BOOST_TEST((the_world().effects == names{"expired"}));
}

BOOST_AUTO_TEST_CASE(first_failure_of_an_all_is_the_same_in_a_replay)
{
    start(dag_of("fails_in_a_group"));
    loop.run(5s);
    const names effects{"slow begun", "first", "a begun", "b begun", "a", "b"};
    BOOST_TEST((the_world().effects == effects));
    life = 1;
    crash_and_recover(dag_of("fails_in_a_group"));
    loop.run();
    BOOST_CHECK(executor->machine().state() == run_state::success);
    BOOST_TEST((the_world().effects == effects));
}

BOOST_AUTO_TEST_CASE(groups_in_which_nothing_is_recorded_leave_no_record)
{
    start(dag_of("polls_by_any"));
    loop.run(90s);
    BOOST_TEST(count(journal::record_kind::step_recorded) == 0u);
    loop.run(5min);
    BOOST_TEST(count(journal::record_kind::step_recorded) == 17u);
    for (const int rounds : {100, 50, 3, 200}) {
        polls = rounds;
        crash_and_recover(dag_of("polls_by_any"));
        loop.run(10min);
        BOOST_TEST(state() == "running");
    }
    loop.run();
    BOOST_CHECK(executor->machine().state() == run_state::success);
    BOOST_TEST((the_world().effects == names{"after"}));
}

BOOST_AUTO_TEST_CASE(task_that_lost_an_any_before_it_did_anything_does_nothing_in_a_replay_either)
{
    two_lives_of("loses_before_its_step", 30s);
    BOOST_TEST((the_world().effects == names{"charge"}));
    BOOST_CHECK(executor->machine().state() == run_state::success);
}

BOOST_AUTO_TEST_CASE(task_that_lost_an_any_before_it_drew_moves_no_call_in_a_replay)
{
    two_lives_of("loses_before_its_draw", 30s);
    BOOST_TEST((the_world().effects == names{"charge"}));
    BOOST_CHECK(executor->machine().state() == run_state::success);
}

BOOST_AUTO_TEST_CASE(group_without_records_is_not_taken_for_the_next_one)
{
    two_lives_of("quiet_then_not", 30s);
    BOOST_TEST((the_world().effects == names{"left", "right", "charge"}));
    BOOST_CHECK(executor->machine().state() == run_state::success);
}

BOOST_AUTO_TEST_CASE(many_groups_without_records_are_not_taken_for_the_next_one)
{
    two_lives_of("many_quiet_then_not", 60s);
    BOOST_TEST((the_world().effects == names{"left", "right", "charge"}));
    BOOST_CHECK(executor->machine().state() == run_state::success);
}

BOOST_AUTO_TEST_CASE(decision_of_an_any_is_recorded_before_the_others_have_ended)
{
    start(dag_of("loser_takes_long_to_stop"));
    loop.run(10s);
    BOOST_TEST(state() != "success");
    BOOST_TEST(count(journal::record_kind::step_recorded) == 2u);
    life = 1;
    crash_and_recover(dag_of("loser_takes_long_to_stop"));
    loop.run();
    BOOST_TEST(output_of(0) == json::value(0));
}

BOOST_AUTO_TEST_CASE(decider_that_does_not_decide_any_more_is_a_changed_operator)
{
    two_lives_of("fails_in_a_group_once", 10s);
    BOOST_TEST(state() == "failed");
    BOOST_TEST(last_error() == "fatal operator_changed");
    BOOST_TEST((the_world().effects == names{"slow begun", "after"}));
}

BOOST_AUTO_TEST_CASE(cancellation_of_a_sibling_that_leaves_an_operator_is_a_failure)
{
    run(dag_of("lets_a_sibling_cancel_it"));
    BOOST_TEST(state() == "failed");
    BOOST_TEST(last_error() == "retryable sibling");
}

BOOST_AUTO_TEST_CASE(ten_thousand_steps_are_replayed)
{
    run_two_lives("steps_often");
    BOOST_CHECK(executor->machine().state() == run_state::success);
    BOOST_TEST(the_world().effects.size() == 10'000u);
}

BOOST_AUTO_TEST_CASE(callback_token_names_the_run_and_cannot_be_guessed)
{
    start(dag_of("asks"));
    loop.run(1s);
    BOOST_TEST(token().starts_with("testrun00000."));
    BOOST_TEST(token().size() == 13u + 26u);
    BOOST_TEST(token().find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789", 13) == std::string::npos);
    BOOST_TEST(count(journal::record_kind::callback_opened) == 1u);
}

BOOST_AUTO_TEST_CASE(completed_callback_yields_what_was_delivered)
{
    start(dag_of("asks"));
    loop.run(1h);
    BOOST_TEST(state() == "deferred");
    BOOST_CHECK(executor->complete_callback(token(), true, json::object{{"ok", true}}) == callback_outcome::completed);
    loop.run();
    BOOST_TEST(output_of(0) == (json::object{{"ok", true}}));
}

BOOST_AUTO_TEST_CASE(callback_that_was_completed_as_failed_throws)
{
    start(dag_of("asks"));
    loop.run(1h);
    executor->complete_callback(token(), false, json::object{{"message", "not on a Friday"}, {"code", "refused"}});
    loop.run();
    BOOST_TEST(last_error() == "retryable refused");
    BOOST_TEST(last_message() == "not on a Friday");
}

BOOST_AUTO_TEST_CASE(callback_that_failed_without_a_message_says_what_came)
{
    start(dag_of("asks"));
    loop.run(1h);
    executor->complete_callback(token(), false, json::array{1, 2});
    loop.run();
    BOOST_TEST(last_message() == "the callback `approval` was completed as failed: [1,2]");
}

BOOST_AUTO_TEST_CASE(callback_is_completed_once)
{
    start(dag_of("asks"));
    loop.run(1s);
    BOOST_CHECK(executor->complete_callback(token(), true, 1) == callback_outcome::completed);
    BOOST_CHECK(executor->complete_callback(token(), false, 2) == callback_outcome::already_completed);
    loop.run();
    BOOST_TEST(output_of(0) == json::value(1));
    BOOST_TEST(count(journal::record_kind::callback_completed) == 1u);
    BOOST_CHECK(executor->complete_callback(token(), true, 3) == callback_outcome::already_completed);
    BOOST_CHECK(executor->callbacks().find(token()) == nullptr);
}

BOOST_AUTO_TEST_CASE(token_that_is_not_of_this_run_is_unknown)
{
    start(dag_of("asks"));
    loop.run(1s);
    BOOST_CHECK(executor->complete_callback("testrun00000.aaaa", true, 1) == callback_outcome::unknown);
}

BOOST_AUTO_TEST_CASE(callback_of_an_attempt_that_ended_is_not_completed)
{
    start(dag_of("asks", ", timeout: 5s"));
    loop.run();
    BOOST_TEST(state() == "timed_out");
    BOOST_CHECK(executor->complete_callback(token(), true, 1) == callback_outcome::attempt_ended);
    BOOST_TEST(count(journal::record_kind::callback_completed) == 0u);
    BOOST_CHECK(executor->callbacks().find(token()) == nullptr);
    crash_and_recover(dag_of("asks", ", timeout: 5s"));
    BOOST_CHECK(executor->complete_callback(token(), true, 1) == callback_outcome::attempt_ended);
    BOOST_CHECK(executor->callbacks().find(token()) == nullptr);
}

BOOST_AUTO_TEST_CASE(answer_that_is_too_large_is_refused_and_another_may_come)
{
    start(dag_of("asks"));
    loop.run(1s);
    BOOST_CHECK_THROW(executor->complete_callback(
                          token(), true, json::value(json::string(std::string(runtime::max_output_size, 'x')))),
                      fatal);
    BOOST_CHECK(executor->complete_callback(token(), true, 1) == callback_outcome::completed);
}

BOOST_AUTO_TEST_CASE(callback_has_the_same_token_in_a_replay)
{
    start(dag_of("asks"));
    loop.run(1s);
    const std::string first = token();
    crash_and_recover(dag_of("asks"));
    loop.run(20s);
    BOOST_TEST(token() == first);
    BOOST_CHECK(executor->complete_callback(first, true, 1) == callback_outcome::completed);
    loop.run();
    BOOST_TEST(output_of(0) == json::value(1));
}

BOOST_AUTO_TEST_CASE(completion_before_the_wait_and_before_a_crash_is_seen)
{
    start(dag_of("asks"));
    loop.run(1s);
    executor->complete_callback(token(), true, json::string("early"));
    crash_and_recover(dag_of("asks"));
    BOOST_CHECK(executor->complete_callback(token(), true, 1) == callback_outcome::already_completed);
    loop.run(12s);
    BOOST_TEST((the_world().effects == names{"after"}));
    crash_and_recover(dag_of("asks"));
    loop.run();
    BOOST_TEST(output_of(0) == json::value("early"));
    BOOST_TEST((the_world().effects == names{"after"}));
}

BOOST_AUTO_TEST_CASE(completion_that_was_written_while_no_engine_ran_is_seen)
{
    start(dag_of("asks"));
    loop.run(1h);
    executor->detach();
    executor.reset();
    journal::record r;
    for (const auto& x : records()) {
        if (x.kind == journal::record_kind::callback_opened)
            r = x;
    }
    r.kind = journal::record_kind::callback_completed;
    r.state = journal::recorded_state::success;
    r.data = R"({"by":"hand"})";
    log.append(r);
    recover(dag_of("asks"));
    loop.run();
    BOOST_TEST(output_of(0) == (json::object{{"by", "hand"}}));
}

BOOST_AUTO_TEST_CASE(waiter_goes_on_only_when_the_completion_is_durable)
{
    runtime::commit_log slow(loop, store, journal::writer_mode::manual);
    runtime::services slow_services{loop,   http,   processes, slow, test_operators(), std::ref(entropy),
                                    shared, starts, pools};
    runtime::run_plan plan;
    plan.id = run_id("testrun00000");
    plan.dag = load(dag_of("asks"));
    plan.created = loop.wall_now();
    runtime::run_executor e(slow_services, std::move(plan), mask, observer);

    struct forward final : runtime::commit_log::listener
    {
        explicit forward(runtime::run_executor& x) : executor(x) {}

        void durable(journal::position p) override { executor.durable(p); }

        void write_failed(const journal::store_error&) override {}

        void write_recovered() override {}

        runtime::run_executor& executor;
    } listener(e);

    slow.set_listener(&listener);
    e.start([this] { ended = true; });
    const auto write_all = [&] {
        do {
            loop.run_present();
        } while (slow.write_next());
    };
    for (int i = 0; i < 20; ++i) {
        write_all();
        loop.run(1s);
    }
    BOOST_TEST_REQUIRE(!token().empty());
    e.complete_callback(token(), true, 1);
    loop.run(1h);
    BOOST_TEST(the_world().effects.empty());
    write_all();
    BOOST_TEST((the_world().effects == names{"after"}));
    slow.set_listener(nullptr);
}

BOOST_AUTO_TEST_SUITE_END()
