// A server as its users have it: the program, its folder, and HTTP.

#include "tests/integration/net/certificates.hpp"
#include "tests/integration/server/served.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/websocket.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <thread>

#include <sys/resource.h>

using namespace potoo;
using namespace potoo::server::test;
using potoo::cli::test::program;
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

/// Calls itself back.
constexpr std::string_view answers_itself = R"(
tasks:
  ask:
    operator: callback
    with:
      start: {method: POST, url: "${{ callback.url }}", body: {state: success}}
)";

using boost::asio::ip::tcp;

tcp::endpoint endpoint_of(const std::string& address)
{
    const auto colon = address.rfind(':');
    return {boost::asio::ip::make_address(address.substr(0, colon)),
            static_cast<unsigned short>(std::stoi(address.substr(colon + 1)))};
}

/// Of this process, and of programs that it starts meanwhile.
class few_descriptors
{
  public:
    explicit few_descriptors(rlim_t soft)
    {
        ::getrlimit(RLIMIT_NOFILE, &before_);
        const rlimit lowered{soft, before_.rlim_max};
        ::setrlimit(RLIMIT_NOFILE, &lowered);
    }

    ~few_descriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }

    few_descriptors(const few_descriptors&) = delete;
    few_descriptors& operator=(const few_descriptors&) = delete;

    [[nodiscard]] rlim_t hard() const noexcept { return before_.rlim_max; }

  private:
    rlimit before_{};
};

rlim_t descriptors_of(pid_t process)
{
    rlimit limit{};
    BOOST_TEST_REQUIRE(::prlimit(process, RLIMIT_NOFILE, nullptr, &limit) == 0);
    return limit.rlim_cur;
}

void copy_certificate(const workspace& to)
{
    for (const char* name : {"server.pem", "server.key"})
        std::filesystem::copy_file(potoo::test::shared_certificates().file(name), to.path() / name);
}

std::string run_of(const answer& a)
{
    BOOST_TEST_REQUIRE(a.status == 201u, a.body);
    return std::string(a.document().at("run").as_string());
}

/// `127.0.0.1:PORT` of what a server says when it listens.
std::string address_in(const std::string& told)
{
    const auto begin = told.find("127.0.0.1:");
    return told.substr(begin, told.find_first_not_of(".:0123456789", begin) - begin);
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

BOOST_AUTO_TEST_CASE(a_run_that_is_retried_on_the_state_directory_is_carried)
{
    const workspace here;
    here.write("dags/fails.yaml", "tasks: {break: {operator: shell, with: {command: \"exit 3\"}}}\n");
    served s(here);
    const std::string run = run_of(s.post("/api/v1/dags/fails/runs"));
    const auto first = s.events_until("run_ended", run);
    const auto retried = run_potoo(here, {"retry", run, "--state", "state"});
    BOOST_TEST(retried.code == 0, retried.err);
    const auto cursor = std::to_string(first.back().at("seq").to_number<std::int64_t>());
    static_cast<void>(s.events_until("run_ended", run, cursor));
    check_state(s, run, "failed");
}

BOOST_AUTO_TEST_CASE(the_configuration_of_the_state_directory_counts_for_a_server_too)
{
    const workspace here;
    here.write("dags/greet.yaml", greet);
    here.write("state/config.yaml", "keep_runs: 1\n");
    served s(here);
    for (int i = 0; i < 3; ++i)
        static_cast<void>(s.events_until("run_ended", run_of(s.post("/api/v1/dags/greet/runs"))));
    while (s.get("/api/v1/runs").document().at("items").as_array().size() > 1) {
        // What is old is removed a piece at a time.
    }
    BOOST_TEST(s.get("/api/v1/runs").document().at("items").as_array().size() == 1u);
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
    BOOST_TEST(second.code == 2);
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

BOOST_AUTO_TEST_CASE(what_is_wrong_and_stops_nothing_is_a_warning)
{
    const workspace here;
    here.write("potoo.yaml", "users_may_submit: [htp]\n");
    here.write("dags/needs.yaml", "schedule: '@daily'\nparams: {who: {type: string}}\ntasks: {a: {operator: noop}}\n");
    served s(here);
    BOOST_TEST(s.program().wait_for("warning `users_may_submit` names `htp`"));
    BOOST_TEST(s.program().wait_for("warning schedule of `needs`: the DAG cannot begin"));
    here.write("potoo.yaml", "users_may_submit: [sleeep]\n");
    s.program().signal(SIGHUP);
    BOOST_TEST(s.program().wait_for("did you mean `sleep`?"));
}

BOOST_AUTO_TEST_CASE(secrets_and_connections_of_the_configuration_are_for_all_dags_and_tasks)
{
    const workspace here;
    here.write("key", "first-value\n");
    here.write("potoo.yaml", "secrets: {key: {file: key}}\n"
                             "connections: {jobs: {type: http_job, url: \"http://127.0.0.1:1/${{ secrets.key }}\"}}\n");
    here.write("dags/uses.yaml", "tasks: {a: {operator: shell, env: {KEY: \"${{ secrets.key }}\"}, "
                                 "with: {command: 'echo $KEY > used'}}}\n");
    BOOST_TEST(run_potoo(here, {"validate", "dags/uses.yaml"}).code == 0);
    served s(here);
    static_cast<void>(s.events_until("run_ended", run_of(s.post("/api/v1/dags/uses/runs"))));
    BOOST_TEST(here.read("used") == "first-value\n");
    here.write("key", "second-value\n");
    here.write("potoo.yaml", "secrets: {key: {file: key}, more: {file: key}}\n");
    here.write("dags/more.yaml", "tasks: {a: {operator: shell, env: {KEY: \"${{ secrets.more }}\"}, "
                                 "with: {command: 'echo $KEY > used'}}}\n");
    s.program().signal(SIGHUP);
    BOOST_TEST(s.program().wait_for("DAG `more` loaded"));
    static_cast<void>(s.events_until("run_ended", run_of(s.post("/api/v1/dags/more/runs"))));
    BOOST_TEST(here.read("used") == "second-value\n");
}

BOOST_AUTO_TEST_CASE(a_secret_that_cannot_be_had_keeps_a_server_from_starting_and_a_hangup_from_counting)
{
    const workspace here;
    here.write("dags/greet.yaml", greet);
    here.write("potoo.yaml", "secrets: {key: {file: gone}}\n");
    const auto refused = run_potoo(here, {"server", "--state", "state", "--listen", "127.0.0.1:0"});
    BOOST_TEST(refused.code == 2, refused.err);
    BOOST_TEST(refused.err.find("there is no file for the secret `key`:") != std::string::npos, refused.err);
    here.write("potoo.yaml", "secrets: {key: {env: POTOO_TEST_NO_SUCH_VARIABLE}}\n");
    const auto unset = run_potoo(here, {"server", "--state", "state", "--listen", "127.0.0.1:0"});
    BOOST_TEST(unset.code == 2, unset.err);
    BOOST_TEST(unset.err.find("the configuration's secret `key`: the environment variable") != std::string::npos,
               unset.err);
    here.write("potoo.yaml", "");
    served s(here);
    here.write("potoo.yaml", "secrets: {key: {file: gone}}\n");
    s.program().signal(SIGHUP);
    BOOST_TEST(s.program().wait_for("the configuration stays as it was: the configuration's secret `key`"));
    BOOST_TEST(s.get("/readyz").status == 200u);
    std::filesystem::remove(here.path() / "potoo.yaml");
    s.program().signal(SIGHUP);
    BOOST_TEST(s.program().wait_for("the configuration stays as it was: potoo.yaml: error: there is no such file"));
}

BOOST_AUTO_TEST_CASE(an_event_stream_ends_with_a_last_message_when_the_server_stops)
{
    const workspace here;
    here.write("dags/greet.yaml", greet);
    served s(here);
    boost::asio::io_context context;
    tcp::socket client(context);
    client.connect(endpoint_of(s.address()));
    const std::string request = "GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n";
    boost::asio::write(client, boost::asio::buffer(request));
    std::string text;
    boost::asio::read_until(client, boost::asio::dynamic_buffer(text), "data:");
    const auto end = s.stop();
    BOOST_TEST(end.code == 0, end.err);
    boost::system::error_code ec;
    boost::asio::read(client, boost::asio::dynamic_buffer(text), ec);
    BOOST_CHECK(ec == boost::asio::error::eof);
    BOOST_TEST(text.find(R"("reason":"stopping")") != std::string::npos, text);
    BOOST_TEST(text.ends_with("\r\n0\r\n\r\n"), text);
}

BOOST_AUTO_TEST_CASE(a_websocket_ends_with_a_last_message_when_the_server_stops)
{
    namespace websocket = boost::beast::websocket;
    const workspace here;
    here.write("dags/greet.yaml", greet);
    served s(here);
    boost::asio::io_context context;
    websocket::stream<tcp::socket> client(context);
    client.next_layer().connect(endpoint_of(s.address()));
    client.handshake("localhost", "/api/v1/events");
    boost::beast::flat_buffer first;
    client.read(first);
    s.program().signal(SIGTERM);
    boost::beast::flat_buffer last;
    client.read(last);
    const std::string text(static_cast<const char*>(last.data().data()), last.size());
    BOOST_TEST(text.find(R"("reason":"stopping")") != std::string::npos, text);
    boost::system::error_code ec;
    client.read(last, ec);
    BOOST_CHECK(ec == websocket::error::closed);
    BOOST_TEST(client.reason().code == 1001u);
    BOOST_TEST(s.program().finish().code == 0);
}

BOOST_AUTO_TEST_CASE(a_callback_reaches_the_server_where_it_listens)
{
    const workspace here;
    here.write("dags/itself.yaml", answers_itself);
    served s(here);
    const std::string run = run_of(s.post("/api/v1/dags/itself/runs"));
    const auto events = s.events_until("run_ended", run);
    BOOST_TEST(events.back().at("state").as_string() == "success", json::serialize(events.back()));
}

BOOST_AUTO_TEST_CASE(callbacks_without_an_address_are_told_of)
{
    const workspace here;
    here.write("dags/greet.yaml", greet);
    const auto made = run_potoo(here, {"token", "create", "ann", "--role", "admin", "--state", "state"});
    BOOST_TEST_REQUIRE(made.code == 0, made.err);
    program everywhere(here, {"server", "--state", "state", "--listen", "0.0.0.0:0", "--behind-proxy"});
    BOOST_TEST(everywhere.wait_for("the URLs of callbacks are without a host"));
}

BOOST_AUTO_TEST_CASE(as_many_files_may_be_open_as_the_system_allows)
{
    const workspace here;
    here.write("dags/greet.yaml", greet);
    const few_descriptors here_are(512);
    served s(here);
    BOOST_TEST(descriptors_of(s.program().pid()) == std::min<rlim_t>(here_are.hard(), 65'536));
}

BOOST_AUTO_TEST_CASE(connections_beyond_what_the_system_allows_are_told_of)
{
    const workspace here;
    here.write("dags/greet.yaml", greet);
    here.write("potoo.yaml", "max_connections: 4000000000\n");
    served s(here, {"--config", "potoo.yaml"});
    BOOST_TEST(s.program().told().find("connections are taken instead of 4000000000") != std::string::npos,
               s.program().told());
}

BOOST_AUTO_TEST_CASE(a_page_of_a_listed_origin_may_ask)
{
    const workspace here;
    here.write("dags/greet.yaml", greet);
    here.write("potoo.yaml", "origins: https://app.example.org\n");
    served s(here, {"--config", "potoo.yaml"});
    const auto status_for = [&](const std::string& origin) {
        boost::asio::io_context context;
        tcp::socket client(context);
        client.connect(endpoint_of(s.address()));
        const std::string request =
            "GET /api/v1/dags HTTP/1.1\r\nHost: localhost\r\nOrigin: " + origin + "\r\nConnection: close\r\n\r\n";
        boost::asio::write(client, boost::asio::buffer(request));
        std::string head;
        boost::asio::read_until(client, boost::asio::dynamic_buffer(head), "\r\n");
        return head.substr(9, 3);
    };
    BOOST_TEST(status_for("https://app.example.org") == "200");
    BOOST_TEST(status_for("https://other.example.org") == "403");
}

BOOST_AUTO_TEST_CASE(a_bad_certificate_leaves_the_configuration_as_it_was)
{
    const std::string settings = "listen: 127.0.0.1:0\nstate: state\ntls: {certificate: server.pem, key: server.key}\n";
    const workspace here;
    here.write("dags/greet.yaml", greet);
    const auto ran = run_potoo(here, {"run", "dags/greet.yaml", "--state", "state"});
    BOOST_TEST_REQUIRE(ran.code == 0, ran.err);
    copy_certificate(here);
    here.write("potoo.yaml", settings + "keep_runs: 5\n");
    program server(here, {"server", "--config", "potoo.yaml"});
    BOOST_TEST_REQUIRE(server.wait_for("ready"));
    here.write("potoo.yaml", settings + "keep_runs: 0\n");
    here.write("server.pem", "nonsense");
    server.signal(SIGHUP);
    BOOST_TEST(server.wait_for("the configuration stays as it was"));
    server.signal(SIGTERM);
    BOOST_TEST(server.finish().code == 0);
    const auto left = run_potoo(here, {"ls", "--state", "state"});
    BOOST_TEST(left.out.find("greet") != std::string::npos, left.out << left.err);
}

BOOST_AUTO_TEST_CASE(a_hangup_during_the_start_waits_for_it)
{
    const workspace here;
    here.write("dags/greet.yaml", greet);
    {
        served s(here);
        BOOST_TEST(s.post("/api/v1/dags/greet/pause").status == 200u);
    }
    here.write("potoo.yaml", "listen: 127.0.0.1:0\nstate: state\nsecrets: {slow: {command: [sh, -c, "
                             "\"touch begun; until [ -e go ]; do sleep 0.02; done; echo value\"]}}\n");
    program server(here, {"server"});
    while (!here.has("begun"))
        std::this_thread::yield();
    server.signal(SIGHUP);
    BOOST_TEST(server.wait_for("SIGHUP"));
    here.write("go", "");
    BOOST_TEST(server.wait_for("what was read counts from now on"));
    const auto paused = run_potoo(here, {"ls", "--dags", "--server", "http://" + address_in(server.told())});
    BOOST_TEST(paused.out.find("paused") != std::string::npos, paused.out << paused.err);
    server.signal(SIGTERM);
    BOOST_TEST(server.finish().code == 0);
}

BOOST_AUTO_TEST_SUITE_END()
