#include "tests/unit/task/runner.hpp"

#include <potoo/concurrency.hpp>
#include <potoo/wait.hpp>

#include <boost/test/unit_test.hpp>

#include <optional>
#include <string>
#include <vector>

using namespace potoo;
using namespace std::chrono_literals;

namespace {

task<int> value_after(int value, steady_clock::duration d)
{
    if (d > 0s)
        co_await sleep_for(d);
    co_return value;
}

task<> pass_time(steady_clock::duration d)
{
    co_await sleep_for(d);
}

task<int> fail_after(std::string message, steady_clock::duration d)
{
    if (d > 0s)
        co_await sleep_for(d);
    throw failure(message);
}

task<> fail_void_after(std::string message, steady_clock::duration d)
{
    co_await sleep_for(d);
    throw failure(message);
}

task<int> note_cancellation(std::vector<cancel_reason>& log)
{
    try {
        co_await sleep_for(1h);
    } catch (const cancelled& c) {
        log.push_back(c.reason());
        throw;
    }
    co_return 0;
}

task<> clean_up_for(steady_clock::duration d, bool& done)
{
    co_await sleep_for(d);
    done = true;
}

task<> work_then_clean_up(bool& cleaned, steady_clock::duration clean_up_time, steady_clock::duration grace)
{
    branch& b = co_await this_branch();
    bool stopped = false;
    try {
        co_await sleep_for(1h);
    } catch (const cancelled&) {
        stopped = true;
    }
    if (stopped)
        co_await shield(clean_up_for(clean_up_time, cleaned), b.loop().now() + grace);
    co_await sleep_for(1h);
}

task<std::vector<std::uint32_t>> position_path()
{
    std::vector<std::uint32_t> path;
    branch& b = co_await this_branch();
    for (const branch* x = &b; x->parent(); x = x->parent())
        path.push_back(x->position());
    co_return path;
}

task<std::vector<std::vector<std::uint32_t>>> paths_of_three()
{
    std::vector<task<std::vector<std::uint32_t>>> tasks;
    for (int i = 0; i < 3; ++i)
        tasks.push_back(position_path());
    auto paths = co_await all(std::move(tasks));
    co_return paths;
}

task<> spawn_sleepers(scope& s, int n, int& ended)
{
    auto sleeper = [](int& count, int i) -> task<> {
        co_await sleep_for(std::chrono::seconds(i));
        ++count;
    };
    for (int i = 1; i <= n; ++i)
        s.spawn(sleeper(ended, i));
    co_return;
}

task<> spawn_into_cancelled(scope& s, bool& started)
{
    s.cancel(cancel_reason::user);
    auto child = [](bool& flag) -> task<> {
        flag = true;
        co_await sleep_for(1h);
        flag = false;
    };
    s.spawn(child(started));
    co_return;
}

} // namespace

BOOST_FIXTURE_TEST_SUITE(side_by_side, test::fixture)

BOOST_AUTO_TEST_CASE(all_yields_every_value_in_order)
{
    auto values = run(all(value_after(1, 3s), value_after(2, 1s), pass_time(2s)));
    BOOST_TEST(std::get<0>(values) == 1);
    BOOST_TEST(std::get<1>(values) == 2);
    BOOST_TEST((loop.elapsed() < 3s + 10ms));
}

BOOST_AUTO_TEST_CASE(all_of_a_vector_keeps_its_order)
{
    std::vector<task<int>> tasks;
    for (int i = 0; i < 100; ++i)
        tasks.push_back(value_after(i, std::chrono::seconds(100 - i)));
    const std::vector<int> values = run(all(std::move(tasks)));
    for (int i = 0; i < 100; ++i)
        BOOST_TEST(values[static_cast<std::size_t>(i)] == i);
}

BOOST_AUTO_TEST_CASE(all_of_nothing_ends_at_once)
{
    BOOST_TEST(run(all(std::vector<task<int>>{})).empty());
    run(all(std::vector<task<>>{}));
}

BOOST_AUTO_TEST_CASE(all_stops_the_others_when_one_fails_and_waits_for_them)
{
    std::vector<cancel_reason> log;
    BOOST_CHECK_EXCEPTION(run(all(note_cancellation(log), fail_after("boom", 1s))), failure,
                          [](const failure& f) { return std::string(f.what()) == "boom"; });
    BOOST_TEST(log.size() == 1u);
    BOOST_CHECK(log.at(0) == cancel_reason::sibling);
    BOOST_TEST((loop.elapsed() < 2s));
    BOOST_TEST(loop.timers() == 0u);
}

BOOST_AUTO_TEST_CASE(all_does_not_start_what_follows_a_failure_at_once)
{
    std::vector<cancel_reason> log;
    BOOST_CHECK_THROW(run(all(fail_after("boom", 0s), note_cancellation(log))), failure);
    BOOST_TEST(log.empty());
}

BOOST_AUTO_TEST_CASE(cancellation_reaches_every_task_of_all)
{
    std::vector<cancel_reason> log;
    test::runner<std::tuple<int, int>> r(loop, all(note_cancellation(log), note_cancellation(log)));
    r.cancel(cancel_reason::user);
    loop.run_present();
    BOOST_TEST(r.ended());
    BOOST_CHECK(r.ended_by() == cancel_reason::user);
    BOOST_TEST(log.size() == 2u);
    BOOST_CHECK(log.at(0) == cancel_reason::user);
}

BOOST_AUTO_TEST_CASE(any_yields_the_first_and_stops_the_losers)
{
    std::vector<cancel_reason> log;
    auto winner = run(any(note_cancellation(log), value_after(5, 2s)));
    BOOST_TEST(winner.index() == 1u);
    BOOST_TEST(std::get<1>(winner) == 5);
    BOOST_TEST(log.size() == 1u);
    BOOST_CHECK(log.at(0) == cancel_reason::sibling);
}

BOOST_AUTO_TEST_CASE(any_rethrows_when_the_first_to_end_fails)
{
    BOOST_CHECK_THROW(run(any(fail_after("x", 1s), value_after(1, 2s))), failure);
}

BOOST_AUTO_TEST_CASE(any_of_a_vector_names_the_winner)
{
    std::vector<task<int>> tasks;
    tasks.push_back(value_after(10, 3s));
    tasks.push_back(value_after(11, 1s));
    tasks.push_back(value_after(12, 2s));
    const auto [position, value] = run(any(std::move(tasks)));
    BOOST_TEST(position == 1u);
    BOOST_TEST(value == 11);
}

BOOST_AUTO_TEST_CASE(any_of_nothing_is_an_error)
{
    BOOST_CHECK_THROW(run(any(std::vector<task<int>>{})), std::invalid_argument);
}

BOOST_AUTO_TEST_CASE(scope_ends_when_all_in_it_have_ended)
{
    int ended = 0;
    run(with_scope([&](scope& s) { return spawn_sleepers(s, 5, ended); }));
    BOOST_TEST(ended == 5);
    BOOST_TEST((loop.elapsed() >= 5s));
}

BOOST_AUTO_TEST_CASE(scope_stops_the_others_when_one_fails)
{
    int ended = 0;
    auto body = [&](scope& s) -> task<> {
        s.spawn(fail_void_after("bad", 2500ms));
        return spawn_sleepers(s, 5, ended);
    };
    BOOST_CHECK_THROW(run(with_scope(body)), failure);
    BOOST_TEST(ended == 2);
    BOOST_TEST(loop.timers() == 0u);
}

BOOST_AUTO_TEST_CASE(task_spawned_into_a_cancelled_scope_is_told_to_stop)
{
    bool started = false;
    test::runner<void> r(loop, with_scope([&](scope& s) { return spawn_into_cancelled(s, started); }));
    loop.run_present();
    BOOST_TEST(r.ended());
    BOOST_TEST(started);
    BOOST_CHECK(r.ended_by() == cancel_reason::user);
}

BOOST_AUTO_TEST_CASE(deadline_stops_the_task)
{
    BOOST_CHECK_EXCEPTION(run(with_deadline(pass_time(1h), loop.now() + 5s)), cancelled,
                          [](const cancelled& c) { return c.reason() == cancel_reason::deadline; });
    BOOST_TEST((loop.elapsed() <= 5s + 1ms));
}

BOOST_AUTO_TEST_CASE(task_that_ends_in_time_disarms_its_deadline)
{
    BOOST_TEST(run(with_deadline(value_after(3, 1s), loop.now() + 5s)) == 3);
    BOOST_TEST(loop.timers() == 0u);
    BOOST_TEST((loop.elapsed() < 2s));
}

BOOST_AUTO_TEST_CASE(passed_deadline_stops_the_task_at_its_first_wait)
{
    BOOST_CHECK_THROW(run(with_deadline(pass_time(1h), loop.now() - 1s)), cancelled);
    BOOST_TEST(run(with_deadline(value_after(4, 0s), loop.now() - 1s)) == 4);
}

BOOST_AUTO_TEST_CASE(task_that_ends_in_time_yields_its_value)
{
    BOOST_TEST(run(in_time(value_after(3, 1s), loop.now() + 5s)).value() == 3);
    BOOST_TEST(run(in_time(value_after(4, 0s), loop.now() - 1s)).value() == 4);
    BOOST_TEST(run(in_time(pass_time(1s), loop.now() + 5s)).has_value());
    BOOST_TEST(loop.timers() == 0u);
}

BOOST_AUTO_TEST_CASE(task_that_is_not_in_time_yields_nothing)
{
    BOOST_TEST(!run(in_time(value_after(3, 1h), loop.now() + 5s)));
    BOOST_TEST((loop.elapsed() <= 5s + 1ms));
    BOOST_TEST(!run(in_time(pass_time(1h), loop.now() - 1s)));
}

BOOST_AUTO_TEST_CASE(failure_before_the_deadline_is_rethrown)
{
    BOOST_CHECK_THROW(run(in_time(fail_after("bad", 1s), loop.now() + 5s)), failure);
}

BOOST_AUTO_TEST_CASE(cancellation_of_the_branch_is_not_taken_for_the_deadline)
{
    for (const cancel_reason why : {cancel_reason::user, cancel_reason::deadline}) {
        test::runner<std::optional<int>> r(loop, in_time(value_after(3, 1h), loop.now() + 5s));
        r.cancel(why);
        loop.run();
        BOOST_TEST(r.ended());
        BOOST_CHECK(r.ended_by() == why);
    }
}

BOOST_AUTO_TEST_CASE(deadline_within_the_task_is_not_taken_for_its_own)
{
    auto inner = with_deadline(value_after(3, 1h), loop.now() + 1s);
    BOOST_CHECK_THROW(run(in_time(std::move(inner), loop.now() + 5s)), cancelled);
}

BOOST_AUTO_TEST_CASE(shielded_clean_up_runs_after_a_cancellation)
{
    bool cleaned = false;
    test::runner<void> r(loop, work_then_clean_up(cleaned, 10s, 20s));
    r.cancel(cancel_reason::user);
    loop.run();
    BOOST_TEST(r.ended());
    BOOST_TEST(cleaned);
    BOOST_CHECK(r.ended_by() == cancel_reason::user);
}

BOOST_AUTO_TEST_CASE(shielded_clean_up_ends_at_its_own_deadline)
{
    bool cleaned = false;
    test::runner<void> r(loop, work_then_clean_up(cleaned, 1h, 20s));
    r.cancel(cancel_reason::user);
    loop.run();
    BOOST_TEST(r.ended());
    BOOST_TEST(!cleaned);
    BOOST_CHECK(r.ended_by() == cancel_reason::deadline);
    BOOST_TEST((loop.elapsed() <= 20s + 1ms));
}

BOOST_AUTO_TEST_CASE(branches_are_named_by_position)
{
    const auto paths = run(paths_of_three());
    for (std::uint32_t i = 0; i < 3; ++i)
        BOOST_TEST((paths[i] == std::vector<std::uint32_t>{i}));
}

BOOST_AUTO_TEST_SUITE_END()
