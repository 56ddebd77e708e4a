#include "tests/integration/job_service/running_service.hpp"

#include <boost/test/unit_test.hpp>
#include <fmt/format.h>

using namespace potoo;
using namespace potoo::test;

namespace {

struct faulty_service
{
    running_service service;
    service_connection client{service};
    service_connection observer{service};

    void set(const json::value& faults) { BOOST_REQUIRE_EQUAL(observer.put("/faults", faults).status, 200U); }

    static std::string job(std::string_view token)
    {
        return fmt::format(R"({{"command": ["builtin:succeed", "1"], "token": "{}"}})", token);
    }

    reply submit(std::string_view token) { return client.exchange(http::verb::post, "/jobs", job(token)); }

    std::int64_t accepted(std::string_view token)
    {
        const auto tokens = observer.get("/stats").at("tokens").as_object();
        const auto* found = tokens.if_contains(token);
        return found ? found->as_int64() : 0;
    }

    std::int64_t requests(std::string_view route)
    {
        return observer.get("/stats").at("requests").as_object().at(route).as_int64();
    }

    std::int64_t open_connections() { return observer.get("/stats").at("connections").at("open").as_int64(); }
};

bool closed_without_an_answer(service_connection& client)
{
    try {
        client.receive();
        return false;
    } catch (const boost::system::system_error& error) {
        return error.code() == http::error::end_of_stream;
    }
}

} // namespace

BOOST_FIXTURE_TEST_SUITE(faults, faulty_service)

BOOST_AUTO_TEST_CASE(throttled_request_says_when_to_come_back)
{
    set({{"throttle", {{"count", 1}, {"retry_after", 7}}}});
    const auto refused = submit("t");
    BOOST_TEST(refused.status == 429U);
    BOOST_TEST(std::string(refused.headers["Retry-After"]) == "7");
    BOOST_TEST(accepted("t") == 0);
    BOOST_TEST(submit("t").status == 201U);
}

BOOST_AUTO_TEST_CASE(server_error_does_no_work)
{
    set({{"server_error", {{"count", 1}}}});
    BOOST_TEST(submit("t").status == 500U);
    BOOST_TEST(accepted("t") == 0);
}

BOOST_AUTO_TEST_CASE(dropped_request_does_no_work)
{
    set({{"drop_request", {{"count", 1}}}});
    client.send(http::verb::post, "/jobs", job("t"));
    BOOST_TEST(closed_without_an_answer(client));
    BOOST_TEST(accepted("t") == 0);
}

BOOST_AUTO_TEST_CASE(dropped_response_has_done_the_work)
{
    set({{"drop_response", {{"count", 1}, {"routes", "submit"}}}});
    client.send(http::verb::post, "/jobs", job("t"));
    BOOST_TEST(closed_without_an_answer(client));
    BOOST_TEST(accepted("t") == 1);
}

BOOST_AUTO_TEST_CASE(hanging_request_has_done_the_work_and_ends_with_its_client)
{
    set({{"hang", {{"count", 1}}}});
    client.send(http::verb::post, "/jobs", job("t"));
    BOOST_TEST(eventually([&] { return accepted("t") == 1; }));
    BOOST_TEST(!client.has_received_anything());
    client.close();
    BOOST_TEST(eventually([&] { return open_connections() == 1; }));
}

BOOST_AUTO_TEST_CASE(delayed_request_is_worked_on_late)
{
    set({{"delay_ms", {{"ms", 3'000'000}, {"count", 1}}}});
    client.send(http::verb::post, "/jobs", job("t"));
    BOOST_TEST(eventually([&] { return requests("submit") == 1; }));
    BOOST_TEST(accepted("t") == 0);
    set({{"delay_ms", 1}});
    service_connection other(service);
    BOOST_TEST(other.exchange(http::verb::post, "/jobs", job("other")).status == 201U);
    BOOST_TEST(observer.get("/faults").at("delay_ms").at("fired").as_int64() == 1);
}

BOOST_AUTO_TEST_CASE(stale_status_is_the_state_before)
{
    submit("t");
    BOOST_TEST(client.get("/jobs/job-1?wait_ms=60000").string_at("state") == "SUCCEEDED");
    set({{"stale_status", {{"count", 3}}}});
    const auto stale = client.get("/jobs/job-1");
    BOOST_TEST(stale.string_at("state") == "RUNNING");
    BOOST_TEST(stale.at("result").is_null());
    BOOST_TEST(stale.at("exit_code").is_null());
    BOOST_TEST(stale.at("ended_at").is_null());
    const auto queried = client.post("/jobs/query", {{"ids", json::array{json::value("job-1")}}});
    BOOST_TEST(queried.at("jobs").as_array()[0].at("state").as_string() == "RUNNING");
    BOOST_TEST(client.get("/jobs?token=t").at("jobs").as_array()[0].at("state").as_string() == "RUNNING");
    BOOST_TEST(client.get("/jobs/job-1").string_at("state") == "SUCCEEDED");
}

BOOST_AUTO_TEST_CASE(garbage_is_not_json)
{
    set({{"garbage", {{"count", 1}}}});
    const auto answer = submit("t");
    BOOST_TEST(answer.status == 201U);
    BOOST_CHECK_THROW(answer.body(), boost::system::system_error);
    BOOST_TEST(accepted("t") == 1);
    BOOST_TEST(client.get("/jobs/job-1").status == 200U);
}

BOOST_AUTO_TEST_CASE(truncated_response_ends_before_its_length)
{
    set({{"truncate", {{"count", 1}}}});
    client.send(http::verb::post, "/jobs", job("t"));
    BOOST_CHECK_EXCEPTION(client.receive(), boost::system::system_error,
                          [](const auto& error) { return error.code() == http::error::partial_message; });
    BOOST_TEST(accepted("t") == 1);
}

BOOST_AUTO_TEST_CASE(fault_is_kept_to_its_routes)
{
    set({{"server_error", {{"routes", {"cancel", "log"}}}}});
    BOOST_TEST(submit("t").status == 201U);
    BOOST_TEST(client.get("/jobs/job-1").status == 200U);
    BOOST_TEST(client.get("/jobs/job-1/log").status == 500U);
    BOOST_TEST(client.remove("/jobs/job-1").status == 500U);
    BOOST_TEST(client.get("/stats").status == 200U);
}

BOOST_AUTO_TEST_CASE(same_seed_gives_the_same_faults)
{
    submit("t");
    const auto outcomes = [&](int seed) {
        set({{"seed", seed}, {"server_error", 0.5}});
        std::string pattern;
        for (int i = 0; i < 200; ++i)
            pattern += client.get("/jobs/job-1").status == 500U ? 'x' : '.';
        return pattern;
    };
    const auto once = outcomes(42);
    BOOST_TEST(outcomes(42) == once);
    BOOST_TEST(outcomes(43) != once);
    const auto failures = std::ranges::count(once, 'x');
    BOOST_TEST((failures > 60 && failures < 140), failures);
    BOOST_TEST(observer.get("/faults").at("server_error").at("fired").as_int64() > 60);
}

BOOST_AUTO_TEST_CASE(probability_zero_never_fires_and_one_always_does)
{
    submit("t");
    set({{"throttle", 0}, {"server_error", 1}});
    for (int i = 0; i < 50; ++i)
        BOOST_TEST(client.get("/jobs/job-1").status == 500U);
}

BOOST_AUTO_TEST_CASE(putting_replaces_all_switches)
{
    set({{"server_error", 1}});
    set(json::object{});
    BOOST_TEST(submit("t").status == 201U);
}

BOOST_AUTO_TEST_CASE(wrong_switches_are_refused_and_change_nothing)
{
    set({{"server_error", 1}});
    const auto refusal_of = [&](const json::value& faults) {
        const auto refused = observer.put("/faults", faults);
        BOOST_TEST(refused.status == 400U);
        return refused.string_at("detail");
    };
    BOOST_TEST(refusal_of({{"explode", 1}}).starts_with("explode: unknown fault; known are seed, delay_ms"));
    BOOST_TEST(refusal_of({{"throttle", 1.5}}) == "throttle: expected a number from 0 to 1, found 1.5E0");
    BOOST_TEST(refusal_of({{"throttle", {{"ms", 1}}}}).starts_with("throttle.ms: unknown key"));
    BOOST_TEST(
        refusal_of({{"hang", {{"routes", "stats"}}}}).starts_with("hang.routes: expected one of submit, status"));
    BOOST_TEST(refusal_of({{"hang", {{"count", -1}}}}) == "hang.count: expected a whole number from 0, found -1");
    BOOST_TEST(refusal_of({{"delay_ms", json::object{}}}).starts_with("delay_ms.ms: expected milliseconds"));
    BOOST_TEST(submit("t").status == 500U);
}

BOOST_AUTO_TEST_SUITE_END()
