// Requests to a service: refusals of credentials, throttling, and which error means what.

#include "tests/unit/aws/machine.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

using namespace potoo;
using nature = aws::service::nature;

namespace {

struct asker : test::machine_on<test::still_clock>
{
    asker()
    {
        client.latency = duration{0};
        set["AWS_REGION"] = "r1";
        set["AWS_ENDPOINT_URL"] = "http://aws.local";
        use_key("AKIDFIRSTEXAMPLE");
    }

    aws::account account{{}, variables()};
    aws::service batch{
        account,
        {.name = "AWS Batch", .host = "batch", .setting = "BATCH", .signing_name = "batch", .endpoint_url = ""}};

    void use_key(const std::string& id)
    {
        set["AWS_ACCESS_KEY_ID"] = id;
        set["AWS_SECRET_ACCESS_KEY"] = "the secret of " + id;
    }

    void answers_with(unsigned status, std::string body, std::vector<http_header> headers = {})
    {
        client.reply = [=](const http_request&) {
            auto r = answer(status, body);
            r.headers = headers;
            return r;
        };
    }

    http_response send(nature n = nature::repeatable)
    {
        http_request r;
        r.method = "POST";
        r.url = "/v1/submitjob";
        r.body = "{}";
        return run(batch.send(outside(), std::move(r), n));
    }

    struct said
    {
        failure_class kind;
        std::string code;
        std::string text;
    };

    said refusal(nature n = nature::repeatable)
    {
        try {
            (void)send(n);
        } catch (const task_error& e) {
            BOOST_TEST(std::string(e.what()).find("the secret of") == std::string::npos, e.what());
            return {e.classification(), e.code(), e.what()};
        }
        BOOST_FAIL("it was answered");
        return {};
    }
};

duration without_ticks(steady_clock::duration d)
{
    using hundredths = std::chrono::duration<std::int64_t, std::centi>;
    return std::chrono::round<hundredths>(d);
}

bool contains(const std::string& text, std::string_view part)
{
    return text.find(part) != std::string::npos;
}

constexpr const char* expired = R"({"__type": "com.amazon.coral.service#ExpiredTokenException", "message": "old"})";

bool is_signed_by(const http_request& r, const std::string& id)
{
    for (const auto& h : r.headers) {
        if (h.name == "Authorization")
            return h.value.find("Credential=" + id + "/") != std::string::npos;
    }
    return false;
}

} // namespace

BOOST_FIXTURE_TEST_SUITE(aws_service, asker)

BOOST_AUTO_TEST_CASE(request_goes_signed_to_the_service)
{
    answers_with(200, "{}");
    BOOST_TEST(send().status == 200u);
    BOOST_TEST(client.requests.front().url == "http://aws.local/v1/submitjob");
    BOOST_TEST(is_signed_by(client.requests.front(), "AKIDFIRSTEXAMPLE"));
}

BOOST_AUTO_TEST_CASE(expired_credentials_are_read_again_once)
{
    client.reply = [this](const http_request& r) -> test::scripted_http::answer {
        if (is_signed_by(r, "AKIDSECONDEXAMPLE"))
            return answer(200, "{}");
        use_key("AKIDSECONDEXAMPLE");
        return answer(400, expired);
    };
    BOOST_TEST(send().status == 200u);
    BOOST_TEST(client.requests.size() == 2u);
    BOOST_TEST(send().status == 200u);
    BOOST_TEST(client.requests.size() == 3u);
}

BOOST_AUTO_TEST_CASE(expired_credentials_without_newer_ones_are_fatal)
{
    answers_with(400, expired);
    const said s = refusal();
    BOOST_TEST((s.kind == failure_class::fatal));
    BOOST_TEST(s.code == "unauthorized");
    BOOST_TEST(
        contains(s.text, "AWS Batch does not accept access key AKID…MPLE (from the environment): it has expired"));
    BOOST_TEST(client.requests.size() == 1u);
}

BOOST_AUTO_TEST_CASE(credentials_that_were_put_right_are_used_by_the_next)
{
    answers_with(403, R"({"message": "x"})", {{"x-amzn-ErrorType", "UnrecognizedClientException:http://x"}});
    BOOST_TEST(refusal().code == "unauthorized");
    use_key("AKIDSECONDEXAMPLE");
    client.reply = [](const http_request& r) -> test::scripted_http::answer {
        return answer(is_signed_by(r, "AKIDSECONDEXAMPLE") ? 200 : 403, "{}");
    };
    BOOST_TEST(send().status == 200u);
}

BOOST_AUTO_TEST_CASE(each_refusal_has_its_own_words)
{
    answers_with(403, R"({"message": "The security token included in the request is invalid."})",
                 {{"x-amzn-ErrorType", "UnrecognizedClientException"}});
    BOOST_TEST(contains(refusal().text, "deleted or revoked"));
    answers_with(403, R"({"message": "The request signature we calculated does not match"})",
                 {{"x-amzn-ErrorType", "InvalidSignatureException"}});
    BOOST_TEST(contains(refusal().text, "the secret key does not belong to this access key"));
    answers_with(403, R"({"message": "Signature expired: 20150830T123600Z is now earlier than"})",
                 {{"x-amzn-ErrorType", "InvalidSignatureException"}});
    const said skewed = refusal();
    BOOST_TEST(skewed.code == "clock_skew");
    BOOST_TEST(contains(skewed.text, "is this machine's clock right?"));
    answers_with(403, R"({"message": "User x is not authorized to perform: batch:SubmitJob"})",
                 {{"x-amzn-ErrorType", "AccessDeniedException"}});
    const said denied = refusal(nature::launches);
    BOOST_TEST((denied.kind == failure_class::fatal));
    BOOST_TEST(denied.code == "forbidden");
    BOOST_TEST(
        contains(denied.text, "AWS Batch does not allow access key AKID…MPLE (from the environment) to do this"));
    BOOST_TEST(contains(denied.text, "batch:SubmitJob"));
}

BOOST_AUTO_TEST_CASE(error_of_the_client_is_fatal_under_its_own_name)
{
    answers_with(400, R"({"message": "Job queue nix does not exist"})", {{"x-amzn-ErrorType", "ClientException"}});
    const said s = refusal(nature::launches);
    BOOST_TEST((s.kind == failure_class::fatal));
    BOOST_TEST(s.code == "ClientException");
    BOOST_TEST(contains(s.text, "AWS Batch: Job queue nix does not exist"));
}

BOOST_AUTO_TEST_CASE(error_of_the_server_leaves_a_launch_in_doubt)
{
    answers_with(500, R"({"message": "Internal"})", {{"x-amzn-ErrorType", "ServerException"}});
    BOOST_TEST((refusal(nature::launches).kind == failure_class::unknown_outcome));
    BOOST_TEST((refusal(nature::repeatable).kind == failure_class::retryable));
    client.reply = [](const http_request&) { return make_error_code(http_error::connection_lost); };
    BOOST_TEST((refusal(nature::launches).kind == failure_class::unknown_outcome));
    BOOST_TEST((refusal(nature::repeatable).kind == failure_class::retryable));
    client.reply = [](const http_request&) { return make_error_code(http_error::resolve_failed); };
    const said s = refusal(nature::launches);
    BOOST_TEST((s.kind == failure_class::retryable));
    BOOST_TEST(s.code == "resolve_failed");
}

BOOST_AUTO_TEST_CASE(throttling_slows_down_everybody)
{
    std::vector<duration> pauses;
    batch.on_throttle([&](steady_time until) { pauses.push_back(without_ticks(until - loop.now())); });
    const auto pause = [&] {
        const said s = refusal(nature::launches);
        BOOST_TEST((s.kind == failure_class::retryable));
        BOOST_TEST(s.code == "throttled");
        return pauses.back().count();
    };
    answers_with(429, R"({"message": "Too Many Requests"})", {{"x-amzn-ErrorType", "TooManyRequestsException"}});
    BOOST_TEST(pause() == 1'000);
    // Of those that were under way together, one counts.
    BOOST_TEST(pause() == 1'000);
    pass(duration{400});
    BOOST_TEST(pause() == 600);
    pass(duration{600});
    answers_with(400, R"({"__type": "ThrottlingException"})");
    BOOST_TEST(pause() == 2'000);
    pass(duration{2'000});
    answers_with(200, "{}");
    (void)send();
    answers_with(429, "");
    BOOST_TEST(pause() == 4'000);
    pass(duration{34'000});
    BOOST_TEST(pause() == 1'000);
}

BOOST_AUTO_TEST_CASE(pause_that_is_asked_for_has_its_limits)
{
    std::vector<duration> pauses;
    batch.on_throttle([&](steady_time until) { pauses.push_back(without_ticks(until - loop.now())); });
    for (const char* asked : {"7", "0", "1000000"}) {
        answers_with(400, R"({"__type": "ThrottlingException"})", {{"Retry-After", asked}});
        (void)refusal();
        pass(duration{100'000});
    }
    BOOST_TEST_REQUIRE(pauses.size() == 3u);
    BOOST_TEST(pauses[0].count() == 7'000);
    BOOST_TEST(pauses[1].count() == 1'000);
    BOOST_TEST(pauses[2].count() == 3'600'000);
}

BOOST_AUTO_TEST_CASE(credentials_are_concealed_although_the_first_request_is_refused)
{
    set["AWS_SESSION_TOKEN"] = "the token";
    answers_with(403,
                 R"({"message": "The request signature we calculated does not match.\n\nThe Canonical String for this )"
                 R"(request should have been\n'POST\nx-amz-security-token:the token'\n"})",
                 {{"x-amzn-ErrorType", "InvalidSignatureException"}});
    test::fake_context ctx(loop, "noop");
    ctx.client = &client;
    ctx.runner = &processes;
    http_request r;
    r.method = "POST";
    r.url = "/v1/submitjob";
    BOOST_CHECK_EXCEPTION(run(batch.send(ctx, std::move(r), nature::launches)), fatal, [](const fatal& e) {
        return contains(e.what(), "does not match.)") && !contains(e.what(), "the token");
    });
    BOOST_TEST((std::ranges::count(ctx.concealed, "the token") > 0));
    BOOST_TEST((std::ranges::count(ctx.concealed, "the secret of AKIDFIRSTEXAMPLE") > 0));
}

BOOST_AUTO_TEST_CASE(errors_are_read_in_every_dress)
{
    const auto code = [](const http_response& r) { return aws::error_of(r).code; };
    BOOST_TEST(code(answer(400, R"({"__type": "a.b#NoSuch", "Message": "m"})")) == "NoSuch");
    BOOST_TEST(aws::error_of(answer(400, R"({"__type": "a.b#NoSuch", "Message": "m"})")).message == "m");
    BOOST_TEST(code(answer(403, "<?xml?><Error><Code>SlowDown</Code><Message>m</Message></Error>")) == "SlowDown");
    BOOST_TEST(code(answer(502, "<html>")).empty());
    BOOST_TEST(code(answer(500, "")).empty());
}

BOOST_AUTO_TEST_SUITE_END()
