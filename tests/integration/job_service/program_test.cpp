#include "tests/integration/job_service/running_service.hpp"

#include <boost/test/unit_test.hpp>
#include <fmt/format.h>

#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>

using namespace potoo;
using namespace potoo::test;

namespace {

bool exists(pid_t pid)
{
    return ::kill(pid, 0) == 0 || errno != ESRCH;
}

pid_t start_sleeping(service_connection& client)
{
    client.post("/jobs", {{"command", "trap '' TERM; echo $$; sleep 1000; sleep 1000"}});
    return std::stoi(client.get("/jobs/job-1/log?wait_ms=60000").text);
}

} // namespace

BOOST_AUTO_TEST_SUITE(program)

BOOST_AUTO_TEST_CASE(port_file_holds_the_port_when_the_service_listens)
{
    const auto path = std::filesystem::temp_directory_path() / fmt::format("job_service_test.{}.port", ::getpid());
    {
        running_service service({"--port-file", path.string()});
        std::ifstream file(path);
        std::uint16_t port = 0;
        file >> port;
        BOOST_TEST(port == service.port());
        BOOST_TEST(!std::filesystem::exists(path.string() + ".tmp"));
    }
    std::filesystem::remove(path);
}

BOOST_AUTO_TEST_CASE(termination_kills_what_runs)
{
    running_service service({"--grace-ms", "50"});
    service_connection client(service);
    const auto pid = start_sleeping(client);
    BOOST_TEST(exists(pid));
    BOOST_TEST(service.stop(SIGTERM) == 0);
    BOOST_TEST(!exists(pid));
}

BOOST_AUTO_TEST_CASE(second_interrupt_does_not_wait_for_the_grace)
{
    running_service service({"--grace-ms", "3600000"});
    service_connection client(service);
    const auto pid = start_sleeping(client);
    client.remove("/jobs/job-1");
    const auto refuses_connections = [&] {
        try {
            service_connection another(service);
            return false;
        } catch (const boost::system::system_error&) {
            return true;
        }
    };
    ::kill(service.pid(), SIGINT);
    BOOST_TEST(eventually(refuses_connections));
    BOOST_TEST(service.stop(SIGINT) == 0);
    BOOST_TEST(!exists(pid));
}

BOOST_AUTO_TEST_CASE(stopping_service_accepts_no_more_jobs)
{
    running_service service({"--grace-ms", "3600000"});
    service_connection client(service);
    start_sleeping(client);
    ::kill(service.pid(), SIGTERM);
    const json::value job{{"command", {"builtin:succeed", "1"}}};
    BOOST_TEST(eventually([&] { return client.post("/jobs", job).status == 503U; }));
    BOOST_TEST(service.stop(SIGTERM) == 0);
}

BOOST_AUTO_TEST_CASE(bad_usage_is_told_with_exit_code_2)
{
    const auto no_port = run_job_service({"--listen", "127.0.0.1"});
    BOOST_TEST(no_port.exit_code == 2);
    BOOST_TEST(no_port.err.find("expected address:port") != std::string::npos);
    const auto open_to_all = run_job_service({"--listen", "0.0.0.0:0"});
    BOOST_TEST(open_to_all.exit_code == 2);
    BOOST_TEST(open_to_all.err.find("--allow-remote") != std::string::npos);
    BOOST_TEST(run_job_service({"--slots", "0"}).exit_code == 2);
    BOOST_TEST(run_job_service({"--no-such-option"}).exit_code == 2);
}

BOOST_AUTO_TEST_CASE(taken_port_is_an_error)
{
    running_service service;
    const auto second = run_job_service({"--listen", fmt::format("127.0.0.1:{}", service.port())});
    BOOST_TEST(second.exit_code == 1);
    BOOST_TEST(second.err.find("Address already in use") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
