#include "tests/integration/job_service/running_service.hpp"

#include <boost/test/unit_test.hpp>
#include <fmt/format.h>

using namespace potoo;
using namespace potoo::test;

namespace {

struct fresh_service
{
    running_service service;
    service_connection client{service};

    std::string refusal_of_body(std::string body)
    {
        const auto refused = client.exchange(http::verb::post, "/jobs", std::move(body));
        BOOST_TEST(refused.status == 400U);
        BOOST_TEST(std::string(refused.headers["Content-Type"]) == "application/problem+json");
        return refused.string_at("detail");
    }

    std::string refusal_of_target(std::string_view target)
    {
        const auto refused = client.get(target);
        BOOST_TEST(refused.status == 400U);
        return refused.string_at("detail");
    }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(protocol, fresh_service)

BOOST_AUTO_TEST_CASE(connection_is_kept_from_request_to_request)
{
    for (int i = 0; i < 20; ++i)
        client.post("/jobs", {{"command", {"builtin:succeed", "1"}}});
    BOOST_TEST(client.get("/stats").at("connections").at("accepted").as_int64() == 1);
}

BOOST_AUTO_TEST_CASE(pipelined_requests_are_answered_in_order)
{
    const std::string body = R"({"command":["builtin:succeed","1"]})";
    client.send_raw(fmt::format("POST /jobs HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n{}"
                                "GET /jobs/job-1?wait_ms=60000 HTTP/1.1\r\nHost: x\r\n\r\n"
                                "GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n",
                                body.size(), body));
    BOOST_TEST(client.receive().status == 201U);
    BOOST_TEST(client.receive().string_at("state") == "SUCCEEDED");
    BOOST_TEST(client.receive().status == 404U);
}

BOOST_AUTO_TEST_CASE(client_that_asks_to_close_is_closed)
{
    client.send_raw("GET /stats HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    BOOST_TEST(std::string(client.receive().headers["Connection"]) == "close");
    BOOST_CHECK_THROW(client.receive(), boost::system::system_error);
}

BOOST_AUTO_TEST_CASE(large_body_is_continued_or_refused)
{
    const std::string padding(1'000'000, ' ');
    const auto body = R"({"command":["builtin:succeed","1"])" + padding + "}";
    client.send_raw(fmt::format("POST /jobs HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: {}\r\n\r\n",
                                body.size()));
    BOOST_TEST(client.receive().status == 100U);
    client.send_raw(body);
    BOOST_TEST(client.receive().status == 201U);
    client.send_raw("POST /jobs HTTP/1.1\r\nHost: x\r\nContent-Length: 4194305\r\n\r\n");
    BOOST_TEST(client.receive().status == 413U);
}

BOOST_AUTO_TEST_CASE(endless_header_is_refused)
{
    client.send_raw("GET /stats HTTP/1.1\r\nX-Long: " + std::string(100'000, 'x'));
    BOOST_TEST(client.receive().status == 431U);
}

BOOST_AUTO_TEST_CASE(what_is_not_http_is_refused)
{
    client.send_raw("hello\r\n\r\n");
    BOOST_TEST(client.receive().status == 400U);
}

BOOST_AUTO_TEST_CASE(unknown_place_is_not_found)
{
    for (const auto target : {"/", "/job", "/jobs/", "/jobs/job-1/logs", "/jobs/job-1/log/more", "//jobs"}) {
        const auto answer = client.get(target);
        BOOST_TEST((answer.status == 404U || std::string_view(target) == "/jobs/"), target);
    }
    for (const auto id : {"job-0", "job-01", "job-1", "job-x", "job-", "17", "job-99999999999999999999"})
        BOOST_TEST(client.get(fmt::format("/jobs/{}", id)).status == 404U, id);
}

BOOST_AUTO_TEST_CASE(wrong_method_names_the_right_ones)
{
    const auto refused = client.exchange(http::verb::patch, "/jobs");
    BOOST_TEST(refused.status == 405U);
    BOOST_TEST(std::string(refused.headers["Allow"]) == "POST, GET");
    BOOST_TEST(client.get("/jobs/query").status == 405U);
    BOOST_TEST(client.get("/reset").status == 405U);
}

BOOST_AUTO_TEST_CASE(bad_json_is_refused_with_its_place)
{
    BOOST_TEST(refusal_of_body("{\n  \"command\": [1, }") == "body: not JSON at line 2 column 18: syntax error");
    BOOST_TEST(refusal_of_body("") == "body: not JSON at line 1 column 1: incomplete JSON");
    BOOST_TEST(refusal_of_body("{} {}") == "body: not JSON at line 1 column 4: extra data");
    BOOST_TEST(refusal_of_body("[1]") == "body: expected a JSON object, found an array");
    BOOST_TEST(refusal_of_body("{\"command\": \"\xFF\"}").starts_with("body: not JSON at line 1 column "));
}

BOOST_AUTO_TEST_CASE(bad_submission_is_refused_with_its_member)
{
    BOOST_TEST(refusal_of_body("{}") == "command: missing; expected an array of strings or a shell line");
    BOOST_TEST(refusal_of_body(R"({"command": []})").starts_with("command: expected a program"));
    BOOST_TEST(refusal_of_body(R"({"command": ["a", 1]})") == "command[1]: expected a string, found a number");
    BOOST_TEST(refusal_of_body(R"({"command": ["a\u0000b"]})") == "command[0]: must not contain a NUL character");
    BOOST_TEST(refusal_of_body(R"({"command": ["a"], "env": {"A": 1}})") == "env.A: expected a string, found a number");
    BOOST_TEST(refusal_of_body(R"({"command": ["a"], "env": {"A=": "b"}})") ==
               R"(env: "A=" is not the name of a variable)");
    BOOST_TEST(refusal_of_body(R"({"comand": ["a"]})") == "comand: unknown key; known are command, token, env, cwd");
    BOOST_TEST(refusal_of_body(R"({"command": ["builtin:slep", "1"]})").starts_with("command[0]: unknown built-in"));
    BOOST_TEST(refusal_of_body(R"({"command": ["builtin:sleep", "-1"]})").starts_with("command[1]: expected seconds"));
    BOOST_TEST(refusal_of_body(R"({"command": ["builtin:sleep", "nan"]})").starts_with("command[1]: expected seconds"));
    const auto two_tokens =
        client.post("/jobs", {{"command", {"true", "x"}}, {"token", "a"}}, {{"Idempotency-Key", "b"}});
    BOOST_TEST(two_tokens.status == 400U);
    BOOST_TEST(client.get("/stats").at("jobs").at("accepted").as_int64() == 0);
}

BOOST_AUTO_TEST_CASE(bad_parameter_is_refused_by_name)
{
    BOOST_TEST(refusal_of_target("/jobs?stat=RUNNING") == R"(query: unknown parameter "stat")");
    BOOST_TEST(refusal_of_target("/jobs?state=DONE").starts_with("state: expected one of QUEUED, RUNNING"));
    BOOST_TEST(refusal_of_target("/jobs?limit=0").starts_with("limit: expected a whole number from 1 to 1000"));
    BOOST_TEST(refusal_of_target("/jobs?after=7") == R"(after: expected the id of a job, found "7")");
    BOOST_TEST(refusal_of_target("/jobs/job-1?wait_ms=60001").starts_with("wait_ms: expected a whole number"));
    BOOST_TEST(refusal_of_target("/jobs?token=%zz").find("not well-formed") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(request_of_a_web_page_is_refused)
{
    const auto refused =
        client.post("/jobs", {{"command", {"builtin:succeed", "1"}}}, {{"Origin", "https://elsewhere.example"}});
    BOOST_TEST(refused.status == 403U);
}

BOOST_AUTO_TEST_CASE(requests_are_counted_by_route)
{
    client.post("/jobs", {{"command", {"builtin:succeed", "1"}}});
    client.get("/jobs/job-1");
    client.get("/jobs/job-1");
    client.get("/nowhere");
    const auto requests = client.get("/stats").at("requests");
    BOOST_TEST(requests.at("submit").as_int64() == 1);
    BOOST_TEST(requests.at("status").as_int64() == 2);
    BOOST_TEST(requests.at("unknown").as_int64() == 1);
}

BOOST_AUTO_TEST_CASE(wait_ends_when_its_time_is_up)
{
    client.post("/jobs", {{"command", {"builtin:sleep", "1000"}}});
    BOOST_TEST(client.get("/jobs/job-1?wait_ms=1").string_at("state") == "RUNNING");
}

BOOST_AUTO_TEST_CASE(wait_ends_when_the_job_is_forgotten)
{
    service_connection other(service);
    client.post("/jobs", {{"command", {"builtin:sleep", "1000"}}});
    client.send(http::verb::get, "/jobs/job-1?wait_ms=60000");
    BOOST_TEST(eventually([&] { return other.get("/stats").at("requests").at("status").as_int64() == 1; }));
    other.post("/jobs/job-1/forget", json::object{});
    BOOST_TEST(client.receive().status == 404U);
}

BOOST_AUTO_TEST_SUITE_END()
