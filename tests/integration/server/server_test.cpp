// A server as its users have it: the program, its folder, and HTTP.

#include "tests/integration/server/served.hpp"

#include <boost/test/unit_test.hpp>

#include <csignal>

using namespace potoo;
using namespace potoo::server::test;
using potoo::cli::test::run_potoo;
using potoo::cli::test::workspace;

namespace {

constexpr std::string_view greet = R"(
params: {who: {type: string, default: world}}
tasks:
  greet:
    operator: shell
    with: {command: "echo hello ${{ params.who }}"}
)";

/// Waits for somebody.
constexpr std::string_view patient = R"(
tasks:
  wait:
    operator: shell
    with: {command: [sh, -c, "until [ -e go ]; do sleep 0.05; done"]}
)";

std::string run_of(const answer& a)
{
    BOOST_TEST_REQUIRE(a.status == 201u, a.body);
    return std::string(a.document().at("run").as_string());
}

void check_state(const served& s, const std::string& run, std::string_view state)
{
    const auto document = s.get("/api/v1/runs/" + run).document();
    BOOST_TEST(document.at("state").as_string() == json::string_view(state.data(), state.size()));
}

} // namespace

BOOST_AUTO_TEST_SUITE(whole_server)

BOOST_AUTO_TEST_CASE(a_dag_of_the_folder_is_triggered_and_its_end_is_an_event)
{
    const workspace here;
    here.write("dags/greet.yaml", greet);
    served s(here);
    BOOST_TEST(s.get("/healthz").status == 200u);
    BOOST_TEST(s.get("/readyz").status == 200u);
    const std::string run = run_of(s.post("/api/v1/dags/greet/runs", R"({"params": {"who": "moon"}})"));
    const auto events = s.events_until("run_ended", run);
    BOOST_TEST(events.back().at("state").as_string() == "success");
    check_state(s, run, "success");
    const auto log = s.get("/api/v1/runs/" + run + "/logs?task=greet");
    BOOST_TEST(log.body.find("hello moon") != std::string::npos, log.body);
    const auto end = s.stop();
    BOOST_TEST(end.code == 0, end.err);
}

BOOST_AUTO_TEST_CASE(a_server_that_was_killed_goes_on_with_its_runs)
{
    const workspace here;
    here.write("dags/patient.yaml", patient);
    std::string run;
    std::string cursor;
    {
        served s(here);
        run = run_of(s.post("/api/v1/dags/patient/runs"));
        const auto events = s.events_until("attempt_started", run);
        cursor = std::to_string(events.back().at("seq").to_number<std::int64_t>());
        s.kill();
    }
    here.write("go", "");
    served s(here);
    const auto events = s.events_until("run_ended", run, cursor);
    BOOST_TEST(events.front().at("type").as_string() != "run_created");
    BOOST_TEST(events.back().at("state").as_string() == "success");
    check_state(s, run, "success");
}

BOOST_AUTO_TEST_CASE(a_server_that_is_told_to_stop_leaves_its_runs_to_the_next)
{
    const workspace here;
    here.write("dags/patient.yaml", patient);
    std::string run;
    {
        served s(here);
        run = run_of(s.post("/api/v1/dags/patient/runs"));
        static_cast<void>(s.events_until("attempt_started", run));
        const auto end = s.stop();
        BOOST_TEST(end.code == 0, end.err);
    }
    here.write("go", "");
    served s(here);
    static_cast<void>(s.events_until("run_ended", run));
    check_state(s, run, "success");
}

BOOST_AUTO_TEST_CASE(commands_on_the_state_directory_reach_the_server)
{
    const workspace here;
    here.write("dags/patient.yaml", patient);
    served s(here);
    const std::string run = run_of(s.post("/api/v1/dags/patient/runs"));
    static_cast<void>(s.events_until("attempt_started", run));
    const auto cancelled = run_potoo(here, {"cancel", run, "--state", "state"});
    BOOST_TEST(cancelled.code == 0, cancelled.err);
    static_cast<void>(s.events_until("run_ended", run));
    check_state(s, run, "cancelled");
}

BOOST_AUTO_TEST_CASE(a_second_server_on_the_same_state_is_refused)
{
    const workspace here;
    here.write("dags/greet.yaml", greet);
    served s(here);
    const auto second = run_potoo(here, {"server", "--dags", "dags", "--state", "state", "--listen", "127.0.0.1:0"});
    BOOST_TEST(second.code == 4, second.err);
    BOOST_TEST(second.err.find("state") != std::string::npos, second.err);
}

BOOST_AUTO_TEST_CASE(an_address_for_others_needs_tls_and_tokens)
{
    const workspace here;
    here.write("dags/greet.yaml", greet);
    const auto open = run_potoo(here, {"server", "--dags", "dags", "--state", "state", "--listen", "0.0.0.0:0"});
    BOOST_TEST(open.code == 2, open.err);
    BOOST_TEST(open.err.find("--behind-proxy") != std::string::npos, open.err);
    const auto nobody =
        run_potoo(here, {"server", "--dags", "dags", "--state", "state", "--listen", "0.0.0.0:0", "--behind-proxy"});
    BOOST_TEST(nobody.code == 2, nobody.err);
    BOOST_TEST(nobody.err.find("potoo token create --role admin") != std::string::npos, nobody.err);
}

BOOST_AUTO_TEST_CASE(an_address_that_is_taken_is_told)
{
    const workspace here;
    here.write("dags/greet.yaml", greet);
    served s(here);
    const workspace other;
    other.write("dags/greet.yaml", greet);
    const auto second = run_potoo(other, {"server", "--dags", "dags", "--listen", s.address()});
    BOOST_TEST(second.code != 0);
    BOOST_TEST(second.err.find(s.address()) != std::string::npos, second.err);
}

BOOST_AUTO_TEST_CASE(a_changed_file_counts_for_the_next_run_after_a_hangup)
{
    const workspace here;
    here.write("dags/greet.yaml", greet);
    served s(here);
    here.write("dags/other.yaml", patient);
    s.program().signal(SIGHUP);
    BOOST_TEST(s.program().wait_for("other.yaml"));
    BOOST_TEST(s.get("/api/v1/dags/other").status == 200u);
}

BOOST_AUTO_TEST_SUITE_END()
