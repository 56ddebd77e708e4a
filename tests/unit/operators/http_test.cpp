#include "tests/unit/operators/fake_context.hpp"
#include "tests/unit/operators/scripted_http.hpp"
#include "tests/unit/task/runner.hpp"

#include <boost/test/unit_test.hpp>

#include <string>

using namespace potoo;
using namespace std::chrono_literals;

namespace {

struct one_request : test::fixture
{
    test::scripted_http client;

    void answer(test::scripted_http::answer a)
    {
        client.reply = [a](const http_request&) { return a; };
    }

    json::value perform(const char* with)
    {
        test::fake_context ctx(loop, "http", with);
        ctx.client = &client;
        return run(ctx.perform());
    }

    std::string failure_of(const char* with)
    {
        try {
            perform(with);
        } catch (const task_error& e) {
            return std::string(to_string(e.classification())) + " " + e.code();
        }
        return "no failure";
    }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(http_operator, one_request)

BOOST_AUTO_TEST_CASE(response_is_the_output)
{
    answer(test::scripted_http::json(201, R"({"id": 7})"));
    const auto out =
        perform(R"({"method": "POST", "url": "http://h/x", "body": {"a": 1}, "timeout": "5s", "max_body": 100,
                                 "follow_redirects": true})");
    BOOST_TEST(out.at("status") == json::value(201));
    BOOST_TEST(out.at("body").at("id") == json::value(7));
    BOOST_TEST_REQUIRE(client.requests.size() == 1u);
    BOOST_TEST(client.requests[0].body == R"({"a":1})");
    BOOST_TEST(client.requests[0].max_body == 100u);
    BOOST_TEST(client.requests[0].max_redirects > 0u);
    BOOST_CHECK(client.requests[0].deadline == loop.now() - client.latency + 5s);
}

BOOST_AUTO_TEST_CASE(status_must_be_among_those_expected)
{
    answer(test::scripted_http::json(404, "{}"));
    BOOST_TEST(failure_of(R"({"url": "http://h/x"})") == "fatal http_404");
    BOOST_TEST(failure_of(R"({"url": "http://h/x", "expect": [200, "4xx"]})") == "no failure");
    BOOST_TEST(failure_of(R"({"url": "http://h/x", "expect": 404})") == "no failure");
    BOOST_TEST(failure_of(R"({"url": "http://h/x", "expect": ["403"]})") == "fatal http_404");
    BOOST_TEST(failure_of(R"({"url": "http://h/x", "expect": "success"})") == "fatal ");
    answer(test::scripted_http::json(503, "{}"));
    BOOST_TEST(failure_of(R"({"url": "http://h/x"})") == "retryable http_503");
}

BOOST_AUTO_TEST_CASE(lost_answers_are_classified_by_the_method)
{
    answer(make_error_code(http_error::connection_lost));
    BOOST_TEST(failure_of(R"({"url": "http://h/x"})") == "retryable connection_lost");
    BOOST_TEST(failure_of(R"({"url": "http://h/x", "method": "post"})") == "unknown_outcome connection_lost");
    answer(test::scripted_http::json(200, "{no json"));
    BOOST_TEST(failure_of(R"({"url": "http://h/x"})") == "retryable malformed_response");
    BOOST_TEST(failure_of(R"({"url": "http://h/x", "method": "POST"})") == "unknown_outcome malformed_response");
}

BOOST_AUTO_TEST_CASE(bad_input_is_refused_before_anything_is_sent)
{
    BOOST_CHECK_THROW(test::fake_context(loop, "http", R"({})"), std::invalid_argument);
    BOOST_CHECK_THROW(test::fake_context(loop, "http", R"({"url": "u", "uri": "v"})"), std::invalid_argument);
    BOOST_CHECK_THROW(test::fake_context(loop, "http", R"({"url": "u", "max_body": -1})"), std::invalid_argument);
    BOOST_TEST(failure_of(R"({"url": "http://h/x", "timeout": "soon"})") == "fatal ");
    BOOST_TEST(client.requests.empty());
}

BOOST_AUTO_TEST_SUITE_END()
