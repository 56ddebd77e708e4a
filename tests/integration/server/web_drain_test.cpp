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

task<> says_goodbye(web::body_writer& out, counter& told)
{
    co_await told.reached(1);
    auto last = std::make_shared<const std::string>("bye");
    co_await out.write(std::move(last));
}

task<web::reply> streams_until(counter& told)
{
    web::reply r;
    r.stream = [&told](web::body_writer& out) { return says_goodbye(out, told); };
    co_return r;
}

task<> says_goodbye_over(web::websocket& s, counter& told)
{
    co_await told.reached(1);
    auto last = std::make_shared<const std::string>("bye");
    co_await s.send(std::move(last));
    co_await s.close(1001, "stopping");
}

task<web::reply> talks_and_says_goodbye(counter& told)
{
    web::reply r;
    r.talk = [&told](web::websocket& s) { return says_goodbye_over(s, told); };
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

BOOST_AUTO_TEST_CASE(request_that_has_not_come_whole_holds_nothing_up)
{
    web_world<virtual_loop> w;
    raw_client in_head = w.connect();
    in_head.send("GET / HTTP/1.1\r\nHo");
    w.run_until([&] { return w.server->stats().open == 1; });
    raw_client in_body = w.connect();
    in_body.send("POST / HTTP/1.1\r\nHost: here\r\nContent-Length: 10\r\n\r\nabc");
    w.run_until([&] { return w.server->stats().requests == 1; });
    w.run(w.server->drain(w.loop.now() + 1h));
    BOOST_TEST(w.loop.elapsed() < 1s);
    BOOST_TEST(w.run(in_head.read_all()).empty());
    BOOST_TEST(w.run(in_body.read_all()).empty());
}

BOOST_AUTO_TEST_CASE(stream_that_ends_by_itself_ends_whole)
{
    web_world<virtual_loop> w;
    counter told;
    w.handler.answering = [&](web::request) { return streams_until(told); };
    raw_client c = w.connect();
    c.send(get("/", ""));
    w.run(c.read_until("\r\n\r\n"));
    runner<void> draining(w.loop, w.server->drain(w.loop.now() + 1h));
    w.loop.run_present();
    told.increment();
    BOOST_TEST(w.run(c.read_all()) == "3\r\nbye\r\n0\r\n\r\n");
    w.run_until([&] { return draining.ended(); });
    BOOST_TEST(w.loop.elapsed() < 1s);
}

BOOST_AUTO_TEST_CASE(stream_that_does_not_end_is_cut_off)
{
    web_world<virtual_loop> w;
    counter never;
    w.handler.answering = [&](web::request) { return streams_until(never); };
    raw_client c = w.connect();
    c.send(get("/", ""));
    w.run(c.read_until("\r\n\r\n"));
    w.run(w.server->drain(w.loop.now() + 1h));
    BOOST_TEST(w.loop.elapsed() < 2s);
    BOOST_TEST(w.run(c.read_all()).empty());
}

BOOST_AUTO_TEST_CASE(websocket_has_time_for_its_last_message)
{
    web_world<virtual_loop> w;
    counter told;
    w.handler.answering = [&](web::request) { return talks_and_says_goodbye(told); };
    raw_client c = w.connect();
    c.send(get("/", upgrade));
    w.run(c.read_until("\r\n\r\n"));
    w.run_until([&] { return w.server->stats().websockets == 1; });
    runner<void> draining(w.loop, w.server->drain(w.loop.now() + 1h));
    w.loop.run_present();
    told.increment();
    const std::string last = w.run(c.read_bytes(9));
    BOOST_TEST(last.substr(2, 3) == "bye");
    BOOST_TEST((last.substr(7) == "\x03\xe9")); // 1001
    c.close();
    w.run_until([&] { return draining.ended(); });
}

BOOST_AUTO_TEST_CASE(websocket_is_told_that_the_server_goes)
{
    web_world<virtual_loop> w;
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
