// The API behind a real server: what only shows on a connection.

#include "tests/integration/server/web_world.hpp"
#include "tests/unit/server/api_trial.hpp"

#include <boost/test/unit_test.hpp>
#include <fmt/format.h>

using namespace potoo;
using namespace potoo::server;
using namespace potoo::server::test;
using potoo::test::raw_client;
using potoo::test::status_of;

namespace {

struct http_trial : api_trial
{
    http_trial()
    {
        web::server_options options;
        options.listen = "127.0.0.1:0";
        web.emplace(engine().loop(), served(), std::move(options));
    }

    ~http_trial() { web.reset(); }

    raw_client connect() { return {engine().loop(), web->address()}; }

    /// All that comes back for one request.
    std::string send(const std::string& first_line, const std::string& fields = {}, const std::string& body = {})
    {
        raw_client c = connect();
        c.send(head(first_line, fields + fmt::format("Content-Length: {}\r\nConnection: close\r\n", body.size())) +
               body);
        return finish(c.read_all());
    }

    std::string head(const std::string& first_line, const std::string& fields)
    {
        return fmt::format("{} HTTP/1.1\r\nHost: {}\r\n{}\r\n", first_line, web->address(), fields);
    }

    static std::string upgrade(const std::string& more = {})
    {
        return "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
               "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" +
               more;
    }

    /// The head of what comes back for an upgrade.
    std::string open(raw_client& c, const std::string& target, const std::string& more = {})
    {
        c.send(head("GET " + target, upgrade(more)));
        return finish(c.read_until("\r\n\r\n"));
    }

    std::optional<web::http_server> web;
};

constexpr const char* brief = "name: brief\ntasks: {a: {operator: noop}}";

} // namespace

BOOST_FIXTURE_TEST_SUITE(api_over_http, http_trial)

BOOST_AUTO_TEST_CASE(who_must_not_ask_is_refused_before_the_body_is_sent)
{
    make_token("root", role::admin);
    raw_client c = connect();
    c.send(head("POST /api/v1/dags/brief/runs", "Content-Length: 100000\r\nExpect: 100-continue\r\n"));
    const std::string reply = finish(c.read_until("\r\n\r\n"));
    BOOST_TEST(status_of(reply) == 401u, reply);
    BOOST_TEST(reply.find("WWW-Authenticate: Bearer") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(body_that_is_too_large_is_not_read)
{
    put_dag("brief.yaml", brief);
    raw_client c = connect();
    c.send(head("POST /api/v1/dags/brief/runs", "Content-Type: application/json\r\nContent-Length: 99999999\r\n"));
    const std::string reply = finish(c.read_until("\r\n\r\n"));
    BOOST_TEST(status_of(reply) == 413u, reply);
}

BOOST_AUTO_TEST_CASE(run_is_begun_over_a_connection)
{
    put_dag("brief.yaml", brief);
    const std::string made =
        send("POST /api/v1/dags/brief/runs", "Content-Type: application/json\r\n", R"({"id":"k"})");
    BOOST_TEST(status_of(made) == 201u, made);
    const std::string same =
        send("POST /api/v1/dags/brief/runs", "Content-Type: application/json\r\n", R"({"id":"k"})");
    BOOST_TEST(status_of(same) == 200u, same);
    BOOST_TEST(status_of(send("HEAD /api/v1/runs")) == 200u);
    BOOST_TEST(status_of(send("GET /api/v1/../v1/runs")) == 400u);
    BOOST_TEST(status_of(send("GET /api/v1/runs/%2e%2e/tokens")) == 400u);
    BOOST_TEST(status_of(send("GET /api/v1/runs?lmit=1")) == 400u);
}

BOOST_AUTO_TEST_CASE(websocket_tells_events_to_who_may_listen)
{
    put_dag("brief.yaml", brief);
    raw_client c = connect();
    BOOST_TEST(status_of(open(c, "/api/v1/events?since=0")) == 101u);
    BOOST_TEST(finish(c.read_until("}")).find("\"cursor\"") != std::string::npos);
    const std::string made = send("POST /api/v1/dags/brief/runs", "Content-Type: application/json\r\n", "{}");
    BOOST_TEST(status_of(made) == 201u);
    const std::string told = finish(c.read_until("run_ended"));
    BOOST_TEST(told.find("run_created") != std::string::npos);
    c.close();
}

BOOST_AUTO_TEST_CASE(websocket_is_refused_to_foreign_pages_other_hosts_and_wrong_tokens)
{
    {
        raw_client c = connect();
        BOOST_TEST(status_of(open(c, "/api/v1/events", "Origin: https://evil.example\r\n")) == 403u);
    }
    {
        raw_client c = connect();
        c.send("GET /api/v1/events HTTP/1.1\r\nHost: evil.example\r\n" + upgrade() + "\r\n");
        BOOST_TEST(status_of(finish(c.read_until("\r\n\r\n"))) == 421u);
    }
    const std::string token = make_token("root", role::admin);
    {
        raw_client c = connect();
        BOOST_TEST(status_of(open(c, "/api/v1/events")) == 401u);
    }
    {
        raw_client c = connect();
        BOOST_TEST(status_of(open(c, "/api/v1/events?access_token=" + token)) == 101u);
        c.close();
    }
    {
        raw_client c = connect();
        const std::string origin = "Origin: http://" + web->address() + "\r\n";
        BOOST_TEST(status_of(open(c, "/api/v1/events?access_token=" + token, origin)) == 101u);
        c.close();
    }
    raw_client c = connect();
    BOOST_TEST(status_of(open(c, "/api/v1/runs", "Authorization: Bearer " + token + "\r\n")) != 101u);
}

BOOST_AUTO_TEST_CASE(logs_are_followed_to_the_end_of_the_run)
{
    put_dag("talk.yaml", "name: talk\ntasks: {a: {operator: fail, with: {message: so be it}, allow_failure: true}}");
    const std::string made = send("POST /api/v1/dags/talk/runs", "Content-Type: application/json\r\n", "{}");
    BOOST_TEST_REQUIRE(status_of(made) == 201u, made);
    const auto at = made.find("Location: ") + 10;
    const std::string run = made.substr(at, made.find("\r\n", at) - at);
    const std::string log = send("GET " + run + "/logs?follow=true");
    BOOST_TEST(status_of(log) == 200u, log);
}

BOOST_AUTO_TEST_SUITE_END()
