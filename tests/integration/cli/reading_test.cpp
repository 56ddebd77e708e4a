#include "program.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <boost/test/unit_test.hpp>

using namespace potoo::cli::test;
namespace json = boost::json;

namespace {

bool holds(const std::string& text, std::string_view part)
{
    return text.find(part) != std::string::npos;
}

/// One run with a fan-out, a retry and a failure behind it.
struct recorded_run
{
    recorded_run()
    {
        w.write("a.yaml", R"(name: recorded
tasks:
  fan: {operator: shell, foreach: [x, y], key: "${{ item }}", with: {command: "echo doing ${{ item }}"}}
  flaky: {operator: shell, retry: {limit: 1, delay: 1ms}, allow_failure: true, with: {command: "printf no-newline; exit 1"}}
)");
        BOOST_REQUIRE(run_potoo(w, {"run", "a.yaml"}).code == 0);
    }

    workspace w;
};

} // namespace

BOOST_AUTO_TEST_SUITE(reading)

BOOST_FIXTURE_TEST_CASE(ls_lists_runs, recorded_run)
{
    const result table = run_potoo(w, {"ls"});
    BOOST_TEST(table.code == 0);
    BOOST_TEST(holds(table.out, "RUN"));
    BOOST_TEST(holds(table.out, "recorded"));
    BOOST_TEST(holds(table.out, "TOOK\n"), "where it came from goes without saying");
    const json::value rows = json::parse(run_potoo(w, {"ls", "-o", "json"}).out);
    BOOST_TEST(rows.at(0).at("state").as_string() == "success");
    BOOST_TEST(run_potoo(w, {"ls", "--dag", "other", "-o", "json"}).out == "[]\n");
    BOOST_TEST(run_potoo(w, {"ls", "--unfinished", "-o", "json"}).out == "[]\n");
}

BOOST_FIXTURE_TEST_CASE(status_shows_the_latest_run_with_its_tasks, recorded_run)
{
    const result text = run_potoo(w, {"status"});
    BOOST_TEST(text.code == 0);
    BOOST_TEST(holds(text.out, "2 success"), text.out);
    const json::value run = json::parse(run_potoo(w, {"status", "-o", "json"}).out);
    BOOST_TEST(run.at("tasks").at(0).at("items").as_int64() == 2);
    BOOST_TEST(run.at("tasks").at(1).at("state").as_string() == "failed");
    BOOST_TEST(run.at("tasks").at(1).at("attempts").as_int64() == 2);
    const json::value task = json::parse(run_potoo(w, {"status", latest_run(w), "flaky", "-o", "json"}).out);
    BOOST_TEST(task.at("attempt_list").as_array().size() == 2u);
    BOOST_TEST(holds(run_potoo(w, {"status", latest_run(w), "flaky"}).out, "exit code 1"));
}

BOOST_FIXTURE_TEST_CASE(logs_are_raw_for_one_attempt_and_headed_for_several, recorded_run)
{
    const std::string id = latest_run(w);
    BOOST_TEST(run_potoo(w, {"logs", id, "fan", "--item", "1"}).out == "doing y\n");
    BOOST_TEST(run_potoo(w, {"logs", id, "fan", "--item", "y"}).out == "doing y\n");
    BOOST_TEST(run_potoo(w, {"logs", id, "flaky"}).out ==
               "==> flaky item 0 attempt 1 <==\nno-newline\n==> flaky item 0 attempt 2 <==\nno-newline\n");
    BOOST_TEST(run_potoo(w, {"logs", id, "flaky", "--attempt", "2"}).out == "no-newline\n");
    BOOST_TEST(holds(run_potoo(w, {"logs", "-f"}).out, "doing x\n"));
    const result none = run_potoo(w, {"logs", id, "flaky", "--attempt", "9"});
    BOOST_TEST(none.code == 0);
    BOOST_TEST(none.out.empty());
    BOOST_TEST(holds(none.err, "Nothing was logged"));
}

BOOST_FIXTURE_TEST_CASE(names_that_are_not_there_are_bad_usage, recorded_run)
{
    const std::string id = latest_run(w);
    for (const std::vector<std::string>& arguments : {std::vector<std::string>{"status", "nosuchrun"},
                                                      {"logs", id, "flacky"},
                                                      {"logs", id, "fan", "--item", "zz"},
                                                      {"logs", id, "fan", "--item", "2"},
                                                      {"ls", "--by", "replays"},
                                                      {"why", id, "nothinglikeit"},
                                                      {"logs", "--item", "1"},
                                                      {"status", id, "nope"}}) {
        const result r = run_potoo(w, arguments);
        BOOST_TEST(r.code == 2, r.err);
        BOOST_TEST(r.out.empty());
    }
    BOOST_TEST(holds(run_potoo(w, {"logs", id, "flacky"}).err, "did you mean flaky?"));
    const std::string listing =
        "The task fan has 2 items, the last is 1. They are listed by: potoo status " + id + " fan";
    BOOST_TEST(holds(run_potoo(w, {"logs", id, "fan", "--item", "2"}).err, listing));
    BOOST_TEST(holds(run_potoo(w, {"why", id, "fan", "--item", "2"}).err, listing));
    BOOST_TEST(holds(run_potoo(w, {"why", id, "nothinglikeit"}).err, "`potoo status RUN` lists its tasks"));
    const std::string origin = run_potoo(w, {"ls", "--by", "replays"}).err;
    BOOST_TEST(holds(origin, "there are cli, api, schedule, trigger, replay, task, embedded; did you mean replay?"),
               origin);
}

BOOST_FIXTURE_TEST_CASE(dag_without_runs_is_told_with_the_nearest_that_has_some, recorded_run)
{
    const result r = run_potoo(w, {"ls", "--dag", "recodred"});
    BOOST_TEST(r.code == 0);
    BOOST_TEST(r.err == "There are no runs of a DAG recodred; did you mean recorded?\n");
    BOOST_TEST(run_potoo(w, {"ls", "--dag", "elsewhere"}).err == "There are no runs of a DAG elsewhere.\n");
    BOOST_TEST(run_potoo(w, {"ls", "--dag", "recorded", "--in", "failed"}).err.empty());
}

BOOST_AUTO_TEST_CASE(every_item_of_a_fan_out_is_named_while_it_is_watched)
{
    const workspace w;
    w.write("a.yaml", R"(name: watched
tasks:
  wait: {operator: file_sensor, with: {path: go, interval: 20ms}}
  fan: {operator: shell, depends_on: [wait], foreach: [x, y], retry: {limit: 1, delay: 0s}, with: {command: exit 1}}
)");
    program p(w, {"run", "a.yaml"});
    BOOST_REQUIRE(p.wait_for("wait: running"));
    program watching(w, {"status", "-w"});
    BOOST_REQUIRE(watching.wait_for("running"));
    w.write("go", "");
    BOOST_TEST(p.finish().code == 1);
    const result r = watching.finish();
    BOOST_TEST(holds(r.out, "] fan[0]: running (attempt 2)\n"), r.out);
    BOOST_TEST(holds(r.out, "] fan[0] failed (attempt 1)"), r.out);
    BOOST_TEST(holds(r.out, "] wait: success\n"), r.out);
}

BOOST_AUTO_TEST_CASE(logs_follow_a_run_to_its_end)
{
    const workspace w;
    w.write("a.yaml", R"(tasks:
  first: {operator: shell, with: {command: "echo one"}}
  wait: {operator: file_sensor, depends_on: [first], with: {path: go, interval: 20ms}}
  last: {operator: shell, depends_on: [wait], with: {command: "echo two"}}
)");
    program run(w, {"run", "a.yaml"});
    BOOST_REQUIRE(run.wait_for("wait: running"));
    program follow(w, {"logs", "-f"});
    BOOST_REQUIRE(follow.wait_for("one"));
    w.write("go", "");
    BOOST_TEST(run.finish().code == 0);
    const result r = follow.finish();
    BOOST_TEST(r.code == 0);
    BOOST_TEST(holds(r.out, "two\n"), r.out);
}

BOOST_AUTO_TEST_CASE(last_names_the_latest_run)
{
    const workspace w;
    w.write("a.yaml", "tasks: {t: {operator: shell, with: {command: echo from a}}}\n");
    w.write("b.yaml", "tasks: {t: {operator: shell, with: {command: echo from b}}}\n");
    BOOST_REQUIRE(run_potoo(w, {"run", "a.yaml"}).code == 0);
    BOOST_REQUIRE(run_potoo(w, {"run", "b.yaml"}).code == 0);
    const result r = run_potoo(w, {"logs", "last", "t"});
    BOOST_TEST(r.code == 0, r.err);
    BOOST_TEST(holds(r.out, "from b\n"), r.out);
    BOOST_TEST(!holds(r.out, "from a\n"), r.out);
}

BOOST_AUTO_TEST_SUITE_END()
