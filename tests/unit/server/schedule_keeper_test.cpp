#include "engine/server/schedules/schedule_keeper.hpp"

#include "engine/server/schedules/schedule_ledger.hpp"
#include "tests/unit/server/schedule_world.hpp"

#include <boost/test/unit_test.hpp>
#include <rapidcheck.h>

#include <random>
#include <set>

using namespace potoo;
using namespace potoo::server;
using namespace potoo::server::test;
using namespace std::chrono_literals;

namespace {

/// The virtual clock starts at 2026-01-01T00:00Z.
struct world
{
    boost::asio::io_context context{1};
    virtual_loop loop{context};
    fuse burning;
    memory_ledger ledger{burning};
    made_up_dags dags;
    made_up_runs runs{loop, burning};
    std::vector<std::string> said; ///< warnings, too
    std::vector<std::string> warned;
    std::unique_ptr<schedule_keeper> keeper;
    std::unique_ptr<potoo::test::runner<void>> keeping;

    world()
    {
        runs.on_end = [this](const begun_run& r, bool success) {
            if (keeper)
                keeper->run_ended(r.id, r.dag, r.origin, success);
        };
    }

    ~world() { down(); }

    void up()
    {
        keeper_settings settings;
        settings.zones = tz_zones();
        settings.say = [this](std::string_view line) { said.emplace_back(line); };
        settings.warn = [this](std::string_view line) {
            said.emplace_back(line);
            warned.emplace_back(line);
        };
        keeper = std::make_unique<schedule_keeper>(loop, ledger, dags, runs, std::move(settings));
        keeping = std::make_unique<potoo::test::runner<void>>(loop, keeper->keep());
        loop.run_present();
    }

    /// As in a crash.
    void down()
    {
        keeping.reset();
        keeper.reset();
    }

    void pass(duration d)
    {
        const auto end = loop.now() + d;
        loop.run(d);
        loop.advance_to(end);
        loop.run_present();
    }

    [[nodiscard]] bool has_said(std::string_view part) const
    {
        return std::any_of(said.begin(), said.end(),
                           [&](const std::string& line) { return line.find(part) != std::string::npos; });
    }
};

graph::schedule_spec cron(std::string expression, std::string overlap = "skip", std::string catchup = "latest",
                          std::uint32_t max_active = 1)
{
    graph::schedule_spec s;
    s.expression = std::move(expression);
    s.overlap = std::move(overlap);
    s.catchup = std::move(catchup);
    s.max_active_runs = max_active;
    return s;
}

graph::schedule_spec after(std::vector<std::string> dags, std::string overlap = "queue")
{
    graph::schedule_spec s;
    s.after = std::move(dags);
    s.overlap = std::move(overlap);
    return s;
}

} // namespace

BOOST_FIXTURE_TEST_SUITE(schedules, world)

BOOST_AUTO_TEST_CASE(a_run_begins_at_its_time_and_says_which)
{
    dags.put("nightly", cron("0 2 * * *"));
    up();
    BOOST_TEST(format_time(keeper->next_due("nightly").value()) == "2026-01-01T02:00:00.000Z");
    pass(2h - 1s);
    BOOST_TEST(runs.runs.empty());
    pass(2s);
    BOOST_REQUIRE(runs.runs.size() == 1u);
    const auto& origin = runs.runs[0].origin;
    BOOST_TEST(origin.by == "schedule");
    BOOST_TEST(origin.key == "nightly@2026-01-01T02:00:00.000Z");
    BOOST_TEST(format_time(origin.scheduled.value()) == "2026-01-01T02:00:00.000Z");
    BOOST_TEST(format_time(runs.begun_at[0]) == "2026-01-01T02:00:00.000Z");
    runs.end_all();
    pass(48h);
    BOOST_TEST(times_of(runs.runs, "nightly", 8, 2) == "01 02");
    const auto status = keeper->list();
    BOOST_REQUIRE(status.size() == 1u);
    BOOST_TEST(format_time(status[0].last.value()) == "2026-01-02T02:00:00.000Z");
    BOOST_TEST(format_time(status[0].next.value()) == "2026-01-04T02:00:00.000Z");
}

BOOST_AUTO_TEST_CASE(times_are_those_of_the_time_zone)
{
    auto spec = cron("30 2 * * *");
    spec.timezone = "America/New_York";
    dags.put("ny", spec);
    up();
    BOOST_TEST(format_time(keeper->next_due("ny").value()) == "2026-01-01T07:30:00.000Z");
}

BOOST_AUTO_TEST_CASE(with_skip_a_time_that_meets_a_run_has_none)
{
    dags.put("d", cron("0 * * * *"));
    up();
    pass(2h + 30min);
    BOOST_TEST(times_of(runs.runs, "d", 11, 5) == "01:00");
    BOOST_TEST(has_said("run d@2026-01-01T02:00:00.000Z is skipped"));
    runs.end_all();
    pass(1h);
    BOOST_TEST(times_of(runs.runs, "d", 11, 5) == "01:00 03:00");
}

BOOST_AUTO_TEST_CASE(so_many_runs_go_on_at_once)
{
    dags.put("d", cron("0 * * * *", "skip", "latest", 2));
    up();
    pass(3h + 30min);
    BOOST_TEST(times_of(runs.runs, "d", 11, 5) == "01:00 02:00");
    runs.end_one("d");
    pass(1h);
    BOOST_TEST(times_of(runs.runs, "d", 11, 5) == "01:00 02:00 04:00");
}

BOOST_AUTO_TEST_CASE(with_queue_every_time_gets_its_run)
{
    dags.put("d", cron("0 * * * *", "queue"));
    up();
    pass(4h + 30min);
    BOOST_TEST(times_of(runs.runs, "d", 11, 5) == "01:00");
    BOOST_TEST(keeper->list()[0].waiting == 3u);
    for (int i = 0; i < 3; ++i) {
        runs.end_one("d");
        loop.run_present();
    }
    BOOST_TEST(times_of(runs.runs, "d", 11, 5) == "01:00 02:00 03:00 04:00");
    BOOST_TEST(ledger.entries.size() == 1u);
}

BOOST_AUTO_TEST_CASE(what_is_queued_outlives_a_restart)
{
    dags.put("d", cron("0 * * * *", "queue", "none"));
    up();
    pass(3h + 30min);
    down();
    pass(2h);
    up();
    for (int i = 0; i < 5; ++i) {
        runs.end_one("d");
        loop.run_present();
    }
    // 04:00 and 05:00 came while nobody was there.
    BOOST_TEST(times_of(runs.runs, "d", 11, 5) == "01:00 02:00 03:00");
    BOOST_TEST(has_said("2 times were missed up to 2026-01-01T05:00:00.000Z, of which none is made up for"));
}

BOOST_AUTO_TEST_CASE(with_cancel_running_the_new_run_takes_the_place)
{
    dags.put("d", cron("0 * * * *", "cancel_running"));
    up();
    pass(2h + 30min);
    BOOST_TEST(times_of(runs.runs, "d", 11, 5) == "01:00 02:00");
    BOOST_TEST(runs.active_of("d") == 1u);
}

BOOST_AUTO_TEST_CASE(of_what_was_missed_as_much_is_made_up_for_as_it_says)
{
    for (const std::string rule : {"none", "latest", "all"})
        dags.put(rule, cron("0 * * * *", "skip", rule, 10));
    up();
    pass(1h + 30min);
    runs.end_all();
    down();
    pass(3h);
    up();
    BOOST_TEST(times_of(runs.runs, "none", 11, 5) == "01:00");
    BOOST_TEST(times_of(runs.runs, "latest", 11, 5) == "01:00 04:00");
    BOOST_TEST(times_of(runs.runs, "all", 11, 5) == "01:00 02:00 03:00 04:00");
    BOOST_TEST(has_said("3 times were missed up to 2026-01-01T04:00:00.000Z, of which none is made up for"));
    BOOST_TEST(has_said("of which the last is made up for"));
    BOOST_TEST(has_said("of which all are made up for"));
    pass(1h);
    BOOST_TEST(times_of(runs.runs, "none", 11, 5) == "01:00 05:00");
}

BOOST_AUTO_TEST_CASE(a_new_dag_has_missed_nothing)
{
    dags.put("d", cron("0 * * * *", "skip", "all"));
    pass(10h);
    up();
    BOOST_TEST(runs.runs.empty());
    down();
    pass(30min);
    up();
    BOOST_TEST(runs.runs.empty());
}

BOOST_AUTO_TEST_CASE(a_schedule_that_has_changed_counts_from_now)
{
    dags.put("d", cron("0 * * * *", "skip", "all"));
    up();
    down();
    pass(5h + 30min);
    dags.put("d", cron("15 * * * *", "skip", "all"));
    up();
    BOOST_TEST(runs.runs.empty());
    pass(1h);
    BOOST_TEST(times_of(runs.runs, "d", 11, 5) == "06:15");
    dags.put("d", cron("45 * * * *", "skip", "all", 3));
    pass(30min);
    BOOST_TEST(times_of(runs.runs, "d", 11, 5) == "06:15 06:45");
}

BOOST_AUTO_TEST_CASE(a_machine_that_slept_has_missed_its_times)
{
    dags.put("d", cron("0 * * * *", "skip", "latest", 10));
    up();
    loop.jump_wall(5h + 30min);
    pass(2min);
    BOOST_TEST(times_of(runs.runs, "d", 11, 5) == "05:00");
    BOOST_TEST(has_said("5 times were missed"));
}

BOOST_AUTO_TEST_CASE(a_clock_that_is_set_back_repeats_nothing)
{
    dags.put("d", cron("0 * * * *", "skip", "latest", 10));
    up();
    pass(1h + 10min);
    loop.jump_wall(-30min);
    pass(25min);
    BOOST_TEST(times_of(runs.runs, "d", 11, 5) == "01:00");
    pass(1h);
    BOOST_TEST(times_of(runs.runs, "d", 11, 5) == "01:00 02:00");
}

BOOST_AUTO_TEST_CASE(a_clock_that_was_years_ahead_stops_nothing)
{
    dags.put("d", cron("0 * * * *", "skip", "latest", 10));
    up();
    loop.jump_wall(24h * 1000);
    pass(2min);
    BOOST_TEST(runs.runs.size() == 1u);
    loop.jump_wall(-24h * 1000);
    pass(1h + 2min);
    BOOST_TEST(has_said("the clock has been set back"));
    BOOST_TEST(format_time(*runs.runs.back().origin.scheduled) == "2026-01-01T01:00:00.000Z");
}

BOOST_AUTO_TEST_CASE(a_pause_holds_runs_back)
{
    dags.put("d", cron("0 * * * *", "skip", "latest", 10));
    up();
    dags.pause("d", true);
    loop.run_present();
    BOOST_TEST(!keeper->next_due("d"));
    pass(3h + 30min);
    BOOST_TEST(runs.runs.empty());
    dags.pause("d", false);
    loop.run_present();
    BOOST_TEST(times_of(runs.runs, "d", 11, 5) == "03:00");
    BOOST_TEST(has_said("3 times were missed"));
}

BOOST_AUTO_TEST_CASE(jitter_spreads_beginnings_the_same_way_each_time)
{
    auto spec = cron("0 * * * *", "skip", "latest", 100);
    spec.jitter = 10min;
    dags.put("a", spec);
    dags.put("b", spec);
    up();
    pass(6h + 11min);
    std::set<duration> delays;
    for (std::size_t i = 0; i < runs.runs.size(); ++i) {
        const auto delay = runs.begun_at[i] - *runs.runs[i].origin.scheduled;
        BOOST_TEST((delay >= 0ms && delay < 10min + 2ms));
        delays.insert(delay);
    }
    BOOST_TEST(runs.runs.size() == 12u);
    BOOST_TEST(delays.size() == 12u);
    graph::dag d;
    d.name = "a";
    d.schedule = spec;
    BOOST_TEST((jitter_of(d, at("2026-01-01T03:00:00Z")) == jitter_of(d, at("2026-01-01T03:00:00Z"))));
}

BOOST_AUTO_TEST_CASE(a_run_that_cannot_begin_is_tried_again_then_given_up)
{
    dags.put("d", cron("0 */12 * * *"));
    runs.refuse_next = 2;
    up();
    pass(12h + 30s);
    BOOST_TEST(keeper->list()[0].problem == "a secret is missing");
    BOOST_TEST(keeper->list()[0].waiting == 1u);
    pass(2min);
    BOOST_TEST(times_of(runs.runs, "d", 11, 5) == "12:00");
    BOOST_TEST(keeper->list()[0].problem == "");
    runs.end_all();
    runs.refuse_next = 100;
    pass(12h + 10min);
    BOOST_TEST(has_said("run d@2026-01-02T00:00:00.000Z is given up after 5 tries"));
    BOOST_TEST(runs.refuse_next == 95u);
}

BOOST_AUTO_TEST_CASE(a_schedule_that_lacks_a_parameter_says_so_at_once)
{
    dags.put("d", cron("0 * * * *"), {{"who", json::object{{"type", "string"}}}});
    up();
    const std::string why = "the DAG cannot begin without somebody who gives its parameters: `who` must be given: it "
                            "has no default (`-p who=…`)";
    BOOST_TEST(keeper->problem_of("d") == why);
    BOOST_TEST(keeper->list()[0].problem == why);
    BOOST_TEST(keeper->next_due("d").has_value());
    BOOST_REQUIRE(warned.size() == 1u);
    BOOST_TEST(warned[0] == "schedule of `d`: " + why);
    dags.put("d", cron("0 * * * *"), {{"who", json::object{{"type", "string"}, {"default", "you"}}}});
    loop.run_present();
    BOOST_TEST(keeper->problem_of("d") == "");
    BOOST_TEST(keeper->problem_of("nobody") == "");
}

BOOST_AUTO_TEST_CASE(what_keeps_a_schedule_from_its_runs_is_a_warning)
{
    dags.put("d", cron("0 * * * *"));
    dags.put("e", after({"nobody"}));
    up();
    BOOST_REQUIRE(warned.size() == 1u);
    BOOST_TEST(warned[0] == "schedule of `e`: `trigger.after`: there is no DAG `nobody`");
    runs.refuse_next = 5;
    pass(1h + 10min);
    BOOST_REQUIRE(warned.size() == 7u);
    BOOST_TEST(warned[1] == "run d@2026-01-01T01:00:00.000Z cannot begin: a secret is missing");
    BOOST_TEST(warned[6] == "run d@2026-01-01T01:00:00.000Z is given up after 5 tries");
    pass(1h);
    BOOST_TEST(runs.runs.size() == 1u);
    BOOST_TEST(warned.size() == 7u);
}

BOOST_AUTO_TEST_CASE(a_ledger_that_cannot_be_written_stops_no_schedule_for_ever)
{
    dags.put("d", cron("0 * * * *"));
    up();
    ledger.broken = true;
    pass(1h + 30s);
    BOOST_TEST(runs.runs.empty());
    BOOST_TEST(keeper->list()[0].problem == "the disk is full");
    ledger.broken = false;
    pass(2min);
    BOOST_TEST(times_of(runs.runs, "d", 11, 5) == "01:00");
}

BOOST_AUTO_TEST_CASE(a_dag_that_goes_and_comes_back_goes_on)
{
    dags.put("d", cron("0 * * * *", "skip", "none"));
    up();
    dags.remove("d");
    pass(2h + 30min);
    BOOST_TEST(keeper->list().empty());
    dags.put("d", cron("0 * * * *", "skip", "none"));
    pass(1h);
    BOOST_TEST(times_of(runs.runs, "d", 11, 5) == "03:00");
    dags.put("d", std::nullopt);
    pass(3h);
    BOOST_TEST(times_of(runs.runs, "d", 11, 5) == "03:00");
}

BOOST_AUTO_TEST_CASE(nothing_is_made_up_for_when_a_schedule_comes_back)
{
    auto both = cron("0 * * * *", "queue", "all");
    both.after = {"a"};
    const auto away_and_back = [&](auto&& away, bool restart) {
        dags.put("d", both);
        loop.run_present();
        BOOST_TEST(ledger.entries.size() == 1u);
        away();
        pass(3h);
        BOOST_TEST(ledger.entries.empty());
        runs.end(runs.begin_outside("a"), true);
        if (restart) {
            down();
            up();
        }
        dags.put("d", both);
        pass(10min);
        BOOST_TEST(runs.active_of("d") == 0u);
    };
    up();
    away_and_back([&] { dags.remove("d"); }, false);
    away_and_back([&] { dags.put("d", std::nullopt); }, false);
    away_and_back([&] { dags.put("d", std::nullopt); }, true);
    away_and_back(
        [&] {
            down();
            dags.remove("d");
            up();
        },
        false);
}

BOOST_AUTO_TEST_CASE(a_schedule_whose_file_is_broken_at_the_start_is_made_up_for)
{
    dags.put("d", cron("0 * * * *", "queue", "all"));
    up();
    down();
    dags.remove("d");
    dags.whole = false;
    up();
    pass(2h + 30min);
    dags.put("d", cron("0 * * * *", "queue", "all"));
    loop.run_present();
    BOOST_TEST(times_of(runs.runs, "d", 11, 5) == "01:00");
    BOOST_TEST(keeper->list()[0].waiting == 1u);
}

BOOST_AUTO_TEST_CASE(a_success_is_followed_by_a_run)
{
    dags.put("a", std::nullopt);
    dags.put("b", std::nullopt);
    dags.put("next", after({"a", "b"}));
    up();
    const auto first = runs.begin_outside("a");
    const auto second = runs.begin_outside("b");
    const auto failing = runs.begin_outside("a");
    runs.end(failing, false);
    loop.run_present();
    BOOST_TEST(runs.active_of("next") == 0u);
    runs.end(first, true);
    runs.end(second, true);
    loop.run_present();
    BOOST_TEST(runs.active_of("next") == 1u);
    BOOST_TEST(runs.runs.back().origin.by == "trigger");
    BOOST_TEST(runs.runs.back().origin.cause == first.value());
    runs.end_one("next");
    loop.run_present();
    BOOST_TEST(runs.runs.back().origin.cause == second.value());
    runs.end_one("next");
    pass(1h);
    BOOST_TEST(runs.runs.size() == 5u);
}

BOOST_AUTO_TEST_CASE(a_run_that_succeeds_again_is_followed_once)
{
    dags.put("next", after({"a"}));
    up();
    const auto run = runs.begin_outside("a");
    runs.end(run, true);
    loop.run_present();
    runs.end_one("next");
    pass(1h);
    keeper->run_ended(run, "a", {}, true);
    pass(1h);
    BOOST_TEST(runs.runs.size() == 2u);
}

BOOST_AUTO_TEST_CASE(a_success_of_before_the_trigger_is_not_followed_when_it_is_told_late)
{
    const auto run = runs.begin_outside("a");
    runs.end(run, true);
    pass(1h);
    dags.put("next", after({"a"}));
    up();
    keeper->run_ended(run, "a", {}, true);
    pass(1h);
    BOOST_TEST(runs.active_of("next") == 0u);
}

BOOST_AUTO_TEST_CASE(a_success_told_again_long_after_is_not_followed_again)
{
    dags.put("next", after({"a"}, "skip"));
    up();
    const auto first = runs.begin_outside("a");
    const auto second = runs.begin_outside("a");
    runs.end(first, true);
    runs.end(second, true); // skipped
    loop.run_present();
    runs.end_one("next");
    for (int i = 0; i < 3; ++i) {
        pass(1h);
        runs.end(runs.begin_outside("a"), true);
        loop.run_present();
        runs.end_one("next");
    }
    const auto begun = runs.starts;
    keeper->run_ended(second, "a", {}, true);
    pass(1h);
    BOOST_TEST(runs.starts == begun);
}

BOOST_AUTO_TEST_CASE(successes_of_replays_are_not_followed)
{
    dags.put("next", after({"a"}));
    up();
    runtime::run_origin replayed;
    replayed.by = "replay";
    runs.end(runs.begin_outside("a", replayed), true);
    pass(1h);
    BOOST_TEST(runs.active_of("next") == 0u);
    down();
    runs.end(runs.begin_outside("a", replayed), true);
    up();
    pass(1h);
    BOOST_TEST(runs.active_of("next") == 0u);
}

BOOST_AUTO_TEST_CASE(with_skip_a_success_that_meets_a_run_is_not_followed)
{
    dags.put("next", after({"a"}, "skip"));
    up();
    for (int i = 0; i < 3; ++i) {
        runs.end(runs.begin_outside("a"), true);
        loop.run_present();
    }
    BOOST_TEST(runs.active_of("next") == 1u);
    down();
    up();
    runs.end_one("next");
    pass(1h);
    BOOST_TEST(runs.runs.size() == 4u);
}

BOOST_AUTO_TEST_CASE(successes_while_nobody_was_there_are_followed)
{
    dags.put("next", after({"a"}));
    runs.end(runs.begin_outside("a"), true);
    pass(1h);
    up(); // from now on
    BOOST_TEST(runs.active_of("next") == 0u);
    down();
    pass(1h);
    runs.end(runs.begin_outside("a"), true);
    pass(1h);
    up();
    BOOST_TEST(runs.active_of("next") == 1u);
}

BOOST_AUTO_TEST_CASE(a_pause_keeps_successes_for_later)
{
    dags.put("next", after({"a"}));
    up();
    dags.pause("next", true);
    runs.end(runs.begin_outside("a"), true);
    pass(1h);
    BOOST_TEST(runs.active_of("next") == 0u);
    dags.pause("next", false);
    pass(1min);
    BOOST_TEST(runs.active_of("next") == 1u);
}

BOOST_AUTO_TEST_CASE(of_successes_during_a_pause_as_many_are_followed_as_catchup_says)
{
    for (const std::string rule : {"none", "latest", "all"}) {
        auto spec = after({"a"});
        spec.catchup = rule;
        spec.max_active_runs = 10;
        dags.put(rule, spec);
    }
    up();
    for (const std::string rule : {"none", "latest", "all"})
        dags.pause(rule, true);
    for (int i = 0; i < 3; ++i) {
        pass(1h);
        runs.end(runs.begin_outside("a"), true);
    }
    down();
    up();
    BOOST_TEST(keeper->list()[2].waiting == 0u); // none
    BOOST_TEST(keeper->list()[1].waiting == 1u); // latest
    BOOST_TEST(keeper->list()[0].waiting == 3u); // all
    for (const std::string rule : {"none", "latest", "all"})
        dags.pause(rule, false);
    pass(1h);
    BOOST_TEST(runs.active_of("none") == 0u);
    BOOST_TEST(runs.active_of("latest") == 1u);
    BOOST_TEST(runs.active_of("all") == 3u);
    BOOST_TEST(has_said("run none@r00000000000 is skipped: `none` is held back (catchup: none)"));
}

BOOST_AUTO_TEST_CASE(what_waited_before_a_pause_is_followed_after_it)
{
    dags.put("next", after({"a"}));
    up();
    for (int i = 0; i < 4; ++i)
        runs.end(runs.begin_outside("a"), true);
    loop.run_present();
    dags.pause("next", true);
    pass(1h);
    BOOST_TEST(keeper->list()[0].waiting == 3u);
}

BOOST_AUTO_TEST_CASE(successes_do_not_gather_while_dags_follow_each_other_for_ever)
{
    dags.put("a", after({"b"}));
    dags.put("b", after({"a"}));
    up();
    for (int i = 0; i < 100; ++i) {
        runs.end(runs.begin_outside("a"), true);
        pass(10min);
    }
    BOOST_TEST(keeper->list()[1].waiting == 1u);
}

BOOST_AUTO_TEST_CASE(dags_that_would_follow_each_other_for_ever_do_not)
{
    dags.put("a", after({"c"}));
    dags.put("b", after({"a"}));
    dags.put("c", after({"b"}));
    dags.put("d", after({"a", "nobody"}));
    up();
    BOOST_TEST(keeper->list()[0].problem ==
               "no run is triggered: these DAGs would follow each other for ever: a → b → c → a");
    BOOST_TEST(keeper->list()[3].problem == "`trigger.after`: there is no DAG `nobody`");
    BOOST_TEST(has_said("schedule of `d`: `trigger.after`: there is no DAG `nobody`"));
    runs.end(runs.begin_outside("a"), true);
    pass(1h);
    BOOST_TEST(runs.active_of("b") == 0u);
    BOOST_TEST(runs.active_of("d") == 1u);
    dags.put("a", std::nullopt);
    pass(1h);
    BOOST_TEST(runs.active_of("b") == 1u);
    BOOST_TEST(keeper->list()[0].problem == "");
}

BOOST_AUTO_TEST_CASE(what_is_owed_without_a_gap_is_one_range)
{
    const schedule::timetable table(*graph::parse_schedule("0 * * * *").times, schedule::fixed_zone(0s));
    calendar_state s;
    const auto owe = [&](const std::string& t) { s.owe({at(t) - duration(1), at(t)}, table); };
    owe("2026-01-01T01:00:00Z");
    owe("2026-01-01T02:00:00Z");
    BOOST_TEST(s.owed.size() == 1u);
    owe("2026-01-01T04:00:00Z");
    BOOST_TEST(s.owed.size() == 2u);
    for (const char* t : {"2026-01-01T01:00:00Z", "2026-01-01T02:00:00Z", "2026-01-01T04:00:00Z"}) {
        BOOST_REQUIRE(s.first_owed(table).has_value());
        BOOST_TEST((*s.first_owed(table) == at(t)));
        s.settle(at(t));
    }
    BOOST_TEST(!s.first_owed(table));
}

BOOST_AUTO_TEST_CASE(the_ledger_is_read_as_it_was_written)
{
    schedule_state s;
    s.calendar = calendar_state{"0 2 * * * UTC",
                                at("2026-01-01T00:00:00Z"),
                                {{at("2026-01-01T00:00:00Z"), at("2026-01-02T00:00:00.123Z")}},
                                at("2025-12-31T00:00:00Z")};
    s.trigger = trigger_state{{"a", "b"}, at("2026-01-01T00:00:00Z"), {{"x", at("2026-01-01T00:00:01Z")}}};
    BOOST_TEST((parse_schedule_state(to_json(s)) == s));
    BOOST_TEST((parse_schedule_state(json::object()) == schedule_state{}));
    BOOST_TEST(!parse_schedule_state(json::value("nonsense")));
    BOOST_TEST(!parse_schedule_state(json::object{{"calendar", 3}}));
    BOOST_TEST(!parse_schedule_state(json::object{{"trigger", json::object{}}}));
    json::object damaged = to_json(s).as_object();
    damaged["calendar"].as_object()["owed"].as_array()[0].as_object()["until"] = "soon";
    BOOST_TEST(!parse_schedule_state(damaged));
    damaged = to_json(s).as_object();
    damaged["trigger"].as_object()["settled"].as_object()["x"] = 7;
    BOOST_TEST(!parse_schedule_state(damaged));
}

BOOST_AUTO_TEST_CASE(a_schedule_of_which_the_ledger_cannot_be_read_stands_still_until_it_can)
{
    dags.put("d", cron("0 * * * *"));
    dags.put("other", cron("0 * * * *"));
    up();
    down();
    const json::value before = ledger.entries.at({"schedule", "d"});
    ledger.entries[{"schedule", "d"}] = json::object{{"calendar", json::object{{"calendar", "0 * * * * UTC"}}}};
    const json::value damaged = ledger.entries.at({"schedule", "d"});
    up();
    pass(90min);
    BOOST_TEST(times_of(runs.runs, "d", 11, 5) == "");
    BOOST_TEST(times_of(runs.runs, "other", 11, 5) == "01:00");
    BOOST_TEST((ledger.entries.at({"schedule", "d"}) == damaged));
    BOOST_TEST(std::count_if(said.begin(), said.end(), [](const std::string& line) {
                   return line.find("schedule of `d`: what the state directory says of it cannot be read") !=
                          std::string::npos;
               }) == 1);
    BOOST_TEST(keeper->list()[0].problem.find("cannot be read") != std::string::npos);
    ledger.entries[{"schedule", "d"}] = before;
    pass(2min);
    BOOST_TEST(times_of(runs.runs, "d", 11, 5) == "01:00");
    BOOST_TEST(keeper->list()[0].problem == "");
}

BOOST_AUTO_TEST_CASE(whatever_crashes_every_time_and_every_success_has_one_run)
{
    BOOST_TEST(rc::check("one run each, whatever crashes", [] {
        world w;
        const auto overlap = *rc::gen::element<std::string>("queue", "skip");
        w.dags.put("d", cron("*/10 * * * *", overlap, "all", *rc::gen::inRange(1, 4)));
        w.dags.put("next", after({"d"}));
        w.up();
        for (int life = *rc::gen::inRange(1, 12); life > 0; --life) {
            w.burning.light(static_cast<std::size_t>(*rc::gen::inRange(0, 30)));
            for (int i = 0; i < 30 && !w.burning.burnt(); ++i) {
                w.pass(std::chrono::seconds(*rc::gen::inRange(1, 400)));
                if (*rc::gen::inRange(0, 2) == 0)
                    w.runs.end_one(*rc::gen::element<std::string>("d", "next"));
            }
            w.burning.put_out();
            w.down();
            w.pass(std::chrono::seconds(*rc::gen::inRange(0, 3000)));
            if (*rc::gen::inRange(0, 2) == 0)
                w.runs.end_one("d"); // `potoo resume`, say
            w.up();
        }
        for (int i = 0; i < 4000 && (i < 20 || w.runs.active_of("d") + w.runs.active_of("next") > 0); ++i) {
            w.runs.end_all();
            w.loop.run_present();
        }
        std::map<std::string, int> keys;
        std::set<std::string> causes;
        std::vector<wall_time> times;
        for (const auto& r : w.runs.runs) {
            RC_ASSERT(++keys[r.origin.by + r.origin.key] == 1);
            if (r.origin.scheduled)
                times.push_back(*r.origin.scheduled);
            else
                causes.insert(r.origin.cause);
        }
        for (const auto& r : w.runs.runs)
            if (r.dag == "d")
                RC_ASSERT(causes.contains(r.id.value()));
        RC_ASSERT(std::is_sorted(times.begin(), times.end()));
        if (overlap == "queue" && !times.empty()) {
            const auto table =
                schedule::timetable(*graph::parse_schedule("*/10 * * * *").times, schedule::fixed_zone(0s));
            RC_ASSERT(times == table.between(at("2026-01-01T00:00:00Z"), w.loop.wall_now(), 100'000));
        }
    }));
}

BOOST_AUTO_TEST_SUITE_END()
