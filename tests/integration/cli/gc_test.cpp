// Removing old runs.
#include "stopped_runs.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

using namespace potoo::cli::test;

namespace {

std::size_t count_runs(const workspace& w)
{
    return boost::json::parse(run_potoo(w, {"ls", "--limit", "0", "-o", "json"}).out).as_array().size();
}

struct some_runs
{
    some_runs()
    {
        w.write("a.yaml", "tasks: {a: {operator: shell, with: {command: echo hello}}}\n");
        w.write("b.yaml", waiting_dag);
        for (int i = 0; i < 4; ++i)
            BOOST_REQUIRE(run_potoo(w, {"run", "a.yaml"}).code == 0);
    }

    workspace w;
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(gc, some_runs)

BOOST_AUTO_TEST_CASE(dry_run_lists_and_removes_nothing)
{
    const result r = run_potoo(w, {"gc", "--keep-runs", "1", "--dry-run"});
    BOOST_TEST(r.code == 0, r.err);
    BOOST_TEST(holds(r.out, "3 runs would be removed\n"), r.out);
    BOOST_TEST(count_runs(w) == 4u);
}

BOOST_AUTO_TEST_CASE(old_runs_are_removed_and_counted)
{
    const result r = run_potoo(w, {"gc", "--keep-runs", "1", "-o", "json"});
    BOOST_TEST(r.code == 0, r.err);
    const auto removed = boost::json::parse(r.out);
    BOOST_TEST(removed.at("runs").as_int64() == 3);
    BOOST_TEST(removed.at("records").as_int64() > 3);
    BOOST_TEST(removed.at("log_pieces").as_int64() == 3);
    BOOST_TEST(count_runs(w) == 1u);
    const result kept = run_potoo(w, {"gc", "--keep-for", "1d"});
    BOOST_TEST(holds(kept.out, "removed 0 runs"), kept.out);
}

BOOST_AUTO_TEST_CASE(engine_at_work_removes_them)
{
    program p(w, {"run", "b.yaml"});
    BOOST_REQUIRE(p.wait_for("wait: running"));
    const result r = run_potoo(w, {"gc", "--keep-for", "0ms"});
    BOOST_TEST(r.code == 0, r.err);
    BOOST_TEST(holds(r.out, "removed 4 runs"), r.out);
    BOOST_TEST(count_runs(w) == 1u);
    w.write("go", "");
    BOOST_TEST(p.finish().code == 0);
}

BOOST_AUTO_TEST_CASE(engine_applies_the_rules_of_the_directory)
{
    w.write(".potoo/config.yaml", "keep_runs: 2\n");
    BOOST_REQUIRE(run_potoo(w, {"run", "a.yaml"}).code == 0);
    BOOST_TEST(count_runs(w) == 2u);
    w.write(".potoo/config.yaml", "keep_runs: 1\n");
    BOOST_TEST(holds(run_potoo(w, {"gc"}).out, "removed 1 run,"));
    BOOST_TEST(count_runs(w) == 1u);
}

BOOST_AUTO_TEST_CASE(run_that_has_not_ended_is_kept)
{
    const std::string id = stopped_run(w, "b.yaml");
    BOOST_TEST(run_potoo(w, {"gc", "--keep-runs", "0"}).code == 0);
    BOOST_TEST(count_runs(w) == 1u);
    BOOST_TEST(latest_run(w) == id);
}

BOOST_AUTO_TEST_CASE(rules_are_asked_for)
{
    const result r = run_potoo(w, {"gc"});
    BOOST_TEST(r.code == 2);
    BOOST_TEST(holds(r.err, ".potoo/config.yaml"), r.err);
    BOOST_TEST(run_potoo(w, {"gc", "--keep-for", "month"}).code == 2);
    BOOST_TEST(run_potoo(w, {"gc", "--keep-runs", "-1"}).code == 2);
}

BOOST_AUTO_TEST_CASE(wrong_configuration_is_shown_with_its_place)
{
    w.write(".potoo/config.yaml", "keep_rnus: 2\n");
    for (const auto& arguments : {std::vector<std::string>{"gc"}, std::vector<std::string>{"run", "a.yaml"}}) {
        const result r = run_potoo(w, arguments);
        BOOST_TEST(r.code == 2);
        BOOST_TEST(holds(r.err, ".potoo/config.yaml:1:1: error: unknown key"), r.err);
        BOOST_TEST(holds(r.err, "did you mean `keep_runs`?"), r.err);
    }
    w.write(".potoo/config.yaml", "keep_for: a month\n");
    BOOST_TEST(holds(run_potoo(w, {"gc"}).err, "config.yaml:1:11: error: `keep_for`"));
    BOOST_TEST(count_runs(w) == 4u);
}

BOOST_AUTO_TEST_SUITE_END()
