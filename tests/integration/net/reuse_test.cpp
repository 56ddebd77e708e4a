// Which connection a request takes.

#include "tests/integration/net/client_fixture.hpp"

#include <fmt/format.h>

#include <array>
#include <barrier>
#include <list>
#include <vector>

using namespace potoo;
using namespace potoo::test;

namespace {

struct four_connections : client_fixture
{
    static http_options options()
    {
        http_options o;
        o.connections_per_origin = 4;
        return o;
    }

    four_connections() : client_fixture(options()) {}
};

struct short_idle : client_fixture
{
    static http_options options()
    {
        http_options o;
        o.idle_timeout = duration(20);
        return o;
    }

    short_idle() : client_fixture(options()) {}
};

void answers_all(peer& p, int)
{
    for (;;) {
        p.read_request();
        p.answer("ok");
    }
}

/// The first connection answers once and closes unseen: the client has already been told that it may go on.
scripted_server::script closes_once_the_second_request_is_there()
{
    return [](peer& p, int number) {
        p.read_request();
        p.answer("ok");
        if (number == 1) {
            p.read_request();
            return;
        }
        p.wait_for_end();
    };
}

} // namespace

BOOST_AUTO_TEST_SUITE(connection_reuse)

BOOST_FIXTURE_TEST_CASE(many_polls_use_one_connection, client_fixture)
{
    scripted_server server(answers_all);
    for (int i = 0; i < 50; ++i)
        BOOST_TEST(get(server.url(fmt::format("/{}", i)))->body == "ok");
    BOOST_TEST(client.connections_opened() == 1u);
    BOOST_TEST(server.connections() == 1);
}

BOOST_FIXTURE_TEST_CASE(two_hundred_requests_keep_their_order_over_four_connections, four_connections)
{
    constexpr int requests = 200;
    // Nobody is answered before all four connections have brought a request, so each round of four is the next in line.
    std::barrier round(4);
    std::array<std::vector<int>, 4> arrived;
    scripted_server server([&](peer& p, int number) {
        for (;;) {
            const std::string request = p.read_request();
            arrived.at(static_cast<std::size_t>(number) - 1)
                .push_back(std::stoi(request.substr(request.find('/') + 1)));
            round.arrive_and_wait();
            p.answer("ok");
        }
    });
    std::list<exchange> all;
    for (int i = 0; i < requests; ++i)
        all.emplace_back(loop, client.send(request_to(server.url(fmt::format("/{}", i)))));
    for (exchange& e : all) {
        finish(e);
        BOOST_TEST(e.take()->body == "ok");
    }
    BOOST_TEST(client.connections_opened() == 4u);
    BOOST_TEST(server.connections() == 4);
    for (const std::vector<int>& on_one_connection : arrived) {
        BOOST_TEST_REQUIRE(on_one_connection.size() == static_cast<std::size_t>(requests / 4));
        for (std::size_t i = 0; i < on_one_connection.size(); ++i)
            BOOST_TEST(on_one_connection[i] / 4 == static_cast<int>(i));
    }
}

BOOST_FIXTURE_TEST_CASE(connection_that_the_server_closed_is_not_used_again, client_fixture)
{
    scripted_server server([](peer& p, int) {
        p.read_request();
        p.answer("ok");
    });
    BOOST_TEST(get(server.url())->body == "ok");
    server.wait_for_ended(1);
    // Even a POST: the closed connection is noticed before anything is sent.
    BOOST_TEST(send(request_to(server.url(), "POST", "x"))->body == "ok");
    BOOST_TEST(server.connections() == 2);
}

BOOST_FIXTURE_TEST_CASE(idempotent_request_is_repeated_when_a_kept_connection_turns_out_closed, client_fixture)
{
    scripted_server server(closes_once_the_second_request_is_there());
    BOOST_TEST(get(server.url())->body == "ok");
    BOOST_TEST(get(server.url())->body == "ok");
    BOOST_TEST(server.connections() == 2);
}

BOOST_FIXTURE_TEST_CASE(post_is_never_repeated, client_fixture)
{
    scripted_server server(closes_once_the_second_request_is_there());
    BOOST_TEST(get(server.url())->body == "ok");
    BOOST_TEST(failed_with(send(request_to(server.url(), "POST", "x")), http_error::connection_lost));
    BOOST_TEST(server.connections() == 1);
}

BOOST_FIXTURE_TEST_CASE(request_that_was_answered_in_part_is_not_repeated, client_fixture)
{
    scripted_server server([](peer& p, int) {
        p.read_request();
        p.answer("ok");
        p.read_request();
        p.send("HTTP/1.1 2");
    });
    BOOST_TEST(get(server.url())->body == "ok");
    BOOST_TEST(failed_with(get(server.url()), http_error::connection_lost));
    BOOST_TEST(server.connections() == 1);
}

BOOST_FIXTURE_TEST_CASE(close_is_honoured_whoever_asks_for_it, client_fixture)
{
    scripted_server server([](peer& p, int number) {
        for (;;) {
            p.read_request();
            p.send(fmt::format("HTTP/1.1 200 OK\r\n{}Content-Length: 0\r\n\r\n",
                               number == 1 ? "Connection: close\r\n" : ""));
        }
    });
    BOOST_TEST(get(server.url()).has_value());
    http_request r = request_to(server.url());
    r.headers = {{"Connection", "close"}};
    BOOST_TEST(send(r).has_value());
    BOOST_TEST(get(server.url()).has_value());
    BOOST_TEST(server.connections() == 3);
}

BOOST_FIXTURE_TEST_CASE(unasked_words_of_the_server_spoil_the_connection, client_fixture)
{
    scripted_server server([](peer& p, int number) {
        p.read_request();
        p.answer("ok");
        if (number == 1) {
            p.send("HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n");
            return;
        }
        p.wait_for_end();
    });
    BOOST_TEST(get(server.url())->body == "ok");
    server.wait_for_ended(1);
    BOOST_TEST(get(server.url())->body == "ok");
}

BOOST_FIXTURE_TEST_CASE(unused_connection_is_closed_after_a_while, short_idle)
{
    scripted_server server([](peer& p, int) {
        p.read_request();
        p.answer("ok");
        p.wait_for_end();
    });
    BOOST_TEST(get(server.url())->body == "ok");
    context.restart();
    context.run();
    server.wait_for_ended(1);
    BOOST_TEST(get(server.url())->body == "ok");
    BOOST_TEST(server.connections() == 2);
}

BOOST_FIXTURE_TEST_CASE(closing_what_is_unused_lets_the_loop_end, client_fixture)
{
    scripted_server server(answers_all);
    http_request r = request_to(server.url());
    r.deadline = loop.now() + std::chrono::hours(1);
    BOOST_TEST(send(r)->body == "ok");
    BOOST_TEST(loop.timers() > 0u);
    client.close_unused();
    BOOST_TEST(loop.timers() == 0u);
    context.restart();
    context.run();
    server.wait_for_ended(1);
}

BOOST_FIXTURE_TEST_CASE(origins_nobody_asks_any_more_are_forgotten_and_others_kept, client_fixture)
{
    scripted_server server(answers_all);
    BOOST_TEST(get(server.url())->body == "ok");
    for (int port = 1; port < 200; ++port)
        BOOST_TEST(get(fmt::format("http://127.0.0.1:{}/", unused_port())).has_error());
    BOOST_TEST(get(server.url())->body == "ok");
    BOOST_TEST(server.connections() == 1);
}

BOOST_AUTO_TEST_SUITE_END()
