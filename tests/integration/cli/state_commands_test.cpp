// Looking on, pausing and retrying in a state directory, while an engine is at work and while none is.
#include "stopped_runs.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include <csignal>

using namespace potoo::cli::test;

namespace {

std::string state_of(const workspace& w, const std::string& run)
{
    const result r = run_potoo(w, {"status", run, "-o", "json"});
    BOOST_REQUIRE_MESSAGE(r.code == 0, r.err);
    return std::string(boost::json::parse(r.out).at("state").as_string());
}

/// Fails until a file `good` is there.
const char* const mending_dag = R"(
name: mending
params: {n: {type: integer, default: 1}}
tasks:
  first: {operator: noop}
  bad: {operator: shell, depends_on: [first], with: {command: "echo tried ${{ params.n }}; test -e good"}}
  after: {operator: noop, depends_on: [bad]}
)";

/// Two of its three items wait for the slot of the other.
const char* const crowded_dag = R"(
name: crowded
pools: {few: 1}
tasks:
  each: {operator: file_sensor, pool: few, foreach: [a, b, c], with: {path: go, interval: 20ms}}
  after: {operator: noop, depends_on: [each]}
)";

boost::json::value document(const workspace& w, std::vector<std::string> arguments)
{
    arguments.insert(arguments.end(), {"-o", "json"});
    const result r = run_potoo(w, std::move(arguments));
    BOOST_REQUIRE_MESSAGE(r.code == 0, r.err);
    return boost::json::parse(r.out);
}

} // namespace

BOOST_AUTO_TEST_SUITE(state_commands)

BOOST_AUTO_TEST_CASE(watching_ends_as_the_run_does)
{
    const workspace w;
    w.write("a.yaml", waiting_dag);
    program p(w, {"run", "a.yaml"});
    const std::string id = begun_run(p);
    BOOST_REQUIRE(p.wait_for("wait: running"));
    program watching(w, {"status", id.substr(0, 6), "-w"});
    BOOST_REQUIRE(watching.wait_for("running"));
    program events(w, {"status", "-w", "-o", "json"});
    w.write("go", "");
    BOOST_TEST(p.finish().code == 0);
    const result r = watching.finish();
    BOOST_TEST(r.code == 0, r.err);
    BOOST_TEST(holds(r.out, "state    success\n"), r.out);
    BOOST_TEST(events.finish().code == 0);
    const result ended = run_potoo(w, {"status", id, "-w"});
    BOOST_TEST(ended.code == 0);
}

BOOST_AUTO_TEST_CASE(engine_at_work_is_asked_why_and_who_holds_its_pools)
{
    const workspace w;
    w.write("a.yaml", crowded_dag);
    program p(w, {"run", "a.yaml"});
    const std::string id = begun_run(p);
    BOOST_REQUIRE(p.wait_for("each: running"));
    const std::string full = "no slot of the pool `few` is free: 1 of 1 are taken; run " + id + " has 1";
    const result item = run_potoo(w, {"why", "last", "each", "--item", "1"});
    BOOST_TEST(item.code == 0, item.err);
    BOOST_TEST(item.out == "each[1]: queued\n  " + full + "\n");
    const result whole = run_potoo(w, {"why", id.substr(0, 6), "each"});
    BOOST_TEST(holds(whole.out, "    1  " + full), whole.out);
    const auto after = document(w, {"why", "last", "after"});
    BOOST_TEST(after.at("run") == boost::json::string_view(id));
    BOOST_TEST(after.at("task") == "after");
    BOOST_TEST(after.at("item").is_null());
    BOOST_TEST(after.at("reasons").at(0).at("code") == "upstream");
    const auto pools = document(w, {"pools"});
    BOOST_REQUIRE_EQUAL(pools.as_array().size(), 1u);
    BOOST_TEST(pools.at(0).at("name") == "few");
    BOOST_TEST(pools.at(0).at("used") == 1);
    BOOST_TEST(pools.at(0).at("waiting") == 2);
    BOOST_TEST(pools.at(0).at("by").at(0).at("run") == boost::json::string_view(id));
    BOOST_TEST(document(w, {"pools", "few"}).at("declared") == 1);
    BOOST_TEST(run_potoo(w, {"pools", "many"}).code == 2);
    BOOST_TEST(run_potoo(w, {"why", "last", "each", "--item", "3"}).code == 2);
    BOOST_TEST(holds(run_potoo(w, {"why", "last", "eahc"}).err, "did you mean each?"));
    w.write("go", "");
    BOOST_TEST(p.finish().code == 0);
    BOOST_TEST(document(w, {"why", id, "after"}).at("reasons").at(0).at("code") == "ended");
    BOOST_TEST(run_potoo(w, {"pools"}).code == 0);
}

BOOST_AUTO_TEST_CASE(without_an_engine_the_journal_says_why_and_which_pools_were_resized)
{
    const workspace w;
    BOOST_TEST(run_potoo(w, {"why", "last", "each"}).code == 4);
    BOOST_TEST(run_potoo(w, {"pools"}).code == 4);
    BOOST_TEST(!w.has(".potoo"));
    w.write("a.yaml", waiting_dag);
    stopped_run(w, "a.yaml");
    const result wait = run_potoo(w, {"why", "last", "wait"});
    BOOST_TEST(wait.code == 0, wait.err);
    BOOST_TEST(holds(wait.out, "\n  no engine carries the run at this moment: it goes on when one does\n"), wait.out);
    BOOST_TEST(holds(wait.out, "\n  attempt 1 is recorded as "), wait.out);
    const result after = run_potoo(w, {"why", "last", "after"});
    BOOST_TEST(holds(after.out, "after: pending\n  no engine carries the run"), after.out);
    BOOST_TEST(holds(after.out, "\n  it waits for `wait` ("), after.out);
    const auto codes = document(w, {"why", "last", "after"}).at("reasons");
    BOOST_TEST(codes.at(0).at("code") == "not_carried");
    BOOST_TEST(codes.at(1).at("details").at("tasks").at(0) == "wait");
    BOOST_TEST(document(w, {"why", "last", "before"}).at("reasons").at(0).at("code") == "ended");
    BOOST_TEST(document(w, {"pools"}).as_array().empty());
    BOOST_TEST(run_potoo(w, {"pools", "few", "--slots", "7"}).code == 0);
    BOOST_TEST(document(w, {"pools", "few"}).at("slots") == 7);
    BOOST_TEST(document(w, {"pools", "few"}).at("resized") == true);
    BOOST_TEST(holds(run_potoo(w, {"pools", "many"}).err, "nobody has given it slots"));
    BOOST_TEST(run_potoo(w, {"cancel", "last"}).code == 0);
    BOOST_TEST(holds(run_potoo(w, {"why", "last", "after"}).out, "it is cancelled when one does"));
}

BOOST_AUTO_TEST_CASE(following_ends_with_a_signal_and_the_run_does_not)
{
    const workspace w;
    w.write("a.yaml", waiting_dag);
    program p(w, {"run", "a.yaml"});
    const std::string id = begun_run(p);
    BOOST_REQUIRE(p.wait_for("wait: running"));
    program watching(w, {"status", "-w"});
    BOOST_REQUIRE(watching.wait_for("state    running"));
    watching.signal(SIGINT);
    const result r = watching.finish();
    BOOST_TEST(r.code == 3);
    BOOST_TEST(holds(r.err, "SIGINT: the run goes on without this command. How it goes: potoo status " + id), r.err);
    BOOST_TEST(state_of(w, id) == "running");
    w.write("go", "");
    BOOST_TEST(p.finish().code == 0);
}

BOOST_AUTO_TEST_CASE(paused_run_starts_nothing_until_it_is_resumed)
{
    const workspace w;
    w.write("a.yaml", waiting_dag);
    program p(w, {"run", "a.yaml"});
    const std::string id = begun_run(p);
    BOOST_REQUIRE(p.wait_for("wait: running"));
    const result paused = run_potoo(w, {"pause", id});
    BOOST_TEST(paused.code == 0, paused.err);
    BOOST_TEST(holds(paused.err, "potoo resume " + id), paused.err);
    BOOST_TEST(holds(run_potoo(w, {"pause", "last"}).err, "was paused before; nothing has changed"));
    BOOST_TEST(state_of(w, id) == "paused");
    const result resumed = run_potoo(w, {"resume", id});
    BOOST_TEST(resumed.code == 0, resumed.err);
    BOOST_TEST(holds(resumed.err, "run " + id), resumed.err);
    BOOST_TEST(state_of(w, id) == "running");
    w.write("go", "");
    BOOST_TEST(p.finish().code == 0);
}

BOOST_AUTO_TEST_CASE(pause_without_an_engine_is_taken_back_by_resume)
{
    const workspace w;
    w.write("a.yaml", waiting_dag);
    const std::string id = stopped_run(w, "a.yaml");
    const result paused = run_potoo(w, {"pause", id});
    BOOST_TEST(paused.code == 0, paused.err);
    BOOST_TEST(state_of(w, id) == "paused");
    w.write("go", "");
    const result resumed = run_potoo(w, {"resume"});
    BOOST_TEST(resumed.code == 0, resumed.err);
    BOOST_TEST(state_of(w, id) == "success");
    const result late = run_potoo(w, {"pause", id});
    BOOST_TEST(late.code == 2);
    BOOST_TEST(holds(late.err, "success"), late.err);
}

BOOST_AUTO_TEST_CASE(retry_of_an_ended_run_is_carried_out_by_resume)
{
    const workspace w;
    w.write("a.yaml", mending_dag);
    BOOST_TEST(run_potoo(w, {"run", "a.yaml"}).code == 1);
    const std::string id = latest_run(w);
    const result nothing = run_potoo(w, {"retry", id, "--task", "bda"});
    BOOST_TEST(nothing.code == 2);
    BOOST_TEST(holds(nothing.err, "did you mean bad?"), nothing.err);
    w.write("good", "");
    const result r = run_potoo(w, {"retry", id});
    BOOST_TEST(r.code == 0, r.err);
    BOOST_TEST(holds(r.err, "potoo resume " + id), r.err);
    const result resumed = run_potoo(w, {"resume"});
    BOOST_TEST(resumed.code == 0, resumed.err);
    BOOST_TEST(state_of(w, id) == "success");
    const result logs = run_potoo(w, {"logs", id, "bad"});
    BOOST_TEST(holds(logs.out, "==> bad item 0 attempt 2 <=="), logs.out);
    BOOST_TEST(run_potoo(w, {"retry", id, "--failed"}).code == 2);
}

BOOST_AUTO_TEST_CASE(difference_of_two_runs_is_shown)
{
    const workspace w;
    w.write("a.yaml", mending_dag);
    BOOST_TEST(run_potoo(w, {"run", "a.yaml"}).code == 1);
    const std::string before = latest_run(w);
    w.write("good", "");
    BOOST_TEST(run_potoo(w, {"run", "a.yaml", "-p", "n=2"}).code == 0);
    const result r = run_potoo(w, {"diff", before, "last"});
    BOOST_TEST(r.code == 0, r.err);
    BOOST_TEST(holds(r.out, "\nparams "), r.out);
    BOOST_TEST(holds(r.out, "task bad"), r.out);
    BOOST_TEST(holds(r.out, "failed"), r.out);
    const result same = run_potoo(w, {"diff", "last", "last"});
    BOOST_TEST(same.out.empty());
    BOOST_TEST(holds(same.err, "do not differ"), same.err);
}

BOOST_AUTO_TEST_SUITE_END()
