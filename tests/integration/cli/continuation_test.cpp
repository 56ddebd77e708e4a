// A new run in a state directory that holds runs from before.
#include "stopped_runs.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

using namespace potoo::cli::test;

namespace {

std::string state_of(const workspace& w, const std::string& run)
{
    return std::string(boost::json::parse(run_potoo(w, {"status", run, "-o", "json"}).out).at("state").as_string());
}

} // namespace

BOOST_AUTO_TEST_SUITE(continuation)

BOOST_AUTO_TEST_CASE(new_run_goes_on_with_those_before)
{
    const workspace w;
    w.write("a.yaml", waiting_dag);
    w.write("b.yaml", "name: brief\ntasks: {f: {operator: shell, with: {command: exit 3}}}\n");
    const std::string id = stopped_run(w, "a.yaml");
    w.write("go", "");
    const result r = run_potoo(w, {"run", "b.yaml"});
    // Its own run has failed; the other has not.
    BOOST_TEST(r.code == 1);
    BOOST_TEST(holds(r.err, "going on with run " + id + " of waits (begun 0:"), r.err);
    BOOST_TEST(state_of(w, id) == "success");
    BOOST_TEST(w.read("done") == "once\nafter\n");
}

BOOST_AUTO_TEST_CASE(exit_code_is_that_of_the_run_that_was_asked_for)
{
    const workspace w;
    w.write("a.yaml", "name: fails\ntasks: {wait: {operator: file_sensor, with: {path: go, interval: 20ms}},"
                      " f: {operator: shell, depends_on: [wait], with: {command: exit 3}}}\n");
    w.write("b.yaml", "name: brief\ntasks: {a: {operator: noop}}\n");
    const std::string id = stopped_run(w, "a.yaml");
    program p(w, {"run", "b.yaml"});
    BOOST_REQUIRE(p.wait_for("a run from before is still going on"));
    w.write("go", "");
    const result r = p.finish();
    BOOST_TEST(r.code == 0, r.err);
    BOOST_TEST(state_of(w, id) == "failed");
}

BOOST_AUTO_TEST_CASE(only_leaves_those_before_alone)
{
    const workspace w;
    w.write("a.yaml", waiting_dag);
    w.write("b.yaml", "tasks: {a: {operator: noop}}\n");
    const std::string id = stopped_run(w, "a.yaml");
    w.write("go", "");
    const result r = run_potoo(w, {"run", "b.yaml", "--only"});
    BOOST_TEST(r.code == 0, r.err);
    BOOST_TEST(holds(r.err, "1 run from before is left alone: potoo resume"), r.err);
    BOOST_TEST(state_of(w, id) == "running");
}

BOOST_AUTO_TEST_CASE(requests_about_a_run_that_is_left_alone_are_recorded)
{
    const workspace w;
    w.write("a.yaml", waiting_dag);
    const std::string id = stopped_run(w, "a.yaml");
    program p(w, {"run", "a.yaml", "--only"});
    BOOST_REQUIRE(p.wait_for("wait: running"));
    const result r = run_potoo(w, {"cancel", id});
    BOOST_TEST(r.code == 0, r.err);
    BOOST_TEST(holds(r.err, "potoo resume " + id), r.err);
    BOOST_TEST(holds(run_potoo(w, {"cancel", id}).err, "nothing has changed"));
    w.write("go", "");
    BOOST_TEST(p.finish().code == 0);
    BOOST_TEST(run_potoo(w, {"resume"}).code == 3);
    BOOST_TEST(state_of(w, id) == "cancelled");
}

BOOST_AUTO_TEST_CASE(resume_of_one_run_leaves_the_others_alone)
{
    const workspace w;
    w.write("a.yaml", waiting_dag);
    const std::string first = stopped_run(w, "a.yaml");
    const std::string second = stopped_run(w, "a.yaml");
    w.write("go", "");
    BOOST_TEST(run_potoo(w, {"resume", first}).code == 0);
    BOOST_TEST(state_of(w, first) == "success");
    BOOST_TEST(state_of(w, second) == "running");
}

BOOST_AUTO_TEST_CASE(run_that_cannot_go_on_hinders_no_other)
{
    const workspace w;
    w.write("a.yaml", waiting_dag);
    w.write("secret.yaml", "name: secretive\nsecrets: {s: {file: s.txt}}\n"
                           "tasks: {wait: {operator: file_sensor, with: {path: go, interval: 20ms}}}\n");
    w.write("s.txt", "unspoken");
    const std::string secretive = stopped_run(w, "secret.yaml");
    std::filesystem::copy_file(CALLBACK_PLUGIN, w.path() / "plugin.so");
    w.write("plugged.yaml", "name: plugged\nplugins: [plugin.so]\n"
                            "tasks: {wait: {operator: file_sensor, with: {path: go, interval: 20ms}}, ask: "
                            "{operator: test_ask, depends_on: [wait], with: {token_file: token}}}\n");
    const std::string plugged = stopped_run(w, "plugged.yaml");
    const std::string good = stopped_run(w, "a.yaml");
    std::filesystem::remove(w.path() / "s.txt");
    std::filesystem::remove(w.path() / "plugin.so");
    w.write("go", "");
    w.write("b.yaml", "tasks: {a: {operator: noop}}\n");
    const result beside = run_potoo(w, {"run", "b.yaml"});
    BOOST_TEST(beside.code == 0, beside.err);
    BOOST_TEST(holds(beside.err, "run " + plugged + " of plugged cannot go on"), beside.err);
    BOOST_TEST(holds(beside.err, "run " + secretive + " of secretive cannot go on"), beside.err);
    BOOST_TEST(state_of(w, good) == "success");
    BOOST_TEST(state_of(w, secretive) == "running");
    BOOST_TEST(state_of(w, plugged) == "running");
    w.write("s.txt", "unspoken");
    const result resumed = run_potoo(w, {"resume"});
    BOOST_TEST(resumed.code == 2, resumed.err);
    BOOST_TEST(state_of(w, secretive) == "success");
    BOOST_TEST(state_of(w, plugged) == "running");
}

BOOST_AUTO_TEST_CASE(plugin_that_was_moved_can_be_given_under_another_name)
{
    const workspace w;
    std::filesystem::copy_file(CALLBACK_PLUGIN, w.path() / "plugin.so");
    w.write("a.yaml", "name: plugged\nplugins: [plugin.so]\n"
                      "tasks: {wait: {operator: file_sensor, with: {path: go, interval: 20ms}}, ask: "
                      "{operator: test_ask, depends_on: [wait], with: {token_file: token}}}\n");
    const std::string id = stopped_run(w, "a.yaml");
    std::filesystem::rename(w.path() / "plugin.so", w.path() / "other.so");
    BOOST_TEST(run_potoo(w, {"cancel", id}).code == 0);
    const result without = run_potoo(w, {"resume"});
    BOOST_TEST(without.code == 2);
    BOOST_TEST(holds(without.err, "can be given with --plugin"), without.err);
    BOOST_TEST(run_potoo(w, {"resume", "--plugin", "./other.so"}).code == 3);
    BOOST_TEST(state_of(w, id) == "cancelled");
}

BOOST_AUTO_TEST_CASE(overlap_cancels_the_run_from_before)
{
    const workspace w;
    w.write("a.yaml", std::string("schedule: \"0 2 * * *\"\noverlap: cancel_running\n") + waiting_dag);
    const std::string first = stopped_run(w, "a.yaml");
    program p(w, {"run", "a.yaml"});
    BOOST_REQUIRE(p.wait_for(" started, "));
    BOOST_TEST(state_of(w, first) == "cancelled");
    w.write("go", "");
    BOOST_TEST(p.finish().code == 0);
    BOOST_TEST(w.read("done") == "once\nonce\nafter\n");
}

BOOST_AUTO_TEST_SUITE_END()
