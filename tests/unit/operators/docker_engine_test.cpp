// The docker operator against an engine that answers what the test says.

#include "operators/docker/docker_engine.hpp"

#include "fake_context.hpp"
#include "scripted_http.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <string>
#include <string_view>

using namespace potoo;
using namespace potoo::docker;
using test::fake_context;
using test::operator_fixture;
using test::scripted_http;
using test::started_task;

namespace {

bool contains(const std::string& text, std::string_view part)
{
    return text.find(part) != std::string::npos;
}

struct engine_of_1_44 : operator_fixture
{
    engine_of_1_44()
    {
        where.base = "http://engine";
        where.shown = "http://engine";
        http.reply = [](const http_request& r) {
            if (contains(r.url, "/v1.44/"))
                return scripted_http::json(200, "{}");
            return scripted_http::json(400, R"({"message": "client version 1.41 is too old. Minimum supported API )"
                                            R"(version is 1.44, please upgrade your client"})");
        };
    }

    static engine_request asking() { return {.method = "GET", .target = "/info", .purpose = "ask"}; }

    engine_address where;
    scripted_http http;
};

/// A container that has ended as soon as somebody asks properly.
struct answering_engine : operator_fixture
{
    answering_engine()
    {
        ctx.client = &http;
        ctx.connections["docker"] = {{"url", "http://engine"}};
        http.reply = [this](const http_request& r) { return answer(r); };
    }

    http_response answer(const http_request& r)
    {
        if (r.method == "POST" && contains(r.url, "/containers/create"))
            return scripted_http::json(201, R"({"Id": "c1", "Warnings": []})");
        if (r.method == "GET" && contains(r.url, "/containers/c1/json"))
            return scripted_http::json(200, ++looks <= 2 ? strange : ended);
        if (r.method == "GET")
            return scripted_http::json(200, "");
        return scripted_http::json(204, "");
    }

    [[nodiscard]] bool asked(std::string_view what) const
    {
        return std::any_of(http.requests.begin(), http.requests.end(),
                           [&](const http_request& r) { return contains(r.url, what); });
    }

    fake_context ctx{loop, "docker", R"({"image": "bb:1", "pull": "never"})"};
    scripted_http http;
    int looks = 0;
    std::string strange = "{}";
    std::string ended = R"({"Id": "c1", "Name": "/n", "Config": {"Image": "bb:1"},
                            "State": {"Status": "exited", "ExitCode": 0, "Error": ""}})";
};

} // namespace

BOOST_AUTO_TEST_SUITE(docker_engine)

BOOST_FIXTURE_TEST_CASE(version_that_one_request_has_found_out_is_that_of_the_others_on_their_way, engine_of_1_44)
{
    engine_client client(where);
    started_task<engine_answer> first(loop, client.send(http, loop, asking()));
    started_task<engine_answer> second(loop, client.send(http, loop, asking()));
    BOOST_TEST(finish(first).status() == 200u);
    BOOST_TEST(finish(second).status() == 200u);
    BOOST_TEST(http.requests.size() == 4u);
    BOOST_TEST(run(client.send(http, loop, asking())).status() == 200u);
    BOOST_TEST(http.requests.size() == 5u);
}

BOOST_FIXTURE_TEST_CASE(version_that_is_refused_again_is_not_asked_with_for_ever, engine_of_1_44)
{
    http.reply = [](const http_request&) {
        return scripted_http::json(400, R"({"message": "Minimum supported API version is 1.41."})");
    };
    engine_client client(where);
    BOOST_TEST(run(client.send(http, loop, asking())).status() == 400u);
    BOOST_TEST(http.requests.size() == 1u);
}

BOOST_FIXTURE_TEST_CASE(answer_without_a_state_does_not_end_the_wait, answering_engine)
{
    BOOST_TEST(run(ctx.perform()).at("state") == "exited");
    BOOST_TEST(looks == 3);
    BOOST_TEST(!asked("/stop"));
    BOOST_TEST(std::any_of(ctx.lines.begin(), ctx.lines.end(),
                           [](const std::string& line) { return contains(line, "says nothing of its state"); }));
}

BOOST_FIXTURE_TEST_CASE(answer_that_is_no_object_does_not_end_the_wait, answering_engine)
{
    strange = R"(["State"])";
    BOOST_TEST(run(ctx.perform()).at("state") == "exited");
    BOOST_TEST(!asked("/stop"));
}

BOOST_AUTO_TEST_SUITE_END()
