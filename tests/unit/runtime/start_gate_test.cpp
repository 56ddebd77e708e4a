// How much an engine takes on at once.
#include "tests/unit/runtime/test_engine.hpp"

#include <map>

using namespace potoo;
using namespace std::chrono_literals;
using schedule::run_state;

namespace {

constexpr std::uint64_t mebi = std::uint64_t{1} << 20;

std::string fan_out(int items, const std::string& with = "{for: 10}")
{
    return "tasks:\n  a: {operator: work, foreach: \"${{ range(" + std::to_string(items) + ") }}\", with: " + with +
           "}\n";
}

struct shared_engine : test::engine
{
    ~shared_engine()
    {
        others.clear();
        executor.reset();
    }

    /// Another run of the same engine.
    runtime::run_executor& start_other(const std::string& yaml)
    {
        runtime::run_plan plan;
        plan.id = run_id("otherrun0000");
        plan.dag = load(yaml);
        plan.created = loop.wall_now();
        others.push_back(std::make_unique<runtime::run_executor>(services, std::move(plan), mask, observer));
        others.back()->start([this] { ++others_ended; });
        return *others.back();
    }

    [[nodiscard]] std::uint32_t in_flight() const { return executor->machine().in_flight(); }

    /// The largest number in flight, looked at every second until the run has ended.
    std::uint32_t most_in_flight()
    {
        std::uint32_t most = 0;
        while (!ended) {
            loop.run_present();
            std::uint32_t all = in_flight();
            for (const auto& o : others)
                all += o->machine().in_flight();
            BOOST_TEST(all == starts.in_flight());
            most = std::max(most, all);
            loop.run(1s);
        }
        return most;
    }

    [[nodiscard]] std::size_t warnings_of_memory() const
    {
        return static_cast<std::size_t>(
            std::count_if(observer.warnings.begin(), observer.warnings.end(),
                          [](const std::string& w) { return w.find("wait for memory") != std::string::npos; }));
    }

    std::vector<std::unique_ptr<runtime::run_executor>> others;
    int others_ended = 0;
};

std::uint64_t flips = 0;
std::uint64_t most_behind = 0;
std::function<std::uint64_t()> records_so_far;

/// Is deferred and goes on in every turn of the loop, and compares what it told with what was recorded.
task<json::value> flips_often(context& ctx)
{
    for (int i = 0; i < 25; ++i) {
        {
            const context::deferral deferred(ctx);
            ++flips;
            co_await yield_now();
        }
        ++flips;
        if (const std::uint64_t recorded = records_so_far(); flips > recorded)
            most_behind = std::max(most_behind, flips - recorded);
    }
    co_return nullptr;
}

/// A gate of 100 MiB, and a run that has one attempt in flight.
struct asked_gate : test::engine
{
    asked_gate()
    {
        gate.set_limits({.max_memory = 100 * mebi});
        gate.note_in_flight(run, 1, 1);
    }

    ~asked_gate()
    {
        gate.note_in_flight(run, 0, 0);
        gate.leave(run);
    }

    std::uint32_t room_with(std::uint64_t mebibytes)
    {
        memory = mebibytes * mebi;
        loop.advance_to(loop.now() + 1s);
        return gate.room(run, 10);
    }

    struct asking_run final : runtime::start_gate::client
    {
        void may_have_room() override {}
    } run;

    std::uint64_t reusable = 0;
    int told = 0;
    runtime::start_gate gate{
        loop, {[this] { return memory; }, [this] { return reusable; }}, [this](const std::string&) { ++told; }};
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(start_gate, shared_engine)

BOOST_AUTO_TEST_CASE(no_more_attempts_are_in_flight_than_the_engine_may_have)
{
    starts.set_limits({.max_attempts = 7});
    start(fan_out(50));
    BOOST_TEST(most_in_flight() == 7u);
    BOOST_CHECK(executor->machine().state() == run_state::success);
    BOOST_TEST((loop.elapsed() >= 80s && loop.elapsed() < 82s));
    BOOST_TEST(starts.in_flight() == 0u);
}

BOOST_AUTO_TEST_CASE(what_is_deferred_leaves_its_place_among_those_that_run)
{
    starts.set_limits({.max_running = 3});
    start(fan_out(20));
    std::uint32_t most_running = 0;
    std::uint32_t most_deferred = 0;
    while (!ended) {
        if (!loop.step())
            loop.run(1s);
        const auto& totals = executor->machine().item_totals();
        most_running = std::max(most_running, totals[schedule::task_state::running]);
        most_deferred = std::max(most_deferred, totals[schedule::task_state::deferred]);
    }
    BOOST_TEST(most_running == 3u);
    BOOST_TEST(most_deferred == 20u);
    BOOST_CHECK(executor->machine().state() == run_state::success);
}

BOOST_AUTO_TEST_CASE(runs_share_the_limit)
{
    starts.set_limits({.max_attempts = 4});
    start(fan_out(40));
    runtime::run_executor& other = start_other(fan_out(40));
    loop.run(5s);
    BOOST_TEST(in_flight() + other.machine().in_flight() == 4u);
    loop.run(10s);
    BOOST_TEST(in_flight() == 2u);
    BOOST_TEST(other.machine().in_flight() == 2u);
    BOOST_TEST(most_in_flight() == 4u);
    loop.run();
    BOOST_TEST(others_ended == 1);
}

BOOST_AUTO_TEST_CASE(runs_that_may_have_one_attempt_between_them_take_turns)
{
    starts.set_limits({.max_attempts = 1});
    start(fan_out(6));
    runtime::run_executor& other = start_other(fan_out(6));
    loop.run(65s);
    const auto done = [](const runtime::run_executor& e) {
        return e.machine().counts(task_index(0))[schedule::task_state::success];
    };
    BOOST_TEST(done(*executor) >= 2u);
    BOOST_TEST(done(other) >= 2u);
    loop.run();
    BOOST_TEST((ended && others_ended == 1));
}

BOOST_AUTO_TEST_CASE(run_that_leaves_the_engine_leaves_its_place_to_others)
{
    starts.set_limits({.max_attempts = 2});
    start(fan_out(6));
    runtime::run_executor& other = start_other(fan_out(2));
    loop.run(1s);
    BOOST_TEST(other.machine().in_flight() == 0u);
    executor->detach();
    loop.run(1s);
    executor.reset();
    loop.run(1s);
    BOOST_TEST(other.machine().in_flight() == 2u);
    loop.run();
    BOOST_TEST(others_ended == 1);
    BOOST_TEST(starts.in_flight() == 0u);
}

BOOST_AUTO_TEST_CASE(limit_that_is_raised_lets_more_in_at_once)
{
    starts.set_limits({.max_attempts = 2});
    start(fan_out(20));
    loop.run(1s);
    BOOST_TEST(in_flight() == 2u);
    starts.set_limits({.max_attempts = 12});
    loop.run(1s);
    BOOST_TEST(in_flight() == 12u);
    starts.set_limits({});
    loop.run(1s);
    BOOST_TEST(in_flight() == 20u);
    loop.run();
    BOOST_TEST(ended);
}

BOOST_AUTO_TEST_CASE(attempts_of_a_run_that_is_brought_back_go_on_above_the_limit)
{
    const std::string dag = "tasks:\n  a: {operator: two_steps, foreach: \"${{ range(5) }}\"}\n"
                            "  b: {operator: work, with: {for: 1}}\n";
    start(dag);
    loop.run(5s);
    starts.set_limits({.max_attempts = 1});
    crash_and_recover(dag);
    loop.run(5s);
    BOOST_TEST(in_flight() == 5u);
    loop.run();
    BOOST_CHECK(executor->machine().state() == run_state::success);
}

BOOST_AUTO_TEST_CASE(nothing_starts_while_too_much_memory_is_in_use)
{
    starts.set_limits({.max_memory = 100 * mebi});
    memory = 50 * mebi;
    start(fan_out(3, "{for: 3600}") + "  b: {operator: work, depends_on: c}\n  c: {operator: work, with: {for: 5}}\n");
    loop.run(1s);
    BOOST_TEST(in_flight() == 4u);
    memory = 101 * mebi;
    loop.run(10s);
    BOOST_CHECK(executor->machine().state_of(task_index(1)) == schedule::task_state::queued);
    BOOST_TEST(warnings_of_memory() == 1u);
    BOOST_TEST(observer.warnings.back() ==
               "attempts wait for memory: 101.0 MiB are in use, and `max_memory` is 100.0 MiB; 3 in flight go on, and "
               "others start when less is used, or one at a time");
    memory = 99 * mebi;
    loop.run(1s);
    BOOST_CHECK(executor->machine().state_of(task_index(1)) == schedule::task_state::success);
    loop.run();
    BOOST_TEST(ended);
}

BOOST_AUTO_TEST_CASE(memory_that_never_suffices_lets_attempts_in_one_at_a_time)
{
    starts.set_limits({.max_memory = mebi});
    memory = 50 * mebi;
    start(fan_out(5));
    BOOST_TEST(most_in_flight() == 1u);
    BOOST_CHECK(executor->machine().state() == run_state::success);
    BOOST_TEST((loop.elapsed() >= 50s && loop.elapsed() < 53s));
    BOOST_TEST(warnings_of_memory() == 1u);
}

BOOST_FIXTURE_TEST_CASE(memory_that_runs_short_again_after_it_had_eased_is_told_again, asked_gate)
{
    BOOST_TEST(room_with(150) == 0u);
    BOOST_TEST(room_with(99) == 10u);
    BOOST_TEST(room_with(101) == 0u);
    BOOST_TEST(told == 1);
    BOOST_TEST(room_with(80) == 10u);
    BOOST_TEST(room_with(101) == 0u);
    BOOST_TEST(told == 2);
}

BOOST_FIXTURE_TEST_CASE(memory_that_is_free_within_the_process_is_not_in_use, asked_gate)
{
    BOOST_TEST(room_with(150) == 0u);
    BOOST_TEST(gate.short_of_memory());
    reusable = 60 * mebi;
    BOOST_TEST(room_with(150) == 10u);
    BOOST_TEST(!gate.short_of_memory());
}

BOOST_FIXTURE_TEST_CASE(memory_is_looked_at_again_after_some_starts, asked_gate)
{
    memory = 10 * mebi;
    BOOST_TEST(gate.room(run, 10'000) == runtime::start_gate::starts_a_look);
    memory = 150 * mebi;
    BOOST_TEST(gate.room(run, 10'000) == 0u);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_FIXTURE_TEST_SUITE(streaming, test::engine)

BOOST_AUTO_TEST_CASE(large_fan_out_begins_before_it_is_admitted_as_a_whole)
{
    start(fan_out(1'000'000, "{for: 3600}"));
    loop.step();
    while (test::the_script().started.empty())
        BOOST_TEST_REQUIRE(loop.step());
    BOOST_TEST(executor->machine().in_flight() <= 4'096u);
    executor->cancel(cancel_reason::user);
    loop.run();
    BOOST_TEST(ended);
    BOOST_TEST(count(journal::record_kind::attempt_started) < 20'000u);
}

BOOST_AUTO_TEST_CASE(every_item_of_a_fan_out_that_streams_in_is_done_once)
{
    BOOST_CHECK(run(fan_out(20'000, "{output: \"${{ item }}\"}")) == run_state::success);
    BOOST_TEST(test::the_script().started.size() == 20'000u);
    BOOST_TEST(count(journal::record_kind::attempt_started) == 20'000u);
    BOOST_TEST(tasks().at(0).counts[static_cast<std::size_t>(journal::recorded_state::success)] == 20'000u);
}

BOOST_AUTO_TEST_CASE(events_do_not_gather_faster_than_they_are_taken)
{
    flips = most_behind = 0;
    test::test_operators().add("flips", flips_often, {.summary = "Defers and resumes."});
    start("tasks:\n  a: {operator: flips, foreach: \"${{ range(4000) }}\"}\n");
    records_so_far = [this] { return log.last(); };
    loop.run();
    BOOST_TEST(ended);
    BOOST_TEST(flips == 2u * 4'000 * 25);
    BOOST_TEST(most_behind < 50'000u);
}

BOOST_AUTO_TEST_CASE(starts_that_are_recorded_are_taken_as_they_are_by_another_admission)
{
    const std::string wide = fan_out(6, "{for: 60}");
    start(wide);
    loop.run(1s);
    const auto recorded = records();
    executor->detach();
    executor.reset();
    // The same DAG, of which fewer may be in flight than were.
    starts.set_limits({.max_attempts = 2});
    recover(wide);
    loop.run();
    BOOST_TEST(ended);
    BOOST_CHECK(executor->machine().state() == run_state::success);
    BOOST_TEST(count(journal::record_kind::attempt_interrupted) == 6u);
}

BOOST_AUTO_TEST_CASE(attempt_that_an_older_engine_withdrew_is_replayed)
{
    const std::string dag = fan_out(2, "{for: 60}");
    const auto make = [](journal::record_kind kind, std::uint32_t item, std::uint32_t attempt) {
        journal::record r;
        r.run = journal::run_number(1);
        r.kind = kind;
        r.task = kind == journal::record_kind::cancel_requested ? journal::no_task : task_index(0);
        r.item = item_index(item);
        r.attempt = attempt_number(attempt);
        return r;
    };
    auto evaluated = make(journal::record_kind::task_evaluated, 0, 0);
    evaluated.number = 2;
    auto asked = make(journal::record_kind::cancel_requested, 0, 0);
    asked.name = "user";
    auto withdrawn = make(journal::record_kind::attempt_ended, 1, 1);
    withdrawn.state = journal::recorded_state::cancelled;
    recover_from(dag, {evaluated, make(journal::record_kind::attempt_started, 0, 1), asked, withdrawn});
    loop.run();
    BOOST_TEST(ended);
    BOOST_CHECK(executor->machine().state() == run_state::cancelled);
    BOOST_TEST(test::the_script().started.empty());
}

BOOST_AUTO_TEST_CASE(number_of_an_attempt_that_was_interrupted_before_its_start_was_recorded_is_not_used_again)
{
    journal::record interrupted;
    interrupted.run = journal::run_number(1);
    interrupted.kind = journal::record_kind::attempt_interrupted;
    interrupted.task = task_index(0);
    interrupted.item = item_index(0);
    interrupted.attempt = attempt_number(1);
    recover_from("tasks:\n  a: {operator: work}\n", {interrupted});
    loop.run();
    BOOST_TEST((test::the_script().started == std::vector<std::string>{"a#2"}));
}

BOOST_AUTO_TEST_SUITE_END()
