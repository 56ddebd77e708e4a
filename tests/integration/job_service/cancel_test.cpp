#include "tests/integration/job_service/running_service.hpp"

#include <boost/test/unit_test.hpp>
#include <fmt/format.h>

using namespace potoo;
using namespace potoo::test;

namespace {

struct one_slot
{
    running_service service{{"--slots", "1", "--grace-ms", "100"}};
    service_connection client{service};

    reply submit(std::string_view line) { return client.post("/jobs", {{"command", line}}); }

    reply ended(std::string_view id) { return client.get(fmt::format("/jobs/{}?wait_ms=60000", id)); }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(cancelling, one_slot)

BOOST_AUTO_TEST_CASE(queued_job_is_cancelled_at_once)
{
    submit("sleep 1000");
    submit("echo never");
    const auto cancelled = client.remove("/jobs/job-2");
    BOOST_TEST(cancelled.status == 200U);
    BOOST_TEST(cancelled.string_at("state") == "CANCELLED");
    BOOST_TEST(cancelled.at("exit_code").is_null());
    client.remove("/jobs/job-1");
    ended("job-1");
    BOOST_TEST(client.get("/jobs/job-2/log").text.empty());
}

BOOST_AUTO_TEST_CASE(running_job_is_cancelled_when_it_has_really_ended)
{
    submit("trap 'echo cleaned up; exit 0' TERM; echo ready; while :; do sleep 0.01; done");
    client.get("/jobs/job-1/log?wait_ms=60000");
    const auto asked = client.remove("/jobs/job-1");
    BOOST_TEST(asked.status == 202U);
    BOOST_TEST(asked.string_at("state") == "RUNNING");
    BOOST_TEST(asked.at("cancel_requested").as_bool());
    const auto cancelled = ended("job-1");
    BOOST_TEST(cancelled.string_at("state") == "CANCELLED");
    BOOST_TEST(cancelled.at("exit_code").as_int64() == 0);
    BOOST_TEST(client.get("/jobs/job-1/log").text.ends_with("cleaned up\n"));
}

BOOST_AUTO_TEST_CASE(job_that_ignores_term_is_killed_after_the_grace)
{
    submit("trap '' TERM; echo ready; sleep 1000; sleep 1000");
    client.get("/jobs/job-1/log?wait_ms=60000");
    client.remove("/jobs/job-1");
    const auto cancelled = ended("job-1");
    BOOST_TEST(cancelled.string_at("state") == "CANCELLED");
    BOOST_TEST(cancelled.at("error").at("signal").as_string() == "SIGKILL");
}

BOOST_AUTO_TEST_CASE(cancelling_twice_is_the_same_as_once)
{
    submit("sleep 1000");
    client.remove("/jobs/job-1");
    const auto again = client.remove("/jobs/job-1");
    BOOST_TEST((again.status == 202U || again.status == 200U));
    ended("job-1");
    const auto after_the_end = client.remove("/jobs/job-1");
    BOOST_TEST(after_the_end.status == 200U);
    BOOST_TEST(after_the_end.string_at("state") == "CANCELLED");
}

BOOST_AUTO_TEST_CASE(ended_job_is_not_cancelled_any_more)
{
    submit("true");
    ended("job-1");
    const auto refused = client.remove("/jobs/job-1");
    BOOST_TEST(refused.status == 409U);
    BOOST_TEST(refused.string_at("state") == "SUCCEEDED");
    BOOST_TEST(refused.at("job").at("id").as_string() == "job-1");
    BOOST_TEST(client.get("/jobs/job-1").string_at("state") == "SUCCEEDED");
}

BOOST_AUTO_TEST_CASE(builtin_job_is_cancelled_at_once)
{
    client.post("/jobs", {{"command", {"builtin:sleep", "1000"}}});
    BOOST_TEST(client.remove("/jobs/job-1").string_at("state") == "CANCELLED");
}

BOOST_AUTO_TEST_CASE(whole_process_group_is_cancelled)
{
    submit("sh -c 'echo $$; exec sleep 1000' & wait");
    const auto inner = std::stoi(client.get("/jobs/job-1/log?wait_ms=60000").text);
    client.remove("/jobs/job-1");
    ended("job-1");
    const auto state_of_inner = [&] {
        const auto id =
            submit(fmt::format("cut -d ' ' -f 3 /proc/{}/stat 2>/dev/null || echo gone", inner)).string_at("id");
        return ended(id).string_at("result");
    };
    BOOST_TEST(eventually([&] { return state_of_inner() != "S"; }));
}

BOOST_AUTO_TEST_CASE(cancelling_the_unknown_is_not_found)
{
    BOOST_TEST(client.remove("/jobs/job-7").status == 404U);
}

BOOST_AUTO_TEST_SUITE_END()
