#include "engine/server/schedules/replays.hpp"

#include "engine/server/schedules/replay_ledger.hpp"
#include "tests/unit/server/schedule_world.hpp"

#include <boost/test/unit_test.hpp>
#include <rapidcheck.h>

#include <set>

using namespace potoo;
using namespace potoo::server;
using namespace potoo::server::test;
using namespace std::chrono_literals;

namespace {

/// The virtual clock starts at 2026-01-01T00:00Z.
struct replay_world
{
    boost::asio::io_context context{1};
    virtual_loop loop{context};
    fuse burning;
    memory_ledger ledger{burning};
    made_up_dags dags;
    made_up_runs runs{loop, burning};
    std::vector<std::string> said; ///< warnings, too
    std::vector<std::string> warned;
    std::size_t ids = 0;
    std::size_t max_active = 16;
    std::size_t keep = 1000;
    std::unique_ptr<replays> all;
    std::unique_ptr<potoo::test::runner<void>> keeping;

    replay_world()
    {
        graph::schedule_spec s;
        s.expression = "0 * * * *";
        dags.put("d", s);
        dags.put("plain", std::nullopt);
        runs.on_end = [this](const begun_run& r, bool success) {
            if (all)
                all->run_ended(r.origin, success);
        };
        up();
    }

    ~replay_world() { down(); }

    void up()
    {
        replay_settings settings;
        settings.zones = tz_zones();
        settings.say = [this](std::string_view line) { said.emplace_back(line); };
        settings.warn = [this](std::string_view line) {
            said.emplace_back(line);
            warned.emplace_back(line);
        };
        settings.make_id = [this] { return fmt::format("p{}", ++ids); };
        settings.max_active = max_active;
        settings.max_runs = 200;
        settings.keep = keep;
        all = std::make_unique<replays>(loop, ledger, dags, runs, std::move(settings));
        keeping = std::make_unique<potoo::test::runner<void>>(loop, all->keep());
        loop.run_present();
    }

    /// As in a crash.
    void down()
    {
        keeping.reset();
        all.reset();
    }

    std::string begin(const std::string& from, const std::string& to, std::uint32_t parallel, const char* dag = "d")
    {
        potoo::test::runner<std::string> r(loop, all->start({dag, at(from), at(to), parallel, "ann"}));
        loop.run_present();
        BOOST_REQUIRE(r.ended());
        return r.take();
    }

    void cancel(const std::string& id)
    {
        potoo::test::runner<void> r(loop, all->cancel(id));
        loop.run_present();
        BOOST_REQUIRE(r.ended());
        r.take();
    }

    void end_one(bool success = true)
    {
        runs.end_one("d", success);
        loop.run_present();
    }

    [[nodiscard]] std::size_t active() const
    {
        std::size_t n = 0;
        for (const auto& row : all->list())
            n += row.active;
        return n;
    }

    [[nodiscard]] std::string refusal(const std::string& from, const std::string& to, const char* dag = "d") const
    {
        try {
            const auto times = all->plan(dag, at(from), at(to));
            return fmt::format("{} times", times.size());
        } catch (const replay_refused& e) {
            return e.what();
        }
    }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(replaying, replay_world)

BOOST_AUTO_TEST_CASE(a_plan_has_the_times_of_the_range)
{
    BOOST_TEST(refusal("2025-12-01T00:00:00Z", "2025-12-01T05:00:00Z") == "6 times");
    BOOST_TEST(refusal("2025-12-01T00:00:00.001Z", "2025-12-01T05:00:00Z") == "5 times");
    BOOST_TEST(runs.runs.empty());
    BOOST_TEST(refusal("2025-12-01T00:00:00Z", "2025-12-01T00:00:00Z", "nobody") == "there is no DAG `nobody`");
    BOOST_TEST(refusal("2025-12-01T00:00:00Z", "2025-12-01T00:00:00Z", "plain") ==
               "the DAG `plain` has no `schedule`, whose times a replay could go through");
    BOOST_TEST(refusal("2025-12-02T00:00:00Z", "2025-12-01T00:00:00Z") ==
               "the range ends before it begins: 2025-12-02T00:00:00.000Z comes after 2025-12-01T00:00:00.000Z");
    BOOST_TEST(refusal("2025-12-02T00:00:00Z", "2026-12-01T00:00:00Z") ==
               "the range ends in the future: 2026-12-01T00:00:00.000Z");
    BOOST_TEST(refusal("2025-12-02T00:01:00Z", "2025-12-02T00:59:00Z") ==
               "no time of `0 * * * *` (UTC) lies between 2025-12-02T00:01:00.000Z and 2025-12-02T00:59:00.000Z");
    BOOST_TEST(refusal("2025-01-02T00:01:00Z", "2025-12-02T00:59:00Z") ==
               "the range has more than 200 times, which is the most of one replay: take several");
}

BOOST_AUTO_TEST_CASE(so_many_runs_go_on_at_once_and_in_order)
{
    const auto id = begin("2025-12-01T01:00:00Z", "2025-12-01T05:00:00Z", 2);
    loop.run_present();
    BOOST_TEST(times_of(runs.runs, "d", 11, 5) == "01:00 02:00");
    const auto& origin = runs.runs[0].origin;
    BOOST_TEST(origin.by == "replay");
    BOOST_TEST(origin.who == "ann");
    BOOST_TEST(origin.cause == id);
    BOOST_TEST(origin.key == id + "@2025-12-01T01:00:00.000Z");
    BOOST_TEST(active() == 2u);
    end_one(false);
    auto row = all->find(id).value();
    BOOST_TEST(row.runs == 5u);
    BOOST_TEST(row.begun == 3u);
    BOOST_TEST(row.active == 2u);
    BOOST_TEST(row.failed == 1u);
    for (int i = 0; i < 4; ++i)
        end_one();
    row = all->find(id).value();
    BOOST_TEST(times_of(runs.runs, "d", 11, 5) == "01:00 02:00 03:00 04:00 05:00");
    BOOST_TEST(to_string(row.state) == "done");
    BOOST_TEST(row.succeeded == 4u);
    BOOST_TEST(said.back() == "replay p1 of `d` is done: 5 runs of 5, 4 succeeded, 1 did not");
}

BOOST_AUTO_TEST_CASE(all_replays_together_have_a_limit)
{
    down();
    max_active = 3;
    up();
    begin("2025-12-01T01:00:00Z", "2025-12-01T20:00:00Z", 2);
    begin("2025-12-02T01:00:00Z", "2025-12-02T20:00:00Z", 10);
    BOOST_TEST(runs.runs.size() == 3u);
    end_one();
    BOOST_TEST(active() == 3u);
    BOOST_TEST(runs.active_of("d") == 0u);
}

BOOST_AUTO_TEST_CASE(a_cancelled_replay_begins_no_more_and_asks_its_runs_to_stop)
{
    const auto id = begin("2025-12-01T01:00:00Z", "2025-12-01T05:00:00Z", 2);
    cancel(id);
    BOOST_TEST(runs.cancelled.size() == 2u);
    end_one(false);
    end_one(false);
    BOOST_TEST(runs.runs.size() == 2u);
    BOOST_TEST(to_string(all->find(id)->state) == "cancelled");
    BOOST_TEST(all->find(id)->active == 0u);
    cancel(id);
    BOOST_TEST(runs.cancelled.size() == 2u);
    BOOST_CHECK_THROW(cancel("nothing"), replay_refused);
    down();
    up();
    BOOST_TEST(runs.runs.size() == 2u);
    BOOST_TEST(to_string(all->find(id)->state) == "cancelled");
}

BOOST_AUTO_TEST_CASE(a_replay_goes_on_after_a_restart)
{
    const auto id = begin("2025-12-01T01:00:00Z", "2025-12-01T05:00:00Z", 2);
    down();
    runs.end_one("d");
    up();
    BOOST_TEST(times_of(runs.runs, "d", 11, 5) == "01:00 02:00 03:00");
    for (int i = 0; i < 4; ++i)
        end_one();
    const auto row = all->find(id).value();
    BOOST_TEST(to_string(row.state) == "done");
    BOOST_TEST(row.begun == 5u);
    BOOST_TEST(row.succeeded == 5u);
    down();
    up();
    BOOST_TEST(all->find(id)->succeeded == 5u);
}

BOOST_AUTO_TEST_CASE(a_replay_of_which_the_ledger_cannot_be_read_is_told_and_left)
{
    const auto id = begin("2025-12-01T01:00:00Z", "2025-12-01T03:00:00Z", 1);
    down();
    ledger.entries[{"replay", "odd"}] = json::object{{"dag", "d"}};
    ledger.damaged.emplace("replay", "torn");
    up();
    BOOST_TEST(all->find(id).has_value());
    BOOST_TEST(!all->find("odd").has_value());
    for (const char* part : {"replay odd: ", "replay torn: "})
        BOOST_TEST(std::count_if(said.begin(), said.end(),
                                 [&](const std::string& line) { return line.find(part) != std::string::npos; }) == 1);
    BOOST_TEST((ledger.entries.at({"replay", "odd"}) == json::object{{"dag", "d"}}));
}

BOOST_AUTO_TEST_CASE(a_run_that_is_retried_counts_once)
{
    const auto id = begin("2025-12-01T01:00:00Z", "2025-12-01T03:00:00Z", 1);
    end_one(false);
    all->run_ended(runs.runs[0].origin, true);
    loop.run_present();
    BOOST_TEST(all->find(id)->failed == 1u);
    BOOST_TEST(all->find(id)->succeeded == 0u);
    BOOST_TEST(active() == 1u);
}

BOOST_AUTO_TEST_CASE(a_replay_whose_runs_cannot_begin_fails_in_the_end)
{
    runs.refuse_next = 100;
    const auto id = begin("2025-12-01T01:00:00Z", "2025-12-01T03:00:00Z", 1);
    BOOST_TEST(all->find(id)->problem == "a secret is missing");
    BOOST_TEST(to_string(all->find(id)->state) == "running");
    loop.run(10min);
    BOOST_TEST(to_string(all->find(id)->state) == "failed");
    BOOST_TEST(runs.refuse_next == 95u);
}

BOOST_AUTO_TEST_CASE(what_goes_wrong_is_a_warning)
{
    runs.refuse_next = 100;
    const auto id = begin("2025-12-01T01:00:00Z", "2025-12-01T03:00:00Z", 1);
    BOOST_REQUIRE(warned.size() == 1u);
    BOOST_TEST(warned[0] == "replay p1: the run for 2025-12-01T01:00:00.000Z cannot begin: a secret is missing");
    loop.run(10min);
    BOOST_TEST(warned.back() == "replay p1 of `d` is failed: 0 runs of 3, 0 succeeded, 0 did not");
    const auto before = warned.size();
    runs.refuse_next = 0;
    begin("2025-12-01T01:00:00Z", "2025-12-01T01:00:00Z", 1);
    end_one(false);
    BOOST_TEST(warned.size() == before);
}

BOOST_AUTO_TEST_CASE(a_dag_that_needs_parameters_is_not_replayed)
{
    const auto calendar = dags.startable("d").dag->schedule;
    dags.put("needs", calendar, {{"who", json::object{{"type", "string"}}}});
    const std::string why = "no replay of `needs`: the DAG cannot begin without somebody who gives its parameters: "
                            "`who` must be given: it has no default (`-p who=…`)";
    BOOST_TEST(refusal("2025-12-01T00:00:00Z", "2025-12-01T05:00:00Z", "needs") == why);
    const auto refused = [&](const replay_refused& e) {
        return e.why() == replay_refused::reason::needs_params && e.what() == why;
    };
    BOOST_CHECK_EXCEPTION(begin("2025-12-01T00:00:00Z", "2025-12-01T05:00:00Z", 1, "needs"), replay_refused, refused);
    BOOST_TEST(all->list().empty());
    dags.put("needs", calendar, {{"who", json::object{{"type", "string"}, {"default", "you"}}}});
    BOOST_TEST(refusal("2025-12-01T00:00:00Z", "2025-12-01T05:00:00Z", "needs") == "6 times");
}

BOOST_AUTO_TEST_CASE(a_replay_whose_dag_goes_says_so_and_is_cancelled)
{
    const auto id = begin("2025-12-01T01:00:00Z", "2025-12-01T03:00:00Z", 1);
    dags.remove("d");
    end_one();
    BOOST_TEST(all->find(id)->problem == "there is no DAG `d` any more");
    BOOST_TEST(to_string(all->find(id)->state) == "running");
    cancel(id);
    BOOST_TEST(to_string(all->find(id)->state) == "cancelled");
    loop.run(10min);
    BOOST_TEST(to_string(all->find(id)->state) == "cancelled");
    BOOST_TEST(said.back() == "replay p1 of `d` is cancelled: 1 runs of 3, 1 succeeded, 0 did not");
}

BOOST_AUTO_TEST_CASE(a_failed_replay_keeps_its_counts)
{
    const auto id = begin("2025-12-01T01:00:00Z", "2025-12-01T03:00:00Z", 3);
    end_one();
    down();
    runs.refuse_next = 100;
    const auto second = [this] {
        up();
        return begin("2025-12-02T01:00:00Z", "2025-12-02T03:00:00Z", 3);
    }();
    loop.run(10min);
    runs.refuse_next = 0;
    const auto third = begin("2025-12-03T01:00:00Z", "2025-12-03T03:00:00Z", 2);
    runs.refuse_next = 100;
    end_one(); // of the first
    end_one();
    end_one(); // of the third
    loop.run(10min);
    BOOST_TEST(to_string(all->find(third)->state) == "failed");
    BOOST_TEST(all->find(third)->active == 1u);
    down();
    up();
    BOOST_TEST(all->find(third)->active == 1u);
    end_one(false);
    for (int life = 0; life < 2; ++life) {
        BOOST_TEST(to_string(all->find(id)->state) == "done");
        BOOST_TEST(to_string(all->find(second)->state) == "failed");
        const auto row = all->find(third).value();
        BOOST_TEST(to_string(row.state) == "failed");
        BOOST_TEST(row.begun == 2u);
        BOOST_TEST(row.active == 0u);
        BOOST_TEST(row.succeeded == 1u);
        BOOST_TEST(row.failed == 1u);
        down();
        runs.runs.clear(); // the journal forgets them
        up();
    }
}

BOOST_AUTO_TEST_CASE(a_cancelled_replay_keeps_its_counts)
{
    const auto id = begin("2025-12-01T01:00:00Z", "2025-12-01T05:00:00Z", 2);
    cancel(id);
    end_one(true);
    end_one(false);
    down();
    runs.runs.clear();
    up();
    const auto row = all->find(id).value();
    BOOST_TEST(to_string(row.state) == "cancelled");
    BOOST_TEST(row.succeeded == 1u);
    BOOST_TEST(row.failed == 1u);
}

BOOST_AUTO_TEST_CASE(a_replay_that_cannot_be_cancelled_goes_on)
{
    const auto id = begin("2025-12-01T01:00:00Z", "2025-12-01T03:00:00Z", 1);
    ledger.broken = true;
    BOOST_CHECK_THROW(cancel(id), std::runtime_error);
    BOOST_TEST(to_string(all->find(id)->state) == "running");
    BOOST_TEST(runs.cancelled.empty());
    ledger.broken = false;
    for (int i = 0; i < 3; ++i)
        end_one();
    BOOST_TEST(to_string(all->find(id)->state) == "done");
}

BOOST_AUTO_TEST_CASE(of_replays_that_are_over_the_latest_are_kept)
{
    down();
    keep = 2;
    up();
    const auto open = begin("2025-12-01T00:00:00Z", "2025-12-01T01:00:00Z", 1);
    for (int day = 2; day < 6; ++day) {
        loop.run(1s);
        const auto id = begin(fmt::format("2025-12-0{}T01:00:00Z", day), fmt::format("2025-12-0{}T01:00:00Z", day), 1);
        runs.end(runs.runs.back().id, true);
        loop.run_present();
        BOOST_TEST(all->find(id).has_value());
    }
    BOOST_TEST(all->list().size() == 3u);
    BOOST_TEST(ledger.entries.size() == 3u);
    BOOST_TEST(all->find(open).has_value());
    end_one();
    end_one();
    BOOST_TEST(!all->find(open));
    BOOST_TEST(ledger.entries.size() == 2u);
}

BOOST_AUTO_TEST_CASE(the_schedule_of_its_beginning_counts)
{
    begin("2025-12-01T01:00:00Z", "2025-12-01T03:00:00Z", 1);
    graph::schedule_spec s;
    s.expression = "30 * * * *";
    dags.put("d", s);
    end_one();
    end_one();
    BOOST_TEST(times_of(runs.runs, "d", 11, 5) == "01:00 02:00 03:00");
}

BOOST_AUTO_TEST_CASE(the_ledger_is_read_as_it_was_written)
{
    begin("2025-12-01T01:00:00Z", "2025-12-01T05:00:00Z", 2);
    const auto& value = ledger.entries.at({"replay", "p1"});
    const auto read = parse_replay("p1", value).value();
    BOOST_TEST(read.row.parallel == 2u);
    BOOST_TEST(read.row.begun == 2u);
    BOOST_TEST(read.expression == "0 * * * *");
    BOOST_TEST((to_json(read) == value));
    BOOST_TEST(!parse_replay("x", json::value("nonsense")));
    BOOST_TEST(!parse_replay("x", json::object{{"dag", "d"}}));
}

BOOST_AUTO_TEST_CASE(whatever_crashes_every_time_has_one_run)
{
    BOOST_TEST(rc::check("one run each, whatever crashes", [] {
        replay_world w;
        const auto parallel = *rc::gen::inRange<std::uint32_t>(1, 5);
        const auto id = w.begin("2025-12-01T00:00:00Z", "2025-12-01T23:00:00Z", parallel);
        for (int life = *rc::gen::inRange(1, 8); life > 0; --life) {
            w.burning.light(static_cast<std::size_t>(*rc::gen::inRange(0, 20)));
            for (int i = 0; i < 10 && !w.burning.burnt(); ++i)
                w.end_one(*rc::gen::inRange(0, 3) != 0);
            w.burning.put_out();
            w.down();
            w.runs.end_one("d");
            w.up();
            RC_ASSERT(w.active() <= parallel);
        }
        for (int i = 0; i < 30; ++i)
            w.end_one();
        const auto row = w.all->find(id).value();
        RC_ASSERT(row.state == replay_state::done);
        RC_ASSERT(row.begun == 24u);
        RC_ASSERT(row.succeeded + row.failed == 24u);
        RC_ASSERT(w.runs.runs.size() == 24u);
        std::set<std::string> keys;
        for (const auto& r : w.runs.runs)
            keys.insert(r.origin.key);
        RC_ASSERT(keys.size() == 24u);
    }));
}

BOOST_AUTO_TEST_SUITE_END()
