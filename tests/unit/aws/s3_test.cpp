// The sensor s3: where it looks, and what its refusals mean.

#include "tests/unit/aws/machine.hpp"

#include <boost/test/unit_test.hpp>

#include <cstdlib>
#include <string>
#include <vector>

using namespace potoo;

namespace {

struct bucket : test::machine
{
    bucket()
    {
        for (const char* name : {"AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_PROFILE"})
            ::unsetenv(name);
    }

    json::value look(const char* with)
    {
        test::fake_context ctx(loop, "s3_sensor", with);
        ctx.client = &client;
        ctx.runner = &processes;
        ctx.connections["s3"] = {{"type", "s3"},
                                 {"region", "eu-west-1"},
                                 {"access_key_id", "AKIDBUCKETEXAMPLE"},
                                 {"secret_access_key", "5ecret"}};
        const json::value found = run(ctx.perform());
        BOOST_TEST_REQUIRE(!ctx.concealed.empty());
        BOOST_TEST(ctx.concealed.front() == "5ecret");
        return found;
    }

    std::string refusal(const char* with)
    {
        try {
            (void)look(with);
        } catch (const fatal& e) {
            text = e.what();
            return e.code();
        }
        BOOST_FAIL("it was found");
        return {};
    }

    static http_response object()
    {
        http_response r;
        r.status = 200;
        r.headers = {{"Content-Length", "7"}, {"ETag", "\"e\""}, {"Last-Modified", "Sun, 22 Nov 2026 10:00:00 GMT"}};
        return r;
    }

    std::string text; ///< of the last refusal
};

std::string error(const char* code)
{
    return std::string("<Error><Code>") + code + "</Code><Message>so it is</Message></Error>";
}

} // namespace

BOOST_FIXTURE_TEST_SUITE(s3_sensor, bucket)

BOOST_AUTO_TEST_CASE(bucket_is_part_of_the_host_at_amazon)
{
    answers["HEAD https://b.s3.eu-west-1.amazonaws.com/a%20b/c"] = object();
    const json::value found = look(R"({"url": "s3://b/a b/c"})");
    BOOST_TEST(found == json::parse(R"({"bucket": "b", "key": "a b/c", "size": 7, "etag": "e",
                                        "last_modified": "Sun, 22 Nov 2026 10:00:00 GMT"})"));
}

BOOST_AUTO_TEST_CASE(bucket_is_part_of_the_path_elsewhere)
{
    answers["HEAD http://minio:9000/b/k"] = object();
    (void)look(R"({"bucket": "b", "key": "k", "endpoint_url": "http://minio:9000/"})");
    answers["HEAD https://s3.us-east-2.amazonaws.com/b.with.dots/k"] = object();
    (void)look(R"({"bucket": "b.with.dots", "key": "k", "region": "us-east-2"})");
}

BOOST_AUTO_TEST_CASE(listing_is_read_to_its_end)
{
    client.reply = [](const http_request& r) -> test::scripted_http::answer {
        if (r.url.ends_with("&continuation-token=a%2Fb"))
            return answer(200, "<R><Contents><Key>in/2</Key><Size>9</Size><ETag>&quot;x&quot;</ETag></Contents></R>");
        BOOST_TEST(r.url == "https://b.s3.eu-west-1.amazonaws.com/?list-type=2&max-keys=1000&prefix=in%2F");
        return answer(200, "<R><Contents><Key>in/1</Key><Size>0</Size></Contents>"
                           "<NextContinuationToken>a/b</NextContinuationToken></R>");
    };
    const json::value found = look(R"({"url": "s3://b/in/", "min_size": 1})");
    BOOST_TEST(found.at("key") == "in/2");
    BOOST_TEST(found.at("etag") == "x");
}

BOOST_AUTO_TEST_CASE(refusal_without_a_body_is_asked_about)
{
    answers["HEAD https://b.s3.eu-west-1.amazonaws.com/k"] = answer(403, "");
    answers["GET https://b.s3.eu-west-1.amazonaws.com/k"] = answer(403, error("AccessDenied"));
    BOOST_TEST(refusal(R"({"url": "s3://b/k"})") == "forbidden");
    BOOST_TEST(text.find("s3:ListBucket") != std::string::npos);
    answers["GET https://b.s3.eu-west-1.amazonaws.com/k"] = answer(403, error("InvalidAccessKeyId"));
    BOOST_TEST(refusal(R"({"url": "s3://b/k"})") == "unauthorized");
    BOOST_TEST(text.find("S3 does not accept access key AKID…MPLE (from the connection)") != std::string::npos, text);
}

BOOST_AUTO_TEST_CASE(region_of_a_bucket_elsewhere_is_named)
{
    auto moved = answer(301, "");
    moved.headers = {{"x-amz-bucket-region", "us-west-2"}};
    answers["HEAD https://b.s3.eu-west-1.amazonaws.com/k"] = moved;
    BOOST_TEST(refusal(R"({"url": "s3://b/k"})") == "wrong_region");
    BOOST_TEST(text.find("us-west-2") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(what_to_wait_for_must_be_clear)
{
    for (const char* with :
         {R"({})", R"({"bucket": "b"})", R"({"key": "k"})", R"({"url": "s3://b"})", R"({"url": "s3:///k"})",
          R"({"url": "s3://b/k", "key": "k"})", R"({"bucket": "b", "key": "k", "prefix": "p"})", R"({"url": "s3"})"}) {
        BOOST_TEST_CONTEXT(with)
        BOOST_CHECK_THROW((void)look(with), fatal);
    }
}

BOOST_AUTO_TEST_CASE(page_that_names_itself_as_the_next_ends_the_look)
{
    answers["GET https://b.s3.eu-west-1.amazonaws.com/"] =
        answer(200, "<ListBucketResult><NextContinuationToken>again</NextContinuationToken></ListBucketResult>");
    test::fake_context ctx(loop, "s3_sensor", R"({"url": "s3://b/p/"})");
    ctx.client = &client;
    ctx.runner = &processes;
    ctx.connections["s3"] = {{"type", "s3"},
                             {"region", "eu-west-1"},
                             {"access_key_id", "AKIDBUCKETEXAMPLE"},
                             {"secret_access_key", "5ecret"}};
    test::started_task<json::value> t(loop, ctx.perform());
    context.restart();
    while (ctx.lines.empty() && !t.ended() && client.requests.size() < 5)
        context.run_one();
    BOOST_TEST(client.requests.size() == 2u);
    BOOST_TEST_REQUIRE(!ctx.lines.empty());
    BOOST_TEST(ctx.lines.front().find("twice") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
