// The client against the example job service and its faults.

#include "tests/integration/job_service/running_service.hpp"
#include "tests/integration/net/client_fixture.hpp"

#include <csignal>
#include <list>

using namespace potoo;
using namespace potoo::test;

namespace {

struct with_service : client_fixture
{
    running_service service;

    with_service() : client_fixture(options()) {}

    static http_options options()
    {
        http_options o;
        o.connections_per_origin = 4;
        return o;
    }

    std::string url(std::string_view target) const { return service.url() + std::string(target); }

    void faults(const json::value& switches) { service_connection(service).put("/faults", switches); }

    http_result submit(steady_time deadline = steady_time::max())
    {
        http_request r = request_to(url("/jobs"), "POST", R"({"command": ["builtin:succeed", "1"], "token": "t"})");
        r.deadline = deadline;
        return send(r);
    }

    std::size_t accepted()
    {
        const auto reply = service_connection(service).get("/jobs?token=t");
        return reply.at("jobs").as_array().size();
    }

    std::int64_t connections_seen()
    {
        const json::value stats = service_connection(service).get("/stats").body();
        return stats.at("connections").at("accepted").as_int64();
    }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(against_the_job_service, with_service)

BOOST_AUTO_TEST_CASE(job_is_submitted_and_watched_over_one_connection)
{
    const auto submitted = submit();
    BOOST_TEST_REQUIRE(submitted.has_value());
    BOOST_TEST(submitted->status == 201u);
    const std::string id(json::parse(submitted->body).at("id").as_string());
    for (int i = 0; i < 20; ++i)
        BOOST_TEST(get(url("/jobs/" + id))->status == 200u);
    BOOST_TEST(client.connections_opened() == 1u);
}

BOOST_AUTO_TEST_CASE(two_hundred_polls_at_once_use_four_connections)
{
    const std::int64_t before = connections_seen();
    std::list<exchange> polls;
    for (int i = 0; i < 200; ++i)
        polls.emplace_back(loop, client.send(request_to(url("/jobs?limit=1"))));
    for (exchange& e : polls) {
        finish(e);
        BOOST_TEST(e.take()->status == 200u);
    }
    BOOST_TEST(client.connections_opened() == 4u);
    // The two that asked are counted as well.
    BOOST_TEST(connections_seen() - before == 4 + 1);
}

BOOST_AUTO_TEST_CASE(throttled_answer_is_a_response_that_says_when_to_come_again)
{
    faults({{"throttle", {{"probability", 1}, {"retry_after", 7}}}});
    const auto r = submit();
    BOOST_TEST_REQUIRE(r.has_value());
    BOOST_TEST(r->status == 429u);
    BOOST_CHECK(r->retry_after(loop.wall_now()) == std::chrono::seconds(7));
}

BOOST_AUTO_TEST_CASE(dropped_response_leaves_the_outcome_unknown_and_the_job_there)
{
    faults({{"drop_response", 1}});
    const auto r = submit();
    BOOST_TEST(failed_with(r, http_error::connection_lost));
    BOOST_TEST(!surely_not_sent(r.error()));
    faults(json::object());
    BOOST_TEST(accepted() == 1u);
}

BOOST_AUTO_TEST_CASE(submission_is_never_sent_twice_over_a_kept_connection)
{
    BOOST_TEST(get(url("/jobs?limit=1")).has_value());
    faults({{"drop_response", {{"count", 1}, {"routes", "submit"}}}});
    BOOST_TEST(failed_with(submit(), http_error::connection_lost));
    BOOST_TEST(accepted() == 1u);
}

BOOST_AUTO_TEST_CASE(dropped_request_is_not_told_from_a_dropped_response)
{
    faults({{"drop_request", 1}});
    BOOST_TEST(failed_with(submit(), http_error::connection_lost));
    faults(json::object());
    BOOST_TEST(accepted() == 0u);
}

BOOST_AUTO_TEST_CASE(truncated_response_is_lost)
{
    faults({{"truncate", 1}});
    BOOST_TEST(failed_with(submit(), http_error::connection_lost));
}

BOOST_AUTO_TEST_CASE(hanging_response_times_out_with_the_outcome_unknown)
{
    faults({{"hang", 1}});
    const auto r = submit(soon());
    BOOST_TEST(failed_with(r, http_error::timed_out));
    BOOST_TEST(!surely_not_sent(r.error()));
    faults(json::object());
    BOOST_TEST(accepted() == 1u);
}

BOOST_AUTO_TEST_CASE(poll_over_a_connection_that_the_service_drops_is_repeated_unseen)
{
    BOOST_TEST(get(url("/jobs?limit=1")).has_value());
    faults({{"drop_request", {{"count", 1}, {"routes", "list"}}}});
    BOOST_TEST(get(url("/jobs?limit=1"))->status == 200u);
    BOOST_TEST(client.connections_opened() == 2u);
}

BOOST_AUTO_TEST_CASE(service_that_has_gone_is_a_failure_to_connect)
{
    BOOST_TEST(submit().has_value());
    service.stop(SIGTERM);
    const auto r = submit();
    BOOST_TEST(failed_with(r, http_error::connect_failed));
    BOOST_TEST(surely_not_sent(r.error()));
}

BOOST_AUTO_TEST_SUITE_END()
