#include "tests/integration/server/web_world.hpp"

#include <potoo/concurrency.hpp>
#include <potoo/wait.hpp>

using namespace potoo;
using namespace potoo::test;
using namespace std::chrono_literals;

namespace {

task<> pours(web::body_writer& out, bool& stopped)
{
    const auto piece = std::make_shared<const std::string>(100'000, 'x');
    try {
        for (;;)
            co_await out.write(piece);
    } catch (const cancelled&) {
        stopped = true;
        throw;
    }
}

task<web::reply> pouring(bool& stopped)
{
    web::reply r;
    r.stream = [&stopped](web::body_writer& out) { return pours(out, stopped); };
    co_return r;
}

task<web::reply> answers_when(counter& c)
{
    co_await c.reached(1);
    web::reply r;
    r.body = "done";
    co_return r;
}

std::string post(const std::string& body)
{
    return fmt::format("POST / HTTP/1.1\r\nHost: here\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{}",
                       body.size(), body);
}

task<web::reply> large(web::request)
{
    web::reply r;
    r.body.assign(50'000'000, 'x');
    co_return r;
}

} // namespace

BOOST_AUTO_TEST_SUITE(web_limits)

BOOST_AUTO_TEST_CASE(client_that_says_nothing_is_closed)
{
    web_world<virtual_loop> w;
    raw_client c = w.connect();
    BOOST_TEST(w.run(c.read_all()).empty());
    BOOST_TEST(w.loop.elapsed() >= 10s);
    BOOST_TEST(w.server->stats().open == 0u);
}

BOOST_AUTO_TEST_CASE(slow_head_is_408_however_steadily_it_comes)
{
    web_world<virtual_loop> w;
    raw_client c = w.connect();
    const auto trickle = [](web_world<virtual_loop>& world, raw_client& client) -> task<> {
        client.send("GET / HTTP/1.1\r\nHost: here\r\n");
        for (int i = 0; i < 9; ++i) {
            co_await sleep_for(2s);
            client.send("X: y\r\n");
        }
        BOOST_TEST(world.server->stats().open == 0u);
    };
    w.run(trickle(w, c));
    BOOST_TEST(status_of(w.run(c.read_all())) == 408u);
    BOOST_TEST(w.handler.asked.empty());
}

BOOST_AUTO_TEST_CASE(slow_body_is_408)
{
    web_world<virtual_loop> w;
    raw_client c = w.connect();
    c.send("POST / HTTP/1.1\r\nHost: here\r\nContent-Length: 10\r\n\r\nabc");
    BOOST_TEST(status_of(w.run(c.read_all())) == 408u);
    BOOST_TEST(w.loop.elapsed() >= 60s);
    BOOST_TEST(w.handler.asked.empty());
}

BOOST_AUTO_TEST_CASE(idle_connection_is_closed_without_a_word)
{
    web_world<virtual_loop> w;
    raw_client c = w.connect();
    c.send(get("/", ""));
    BOOST_TEST(status_of(w.run(c.read_reply())) == 200u);
    BOOST_TEST(w.run(c.read_all()).empty());
    BOOST_TEST(w.loop.elapsed() >= 75s);
}

BOOST_AUTO_TEST_CASE(time_for_a_head_begins_with_its_first_byte)
{
    web_world<virtual_loop> w;
    raw_client c = w.connect();
    c.send(get("/", ""));
    BOOST_TEST(status_of(w.run(c.read_reply())) == 200u);
    const auto later = [](raw_client& client) -> task<std::string> {
        co_await sleep_for(60s);
        client.send(get("/", ""));
        std::string reply = co_await client.read_reply();
        co_return reply;
    };
    BOOST_TEST(status_of(w.run(later(c))) == 200u);
}

BOOST_AUTO_TEST_CASE(client_that_does_not_read_is_closed)
{
    web_world<virtual_loop> w;
    w.handler.answering = large;
    raw_client c = w.connect();
    c.send(get("/", ""));
    w.run_until([&] { return w.server->stats().requests == 1; });
    w.run_until([&] { return w.server->stats().open == 0; });
    BOOST_TEST(w.loop.elapsed() >= 30s);
}

BOOST_AUTO_TEST_CASE(stream_to_a_client_that_does_not_read_is_stopped)
{
    web_world<virtual_loop> w;
    bool stopped = false;
    w.handler.answering = [&](web::request) { return pouring(stopped); };
    raw_client c = w.connect();
    c.send(get("/", ""));
    w.run_until([&] { return stopped; });
    w.run_until([&] { return w.server->stats().open == 0; });
    BOOST_TEST(w.loop.elapsed() >= 30s);
}

BOOST_AUTO_TEST_CASE(connections_beyond_the_limit_get_503)
{
    web::server_options options;
    options.limits.connections = 3;
    web_world w(options);
    counter go;
    w.handler.answering = [&](web::request) { return answers_when(go); };
    std::vector<raw_client> clients;
    for (int i = 0; i < 3; ++i) {
        clients.push_back(w.connect());
        clients.back().send(get("/"));
    }
    w.run_until([&] { return w.handler.asked.size() == 3; });
    raw_client fourth = w.connect();
    const std::string refused = w.run(fourth.read_all());
    BOOST_TEST(status_of(refused) == 503u);
    BOOST_TEST(contains(refused, "Retry-After: "));
    BOOST_TEST(w.server->stats().refused == 1u);
    go.increment();
    for (raw_client& c : clients)
        BOOST_TEST(status_of(w.run(c.read_all())) == 200u);
    BOOST_TEST(status_of(w.ask(get("/"))) == 200u);
}

BOOST_AUTO_TEST_CASE(connections_that_have_not_asked_yet_keep_nobody_out)
{
    web::server_options options;
    options.limits.connections = 2;
    web_world w(options);
    raw_client silent = w.connect();
    w.run_until([&] { return w.server->stats().open == 1; });
    raw_client slow = w.connect();
    slow.send("GET / HTTP/1.1\r\nHo");
    w.run_until([&] { return w.server->stats().open == 2; });
    BOOST_TEST(status_of(w.ask(get("/"))) == 200u);
    BOOST_TEST(w.run(silent.read_all()).empty());
    slow.send("st: here\r\nConnection: close\r\n\r\n");
    BOOST_TEST(status_of(w.run(slow.read_all())) == 200u);
    BOOST_TEST(w.server->stats().refused == 0u);
}

BOOST_AUTO_TEST_CASE(connections_that_nobody_uses_keep_nobody_out)
{
    web::server_options options;
    options.limits.connections = 2;
    web_world w(options);
    raw_client first = w.connect();
    first.send(get("/first", ""));
    w.run(first.read_reply());
    raw_client second = w.connect();
    second.send(get("/second", ""));
    w.run(second.read_reply());
    raw_client third = w.connect();
    third.send(get("/third", ""));
    BOOST_TEST(status_of(w.run(third.read_reply())) == 200u);
    BOOST_TEST(w.run(first.read_all()).empty());
    second.send(get("/second", ""));
    BOOST_TEST(status_of(w.run(second.read_reply())) == 200u);
    BOOST_TEST(w.server->stats().refused == 0u);
}

BOOST_AUTO_TEST_CASE(connections_of_one_peer_are_limited)
{
    web::server_options options;
    options.limits.connections_of_one_peer = 1;
    web_world w(options);
    raw_client first = w.connect();
    w.run_until([&] { return w.server->stats().open == 1; });
    raw_client second = w.connect();
    BOOST_TEST(status_of(w.run(second.read_all())) == 503u);
    first.send(get("/"));
    BOOST_TEST(status_of(w.run(first.read_all())) == 200u);
}

BOOST_AUTO_TEST_CASE(connections_of_trusted_proxies_are_those_of_many)
{
    web::server_options options;
    options.limits.connections_of_one_peer = 1;
    options.trusted_proxies = {"127.0.0.1"};
    web_world w(options);
    raw_client first = w.connect();
    w.run_until([&] { return w.server->stats().open == 1; });
    BOOST_TEST(status_of(w.ask(get("/"))) == 200u);
}

BOOST_AUTO_TEST_CASE(bodies_under_way_share_a_limit)
{
    web::server_options options;
    options.limits.body_bytes = 100'000;
    web_world w(options);
    w.handler.most_body = 1'000'000;
    const std::string half(100'000, 'x');
    std::optional<raw_client> slow(w.connect());
    slow->send("POST / HTTP/1.1\r\nHost: here\r\nContent-Length: 200000\r\n\r\n" + half);
    w.run_until([&] { return w.server->stats().body_bytes > 80'000; });
    BOOST_TEST(w.server->stats().body_bytes < half.size());
    const std::string refused = w.ask(post(half));
    BOOST_TEST(status_of(refused) == 503u);
    BOOST_TEST(contains(refused, "Retry-After: "));
    BOOST_TEST(status_of(w.ask(post(std::string(10'000, 'x')))) == 200u);
    slow.reset();
    w.run_until([&] { return w.server->stats().open == 0; });
    BOOST_TEST(w.server->stats().body_bytes == 0u);
    BOOST_TEST(status_of(w.ask(post(half))) == 200u);
    BOOST_TEST(w.server->stats().malformed == 0u);
}

BOOST_AUTO_TEST_CASE(body_counts_until_it_is_answered)
{
    web::server_options options;
    options.limits.body_bytes = 100'000;
    web_world w(options);
    w.handler.most_body = 1'000'000;
    counter go;
    w.handler.answering = [&](web::request) { return answers_when(go); };
    raw_client first = w.connect();
    first.send(post(std::string(100'000, 'x')));
    w.run_until([&] { return w.handler.asked.size() == 1; });
    BOOST_TEST(w.server->stats().body_bytes > 80'000u);
    go.increment();
    BOOST_TEST(status_of(w.run(first.read_all())) == 200u);
    BOOST_TEST(w.server->stats().body_bytes == 0u);
}

BOOST_AUTO_TEST_CASE(flood_of_connections_is_survived)
{
    web::server_options options;
    options.limits.connections = 10;
    web_world w(options);
    for (int i = 0; i < 500; ++i) {
        raw_client c = w.connect();
        c.send(i % 2 == 0 ? get("/", "") : std::string("GET"));
        w.context.poll();
    }
    w.run_until([&] { return w.server->stats().open == 0; });
    BOOST_TEST(status_of(w.ask(get("/"))) == 200u);
}

BOOST_AUTO_TEST_SUITE_END()
