// Cancelled or destroyed at each point where it waits, an exchange leaves nothing behind. Run under the sanitizers.

#include "tests/integration/net/certificates.hpp"
#include "tests/integration/net/client_fixture.hpp"

#include <potoo/detail/frame_slab.hpp>

#include <fmt/format.h>

using namespace potoo;
using namespace potoo::test;

namespace {

void slow_and_large(peer& p, int)
{
    for (;;) {
        p.read_request();
        p.send("HTTP/1.1 100 Continue\r\n\r\n");
        p.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
        for (int i = 0; i < 3; ++i)
            p.send("5\r\nabcde\r\n");
        p.send("0\r\n\r\n");
    }
}

http_options trusting()
{
    http_options o;
    o.ca_file = shared_certificates().file("ca.pem");
    o.connections_per_origin = 1;
    return o;
}

http_request large_request(const scripted_server& server, bool tls)
{
    http_request r = request_to(fmt::format("{}://localhost:{}/", tls ? "https" : "http", server.port()), "POST",
                                std::string(3'000'000, 'x'));
    return r;
}

/// Two exchanges over one connection: one waits in line for the other.
struct two_exchanges
{
    client_fixture world{trusting()};
    std::unique_ptr<exchange> first;
    std::unique_ptr<exchange> second;

    two_exchanges(const scripted_server& server, bool tls)
    {
        http_request r = large_request(server, tls);
        r.deadline = world.loop.now() + std::chrono::hours(1);
        first = std::make_unique<exchange>(world.loop, world.client.send(r));
        second = std::make_unique<exchange>(world.loop, world.client.send(r));
    }

    bool run(int steps)
    {
        for (int i = 0; i < steps && !ended(); ++i)
            world.context.run_one();
        return !ended();
    }

    bool ended() const { return first->ended() && second->ended(); }
};

void cancel_at_each_point(scripted_server& server, bool tls)
{
    int steps = 0;
    for (bool unfinished = true; unfinished; ++steps) {
        two_exchanges t(server, tls);
        unfinished = t.run(steps);
        t.first->cancel(cancel_reason::user);
        t.second->cancel(cancel_reason::shutdown);
        t.world.finish(*t.first);
        t.world.finish(*t.second);
        const auto reason = t.first->ended_by();
        BOOST_TEST((reason == cancel_reason::user || reason == cancel_reason::none));
        t.world.client.close_unused();
        BOOST_TEST(t.world.loop.timers() == 0u);
        t.world.context.run();
    }
    BOOST_TEST(steps > 8);
}

void destroy_at_each_point(scripted_server& server, bool tls)
{
    const std::size_t before = detail::frame_bytes_in_use();
    int steps = 0;
    for (bool unfinished = true; unfinished; ++steps) {
        two_exchanges t(server, tls);
        unfinished = t.run(steps);
        t.second.reset();
        t.first.reset();
        t.world.client.close_unused();
        BOOST_TEST(t.world.loop.timers() == 0u);
        t.world.context.run();
    }
    BOOST_TEST(steps > 8);
    BOOST_TEST(detail::frame_bytes_in_use() == before);
}

} // namespace

BOOST_AUTO_TEST_SUITE(every_point_of_an_exchange)

BOOST_AUTO_TEST_CASE(may_be_cancelled)
{
    scripted_server server(slow_and_large);
    cancel_at_each_point(server, false);
}

BOOST_AUTO_TEST_CASE(may_be_cancelled_over_tls)
{
    scripted_server server(slow_and_large, shared_certificates().context("server"));
    cancel_at_each_point(server, true);
}

BOOST_AUTO_TEST_CASE(may_be_destroyed)
{
    scripted_server server(slow_and_large);
    destroy_at_each_point(server, false);
}

BOOST_AUTO_TEST_CASE(may_be_destroyed_over_tls)
{
    scripted_server server(slow_and_large, shared_certificates().context("server"));
    destroy_at_each_point(server, true);
}

BOOST_FIXTURE_TEST_CASE(cancelled_exchange_closes_its_connection, client_fixture)
{
    scripted_server server([](peer& p, int) {
        p.read_request();
        p.wait_for_end();
    });
    exchange e(loop, client.send(request_to(server.url())));
    while (client.connections_opened() == 0)
        context.run_one();
    e.cancel(cancel_reason::user);
    finish(e);
    BOOST_CHECK(e.ended_by() == cancel_reason::user);
    server.wait_for_ended(1);
}

BOOST_AUTO_TEST_SUITE_END()
