// One exchange with servers of all manners.

#include "tests/integration/net/client_fixture.hpp"
#include "tests/unit/net/gzip_text.hpp"

#include <fmt/format.h>
#include <potoo/concurrency.hpp>

#include <unistd.h>

using namespace potoo;
using namespace potoo::test;

namespace {

scripted_server::script says(std::string bytes)
{
    return [bytes = std::move(bytes)](peer& p, int) {
        p.read_request();
        p.send(bytes);
    };
}

} // namespace

BOOST_FIXTURE_TEST_SUITE(one_exchange, client_fixture)

BOOST_AUTO_TEST_CASE(request_arrives_as_it_was_given)
{
    std::string seen;
    scripted_server server([&](peer& p, int) {
        seen = p.read_request();
        p.answer("ok");
        p.wait_for_end();
    });
    http_request r = request_to(server.url("/a?b=c"), "POST", std::string("with\0zero", 9));
    r.headers = {{"X-Mine", "1"}};
    const auto response = send(r);
    BOOST_TEST_REQUIRE(response.has_value());
    BOOST_TEST(response->body == "ok");
    BOOST_TEST(seen.rfind("POST /a?b=c HTTP/1.1\r\n", 0) == 0u);
    BOOST_TEST(seen.find("\r\nX-Mine: 1\r\n") != std::string::npos);
    BOOST_TEST(seen.substr(seen.size() - 13) == std::string("\r\n\r\nwith\0zero", 13));
}

BOOST_AUTO_TEST_CASE(header_that_comes_byte_by_byte_is_read)
{
    scripted_server server([](peer& p, int) {
        p.read_request();
        for (const char c : std::string_view("HTTP/1.1 200 OK\r\nX-A: b\r\nContent-Length: 2\r\n\r\nhi"))
            p.send({&c, 1});
    });
    const auto response = get(server.url());
    BOOST_TEST_REQUIRE(response.has_value());
    BOOST_TEST(response->body == "hi");
    BOOST_TEST(response->header("x-a") == "b");
}

BOOST_AUTO_TEST_CASE(chunks_and_gzip_are_undone)
{
    const std::string packed = test::gzip("packed text");
    scripted_server server(
        says(fmt::format("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n"
                         "{:x}\r\n{}\r\n0\r\n\r\n",
                         packed.size(), packed)));
    const auto response = get(server.url());
    BOOST_TEST_REQUIRE(response.has_value());
    BOOST_TEST(response->body == "packed text");
}

BOOST_AUTO_TEST_CASE(body_without_length_ends_with_the_connection)
{
    scripted_server server(says("HTTP/1.0 200 OK\r\n\r\nall of it"));
    const auto response = get(server.url());
    BOOST_TEST_REQUIRE(response.has_value());
    BOOST_TEST(response->body == "all of it");
}

BOOST_AUTO_TEST_CASE(head_has_no_body_and_leaves_the_connection_usable)
{
    scripted_server server([](peer& p, int) {
        p.read_request();
        p.send("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n");
        p.read_request();
        p.answer("next");
        p.wait_for_end();
    });
    BOOST_TEST(send(request_to(server.url(), "HEAD"))->header("Content-Length") == "1000");
    BOOST_TEST(get(server.url())->body == "next");
    BOOST_TEST(server.connections() == 1);
}

BOOST_AUTO_TEST_CASE(large_bodies_go_both_ways)
{
    const std::string large(5'000'000, 'x');
    scripted_server server([](peer& p, int) {
        const std::string request = p.read_request();
        p.answer(std::string_view(request).substr(request.find("\r\n\r\n") + 4));
    });
    const auto response = send(request_to(server.url(), "PUT", large));
    BOOST_TEST_REQUIRE(response.has_value());
    BOOST_CHECK(response->body == large);
}

BOOST_AUTO_TEST_CASE(gigabyte_is_refused_without_reading_it)
{
    std::size_t sent = 0;
    scripted_server server([&](peer& p, int) {
        p.read_request();
        p.send("HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n");
        for (const std::string piece(65536, 'x');; sent += piece.size())
            p.send(piece);
    });
    BOOST_TEST(failed_with(get(server.url()), http_error::body_too_large));
    server.wait_for_ended(1);
    BOOST_TEST(sent < (std::size_t{64} << 20));
}

BOOST_AUTO_TEST_CASE(body_without_end_stops_at_the_limit)
{
    scripted_server server([&](peer& p, int) {
        p.read_request();
        p.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
        for (;;)
            p.send("5\r\nabcde\r\n");
    });
    http_request r = request_to(server.url());
    r.max_body = 10'000;
    BOOST_TEST(failed_with(send(r), http_error::body_too_large));
    server.wait_for_ended(1);
}

BOOST_AUTO_TEST_CASE(body_that_falls_short_of_its_length_is_lost)
{
    scripted_server server(says("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort"));
    BOOST_TEST(failed_with(get(server.url()), http_error::connection_lost));
}

BOOST_AUTO_TEST_CASE(body_longer_than_its_length_spoils_the_connection_only)
{
    scripted_server server(says("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok and more"));
    BOOST_TEST(get(server.url())->body == "ok");
    BOOST_TEST(get(server.url())->body == "ok");
    BOOST_TEST(server.connections() == 2);
}

BOOST_AUTO_TEST_CASE(what_is_no_http_is_malformed)
{
    scripted_server server(says("220 smtp.example ESMTP\r\n\r\n"));
    BOOST_TEST(failed_with(get(server.url()), http_error::malformed));
    BOOST_TEST(client.last_error_detail().find("not valid HTTP") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(answer_before_the_whole_request_was_taken_is_heard)
{
    scripted_server server([](peer& p, int) {
        p.read_bytes(10);
        p.send("HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        p.wait_for_end();
    });
    const auto response = send(request_to(server.url(), "POST", std::string(1000, 'x')));
    BOOST_TEST_REQUIRE(response.has_value());
    BOOST_TEST(response->status == 413u);
}

BOOST_AUTO_TEST_CASE(server_that_closes_after_the_request_leaves_the_outcome_unknown)
{
    scripted_server server([](peer& p, int) { p.read_request(); });
    const auto r = send(request_to(server.url(), "POST", "x"));
    BOOST_TEST(failed_with(r, http_error::connection_lost));
    BOOST_TEST(!surely_not_sent(r.error()));
    BOOST_TEST(failed_with(get(server.url()), http_error::connection_lost));
    BOOST_TEST(server.connections() == 2);
}

BOOST_AUTO_TEST_CASE(reset_after_the_request_leaves_the_outcome_unknown)
{
    scripted_server server([](peer& p, int) {
        p.read_request();
        p.reset();
    });
    BOOST_TEST(failed_with(send(request_to(server.url(), "POST", "x")), http_error::connection_lost));
}

BOOST_AUTO_TEST_CASE(nobody_listening_is_a_failure_to_connect)
{
    const auto r = get(fmt::format("http://127.0.0.1:{}/", unused_port()));
    BOOST_TEST(failed_with(r, http_error::connect_failed));
    BOOST_TEST(surely_not_sent(r.error()));
    BOOST_TEST(client.last_error_detail().find("refused") != std::string::npos);
    BOOST_TEST(client.connections_opened() == 0u);
}

BOOST_AUTO_TEST_CASE(unknown_host_is_a_failure_to_resolve)
{
    BOOST_TEST(failed_with(get("http://no-such-host.invalid/"), http_error::resolve_failed));
    BOOST_TEST(client.last_error_detail().find("no-such-host.invalid") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(name_with_several_addresses_is_tried_to_the_end)
{
    // localhost is ::1 and 127.0.0.1 on most machines; the server listens on the latter.
    scripted_server server([](peer& p, int) {
        p.read_request();
        p.answer("found");
    });
    BOOST_TEST(get(fmt::format("http://localhost:{}/", server.port()))->body == "found");
}

BOOST_AUTO_TEST_CASE(request_that_cannot_be_sent_is_refused_before_any_connection)
{
    scripted_server server(says("HTTP/1.1 200 OK\r\n\r\n"));
    http_request r = request_to(server.url());
    r.headers = {{"Authorization", "Bearer s3cret\r\nEvil: yes"}};
    BOOST_TEST(failed_with(send(r), http_error::bad_url));
    BOOST_TEST(client.last_error_detail().find("s3cret") == std::string::npos);
    BOOST_TEST(failed_with(get(server.url("/a b")), http_error::bad_url));
    BOOST_TEST(failed_with(get("nonsense"), http_error::bad_url));
    BOOST_TEST(client.connections_opened() == 0u);
}

BOOST_AUTO_TEST_CASE(unix_socket_is_spoken_to)
{
    const std::string path = fmt::format("/tmp/potoo-net-{}.sock", ::getpid());
    ::unlink(path.c_str());
    std::string seen;
    {
        scripted_server server(
            [&](peer& p, int) {
                seen = p.read_request();
                p.answer("local");
                p.wait_for_end();
            },
            nullptr, path);
        BOOST_TEST(get(server.url("/v1/info?x=1"))->body == "local");
        BOOST_TEST(seen.rfind("GET /v1/info?x=1 HTTP/1.1\r\nHost: localhost\r\n", 0) == 0u);
        client.close_unused();
    }
    ::unlink(path.c_str());
    BOOST_TEST(failed_with(get("unix:" + path + ":/"), http_error::connect_failed));
}

BOOST_AUTO_TEST_SUITE_END()
