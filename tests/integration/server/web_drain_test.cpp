#include "tests/integration/server/web_world.hpp"

#include <potoo/wait.hpp>

using namespace potoo;
using namespace potoo::test;
using namespace std::chrono_literals;

namespace {

const char* const upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

task<web::reply> answers_when(counter& c)
{
    co_await c.reached(1);
    web::reply r;
    r.body = "done";
    co_return r;
}

task<> waits(web::websocket&, counter& c)
{
    co_await c.reached(1);
}

task<web::reply> talks_until(counter& c)
{
    web::reply r;
    r.talk = [&c](web::websocket& s) { return waits(s, c); };
    co_return r;
}

} // namespace

BOOST_AUTO_TEST_SUITE(web_drain)

BOOST_AUTO_TEST_CASE(idle_connections_are_closed_and_none_accepted)
{
    web_world w;
    raw_client idle = w.connect();
    idle.send(get("/", ""));
    w.run(idle.read_reply());
    w.run(w.server->drain(w.loop.now() + 1h));
    BOOST_TEST(w.run(idle.read_all()).empty());
    BOOST_TEST(w.server->stats().open == 0u);
    BOOST_CHECK_THROW(w.connect(), boost::system::system_error);
}

BOOST_AUTO_TEST_CASE(request_under_way_is_answered_and_is_the_last)
{
    web_world w;
    counter go;
    w.handler.answering = [&](web::request) { return answers_when(go); };
    raw_client c = w.connect();
    c.send(get("/", ""));
    w.run_until([&] { return !w.handler.asked.empty(); });
    runner<void> draining(w.loop, w.server->drain(w.loop.now() + 1h));
    w.context.poll();
    BOOST_TEST(!draining.ended());
    go.increment();
    const std::string reply = w.run(c.read_all());
    BOOST_TEST(contains(reply, "done"));
    BOOST_TEST(contains(reply, "Connection: close\r\n"));
    w.run_until([&] { return draining.ended(); });
}

BOOST_AUTO_TEST_CASE(websocket_is_told_that_the_server_goes)
{
    web_world w;
    counter never;
    w.handler.answering = [&](web::request) { return talks_until(never); };
    raw_client c = w.connect();
    c.send(get("/", upgrade));
    w.run(c.read_until("\r\n\r\n"));
    w.run_until([&] { return w.server->stats().websockets == 1; });
    runner<void> draining(w.loop, w.server->drain(w.loop.now() + 1h));
    const std::string goodbye = w.run(c.read_bytes(4));
    BOOST_TEST((goodbye.substr(2) == "\x03\xe9")); // 1001
    c.close();
    w.run_until([&] { return draining.ended(); });
}

BOOST_AUTO_TEST_CASE(deadline_ends_what_does_not_end)
{
    web_world<virtual_loop> w;
    counter never;
    w.handler.answering = [&](web::request) { return answers_when(never); };
    raw_client c = w.connect();
    c.send(get("/", ""));
    w.run_until([&] { return !w.handler.asked.empty(); });
    w.run(w.server->drain(w.loop.now() + 20s));
    BOOST_TEST(w.loop.elapsed() >= 20s);
    BOOST_TEST(w.server->stats().open == 0u);
    BOOST_TEST(w.run(c.read_all()).empty());
}

BOOST_AUTO_TEST_CASE(server_may_go_while_requests_are_answered)
{
    web_world w;
    counter never;
    w.handler.answering = [&](web::request) { return answers_when(never); };
    std::vector<raw_client> clients;
    for (int i = 0; i < 5; ++i) {
        clients.push_back(w.connect());
        clients.back().send(get("/", ""));
    }
    w.run_until([&] { return w.handler.asked.size() == 5; });
    w.server.reset();
    for (raw_client& c : clients)
        BOOST_TEST(w.run(c.read_all()).empty());
}

BOOST_AUTO_TEST_SUITE_END()
