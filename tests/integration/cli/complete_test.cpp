// What tasks wait for, delivered from outside.
#include "stopped_runs.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include <sys/stat.h>

using namespace potoo::cli::test;

namespace {

constexpr const char* asking_dag = R"(name: asks
plugins: [)" CALLBACK_PLUGIN R"(]
tasks:
  ask: {operator: test_ask, with: {token_file: token}}
  then: {operator: shell, depends_on: [ask], with: {command: [echo, "got ${{ to_json(tasks.ask.output) }}"]}}
)";

/// What a task writes into the FIFO `token`; waits for it.
std::string token_of(const workspace& w)
{
    return w.read("token");
}

struct asking
{
    asking()
    {
        w.write("a.yaml", asking_dag);
        BOOST_REQUIRE(::mkfifo((w.path() / "token").c_str(), 0600) == 0);
    }

    /// Of a run whose engine was stopped while it waited.
    std::string stopped()
    {
        program p(w, {"run", "a.yaml"});
        const std::string token = token_of(w);
        BOOST_REQUIRE(p.wait_for("ask: running"));
        p.signal(SIGINT);
        BOOST_REQUIRE(p.finish().code == 3);
        return token;
    }

    std::string output()
    {
        const result r = run_potoo(w, {"status", "-o", "json"});
        const auto document = boost::json::parse(r.out);
        const auto& task = document.at("tasks").at(0).as_object();
        return task.contains("output") ? boost::json::serialize(task.at("output")) : "none";
    }

    workspace w;
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(complete, asking)

BOOST_AUTO_TEST_CASE(running_task_goes_on_with_what_was_delivered)
{
    program p(w, {"run", "a.yaml"});
    const std::string token = token_of(w);
    const result r = run_potoo(w, {"complete", token, "--output", R"({"ok": [1, null, "x"]})"});
    BOOST_TEST(r.code == 0, r.err);
    BOOST_TEST(holds(r.err, "goes on with it"), r.err);
    BOOST_TEST(p.finish().code == 0);
    BOOST_TEST(holds(run_potoo(w, {"logs", "last", "then"}).out, R"(got {"ok":[1,null,"x"]})"));
}

BOOST_AUTO_TEST_CASE(delivery_without_an_engine_is_handed_over_by_the_next)
{
    const std::string token = stopped();
    const result r = run_potoo(w, {"complete", token, "--output", "7"});
    BOOST_TEST(r.code == 0, r.err);
    BOOST_TEST(holds(r.err, "potoo resume"), r.err);
    BOOST_TEST(run_potoo(w, {"resume"}).code == 0);
    BOOST_TEST(output() == "7");
}

BOOST_AUTO_TEST_CASE(second_delivery_changes_nothing)
{
    const std::string token = stopped();
    BOOST_TEST(run_potoo(w, {"complete", token, "--output", "1"}).code == 0);
    const result again = run_potoo(w, {"complete", token, "--output", "2"});
    BOOST_TEST(again.code == 0);
    BOOST_TEST(holds(again.err, "the first answer counts: 1. Nothing has changed"), again.err);
    BOOST_TEST(holds(run_potoo(w, {"complete", token, "--output", "1"}).err, "with the same answer: nothing"));
    BOOST_TEST(run_potoo(w, {"resume"}).code == 0);
    BOOST_TEST(output() == "1");
    const result late = run_potoo(w, {"complete", token});
    BOOST_TEST(late.code == 0);
    BOOST_TEST(holds(late.err, "Nothing has changed"), late.err);
}

BOOST_AUTO_TEST_CASE(second_delivery_to_an_engine_whose_task_has_ended_changes_nothing)
{
    w.write("b.yaml", std::string(asking_dag) +
                          "  wait: {operator: file_sensor, depends_on: [then], with: {path: go, interval: 20ms}}\n");
    program p(w, {"run", "b.yaml"});
    const std::string token = token_of(w);
    BOOST_TEST(run_potoo(w, {"complete", token, "--output", "1"}).code == 0);
    BOOST_REQUIRE(p.wait_for("wait: running"));
    const result again = run_potoo(w, {"complete", token, "--output", "2"});
    BOOST_TEST(again.code == 0);
    BOOST_TEST(holds(again.err, "the first answer counts: 1"), again.err);
    w.write("go", "");
    BOOST_TEST(p.finish().code == 0);
}

BOOST_AUTO_TEST_CASE(failure_is_delivered_with_message_and_code)
{
    program p(w, {"run", "a.yaml"});
    const std::string token = token_of(w);
    BOOST_TEST(run_potoo(w, {"complete", token, "--error", "not this month", "--code", "rejected"}).code == 0);
    const result r = p.finish();
    BOOST_TEST(r.code == 1);
    BOOST_TEST(holds(r.err, "not this month"), r.err);
    BOOST_TEST(holds(run_potoo(w, {"status", "-o", "json"}).out, "\"code\":\"rejected\""));
}

BOOST_AUTO_TEST_CASE(delivery_comes_from_a_file_or_from_standard_input)
{
    w.write("answer.json", "{\"from\": \"file\"}\n");
    const std::string token = stopped();
    BOOST_TEST(run_potoo(w, {"complete", token, "--output-file", "answer.json"}).code == 0);
    BOOST_TEST(run_potoo(w, {"resume"}).code == 0);
    BOOST_TEST(output() == R"({"from":"file"})");
    const std::string next = stopped();
    start_options typed;
    typed.input = "\"typed\"";
    BOOST_TEST(run_potoo(w, {"complete", next, "--output-file", "-"}, typed).code == 0);
    BOOST_TEST(run_potoo(w, {"resume"}).code == 0);
    BOOST_TEST(output() == "\"typed\"");
}

BOOST_AUTO_TEST_CASE(bad_json_is_refused_with_its_place)
{
    const std::string token = stopped();
    const result r = run_potoo(w, {"complete", token, "--output", "{\"a\": yes}"});
    BOOST_TEST(r.code == 2);
    BOOST_TEST(holds(r.err, "--output:1:"), r.err);
    w.write("answer.json", "[1,\n 2,,]\n");
    const result file = run_potoo(w, {"complete", token, "--output-file", "answer.json"});
    BOOST_TEST(file.code == 2);
    BOOST_TEST(holds(file.err, "answer.json:2:"), file.err);
    BOOST_TEST(run_potoo(w, {"complete", token, "--output", "1", "--error", "x"}).code == 2);
    BOOST_TEST(run_potoo(w, {"complete", token, "--code", "x"}).code == 2);
}

BOOST_AUTO_TEST_CASE(token_that_nobody_waits_for_is_refused)
{
    const std::string token = stopped();
    const result unknown = run_potoo(w, {"complete", token.substr(0, token.size() - 1) + "!"});
    BOOST_TEST(unknown.code == 2);
    BOOST_TEST(holds(unknown.err, "waits for that token"), unknown.err);
    BOOST_TEST(run_potoo(w, {"complete", "nonsense"}).code == 2);
    BOOST_TEST(run_potoo(w, {"cancel", "last"}).code == 0);
    BOOST_TEST(run_potoo(w, {"resume"}).code == 3);
    const result late = run_potoo(w, {"complete", token});
    BOOST_TEST(late.code == 2);
    BOOST_TEST(holds(late.err, "has ended"), late.err);
}

BOOST_AUTO_TEST_SUITE_END()
