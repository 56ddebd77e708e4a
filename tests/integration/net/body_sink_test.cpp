// Bodies that are passed on as they come, over a real connection.

#include "tests/integration/net/client_fixture.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <future>

using namespace potoo;
using namespace potoo::test;

namespace {

struct kept_pieces
{
    std::string text;

    http_request to(std::string url)
    {
        http_request r = request_to(std::move(url));
        r.max_body = 1;
        r.body_sink = [this](std::string_view piece) {
            text += piece;
            return true;
        };
        return r;
    }
};

void chunks_for_all(peer& p, int)
{
    for (;;) {
        p.read_request();
        p.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n");
        p.send("1\r\n!\r\n0\r\n\r\n");
    }
}

void begins_and_hangs(peer& p, int)
{
    p.read_request();
    p.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n");
    p.wait_for_end();
}

} // namespace

BOOST_AUTO_TEST_SUITE(body_sink)

BOOST_FIXTURE_TEST_CASE(gets_the_body_and_the_connection_is_kept, client_fixture)
{
    scripted_server server(chunks_for_all);
    kept_pieces kept;
    for (int i = 0; i < 3; ++i) {
        const auto r = send(kept.to(server.url()));
        BOOST_TEST_REQUIRE(r.has_value());
        BOOST_TEST(r->status == 200u);
        BOOST_TEST(r->body.empty());
    }
    BOOST_TEST(kept.text == "hello!hello!hello!");
    BOOST_TEST(get(server.url())->body == "hello!");
    BOOST_TEST(server.connections() == 1);
}

BOOST_FIXTURE_TEST_CASE(gets_the_body_from_a_unix_socket, client_fixture)
{
    const auto path = std::filesystem::temp_directory_path() / fmt::format("potoo-sink-{}.sock", ::getpid());
    scripted_server server(chunks_for_all, nullptr, path.string());
    kept_pieces kept;
    BOOST_TEST_REQUIRE(send(kept.to(server.url())).has_value());
    BOOST_TEST(kept.text == "hello!");
}

BOOST_FIXTURE_TEST_CASE(gets_each_piece_before_the_next_is_there, client_fixture)
{
    std::promise<void> seen;
    scripted_server server([&](peer& p, int) {
        p.read_request();
        p.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nfirst");
        seen.get_future().wait();
        p.send("later");
        p.wait_for_end();
    });
    http_request r = request_to(server.url());
    std::vector<std::string> pieces;
    r.body_sink = [&](std::string_view piece) {
        pieces.emplace_back(piece);
        if (pieces.size() == 1)
            seen.set_value();
        return true;
    };
    BOOST_TEST_REQUIRE(send(std::move(r)).has_value());
    BOOST_TEST(pieces == (std::vector<std::string>{"first", "later"}), boost::test_tools::per_element());
}

BOOST_FIXTURE_TEST_CASE(other_statuses_are_kept_as_ever, client_fixture)
{
    scripted_server server([](peer& p, int) {
        p.read_request();
        p.send("HTTP/1.1 404 No\r\nContent-Length: 1\r\n\r\n?");
        p.wait_for_end();
    });
    kept_pieces kept;
    const auto r = send(kept.to(server.url()));
    BOOST_TEST_REQUIRE(r.has_value());
    BOOST_TEST(r->body == "?");
    BOOST_TEST(kept.text.empty());
}

BOOST_FIXTURE_TEST_CASE(that_wants_no_more_closes_the_connection, client_fixture)
{
    scripted_server server(begins_and_hangs);
    http_request r = request_to(server.url());
    r.body_sink = [](std::string_view) { return false; };
    BOOST_TEST(failed_with(send(std::move(r)), http_error::stopped));
    BOOST_TEST(client.last_error_detail().find("not wanted") != std::string::npos);
    server.wait_for_ended(1);
}

BOOST_FIXTURE_TEST_CASE(waits_no_longer_than_the_deadline, client_fixture)
{
    scripted_server server(begins_and_hangs);
    kept_pieces kept;
    http_request r = kept.to(server.url());
    r.deadline = soon();
    BOOST_TEST(failed_with(send(std::move(r)), http_error::timed_out));
    BOOST_TEST(kept.text == "hello");
    server.wait_for_ended(1);
}

BOOST_FIXTURE_TEST_CASE(of_a_cancelled_branch_closes_the_connection, client_fixture)
{
    scripted_server server(begins_and_hangs);
    http_request r = request_to(server.url());
    std::unique_ptr<exchange> e;
    r.body_sink = [&](std::string_view) {
        boost::asio::post(context, [&] { e->cancel(cancel_reason::user); });
        return true;
    };
    e = std::make_unique<exchange>(loop, client.send(std::move(r)));
    finish(*e);
    BOOST_CHECK(e->ended_by() == cancel_reason::user);
    server.wait_for_ended(1);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(clients_with_other_options)

BOOST_FIXTURE_TEST_CASE(are_the_same_for_equal_options, client_fixture)
{
    http_options other;
    other.server_name = "x.example";
    http_client& first = client.with(other);
    BOOST_TEST((&first != static_cast<http_client*>(&client)));
    BOOST_TEST((&client.with(other) == &first));
    other.ca_pem = "y";
    BOOST_TEST((&client.with(other) != &first));
    BOOST_TEST((&client.with(http_options{}) == static_cast<http_client*>(&client)));
}

BOOST_FIXTURE_TEST_CASE(keep_connections_of_their_own, client_fixture)
{
    scripted_server server(chunks_for_all);
    http_options other;
    other.connections_per_origin = 3;
    exchange e(loop, client.with(other).send(request_to(server.url())));
    finish(e);
    BOOST_TEST(e.take()->body == "hello!");
    BOOST_TEST(get(server.url())->body == "hello!");
    BOOST_TEST(server.connections() == 2);
    BOOST_TEST(client.connections_opened() == 2u);
    client.close_unused();
    server.wait_for_ended(2);
    BOOST_TEST(loop.timers() == 0u);
}

/// One that keeps no client any longer than it is used.
struct forgetful_fixture : client_fixture
{
    forgetful_fixture() : client_fixture({}, {}, duration{0}) {}

    static http_options certificate(int renewal)
    {
        http_options o;
        o.server_name = "x" + std::to_string(renewal);
        return o;
    }
};

BOOST_FIXTURE_TEST_CASE(go_when_nobody_uses_them_any_more, forgetful_fixture)
{
    scripted_server server(chunks_for_all);
    for (int renewal = 0; renewal < 5; ++renewal) {
        exchange e(loop, client.with(certificate(renewal)).send(request_to(server.url())));
        finish(e);
        client.close_unused();
    }
    BOOST_TEST(client.clients() == 2u);
    BOOST_TEST(client.connections_opened() == 5u);
}

BOOST_FIXTURE_TEST_CASE(stay_while_they_are_used, forgetful_fixture)
{
    scripted_server server(chunks_for_all);
    http_client& sending = client.with(certificate(0));
    exchange e(loop, sending.send(request_to(server.url())));
    const auto prepared = client.with(certificate(1)).prepare(request_to(server.url("/blank")), "blank");
    BOOST_TEST(prepared);
    (void)client.with(certificate(2));
    BOOST_TEST(client.clients() == 4u);
    finish(e);
    // Its connection is kept.
    (void)client.with(certificate(3));
    BOOST_TEST((&client.with(certificate(0)) == &sending));
    client.close_unused();
    (void)client.with(certificate(4));
    BOOST_TEST(client.clients() == 3u);
}

BOOST_FIXTURE_TEST_CASE(stay_for_a_while_without_use, client_fixture)
{
    http_options other;
    other.server_name = "x";
    const http_client& first = client.with(other);
    other.server_name = "y";
    (void)client.with(other);
    other.server_name = "x";
    BOOST_TEST((&client.with(other) == &first));
    BOOST_TEST(client.clients() == 3u);
}

BOOST_AUTO_TEST_SUITE_END()
