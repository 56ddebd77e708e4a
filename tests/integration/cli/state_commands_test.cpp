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
