#include "engine/web/websocket_frames.hpp"
#include "tests/integration/server/web_world.hpp"

#include <potoo/wait.hpp>

#include <boost/asio/ssl.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/websocket.hpp>

using namespace potoo;
using namespace potoo::test;
using namespace std::chrono_literals;
namespace beast_ws = boost::beast::websocket;

namespace {

task<> echoes(web::websocket& s)
{
    for (;;) {
        auto message = co_await s.receive();
        if (!message)
            co_return;
        auto copy = std::make_shared<const std::string>("echo " + *message);
        co_await s.send(std::move(copy));
    }
}

task<> greets_and_closes(web::websocket& s)
{
    auto greeting = std::make_shared<const std::string>("hello");
    co_await s.send(std::move(greeting));
    co_await s.close(4'000, "lagging");
}

task<> fails(web::websocket&)
{
    throw std::runtime_error("no voice");
    co_return;
}

task<> pours(web::websocket& s)
{
    const auto message = std::make_shared<const std::string>(100'000, 'x');
    for (;;)
        co_await s.send(message);
}

struct talk_state
{
    counter never;
    bool stopped = false;
};

task<> waits_for_something_else(web::websocket&, talk_state& state)
{
    try {
        co_await state.never.reached(1);
    } catch (const cancelled&) {
        state.stopped = true;
        throw;
    }
}

task<web::reply> talking(std::function<task<>(web::websocket&)> talk)
{
    web::reply r;
    r.fields.emplace_back("X-Extra", "1");
    r.talk = std::move(talk);
    co_return r;
}

template <class Loop = real_loop>
struct socket_world : web_world<Loop>
{
    explicit socket_world(std::function<task<>(web::websocket&)> talk, web::server_options options = {})
        : web_world<Loop>(std::move(options))
    {
        this->handler.answering = [talk](web::request) { return talking(talk); };
    }
};

/// Beast's own client, to have another's opinion.
struct beast_client
{
    beast_ws::stream<boost::asio::ip::tcp::socket> stream;
    boost::beast::flat_buffer input;

    explicit beast_client(raw_client c) : stream(std::move(c.socket())) {}

    task<bool> open()
    {
        auto done = co_await stream.async_handshake("here", "/events", use_task);
        co_return done.has_value();
    }

    task<std::string> read()
    {
        input.clear();
        auto n = co_await stream.async_read(input, use_task);
        co_return n ? boost::beast::buffers_to_string(input.data()) : "error: " + n.error().message();
    }

    task<bool> write(std::string text)
    {
        message = std::move(text);
        auto n = co_await stream.async_write(boost::asio::buffer(message), use_task);
        co_return n.has_value();
    }

    task<> close(unsigned code)
    {
        co_await stream.async_close(beast_ws::close_reason(static_cast<beast_ws::close_code>(code)), use_task);
    }

    std::string message;
};

const char* const upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

/// As a client sends it, masked with zeros.
std::string frame(unsigned first_byte, std::string_view payload)
{
    std::string head = web::frame_head(web::frame_code::text, payload.size());
    head[0] = static_cast<char>(first_byte);
    head[1] = static_cast<char>(static_cast<unsigned char>(head[1]) | 0x80U);
    return head + std::string(4, '\0') + std::string(payload);
}

/// What the server says after such bytes, up to its end, without the handshake.
template <class World>
std::string said_to(World& w, std::string_view bytes)
{
    raw_client c = w.connect();
    c.send(get("/events", upgrade));
    BOOST_TEST(status_of(w.run(c.read_until("\r\n\r\n"))) == 101u);
    c.send(bytes);
    return w.run(c.read_all());
}

bool is_close(std::string_view frame_bytes, unsigned code)
{
    BOOST_TEST_MESSAGE(frame_bytes);
    return frame_bytes.size() >= 4 && frame_bytes[0] == '\x88' &&
           static_cast<unsigned>(static_cast<unsigned char>(frame_bytes[2])) * 256 +
                   static_cast<unsigned char>(frame_bytes[3]) ==
               code;
}

} // namespace

BOOST_AUTO_TEST_SUITE(web_sockets)

BOOST_AUTO_TEST_CASE(messages_go_both_ways)
{
    socket_world w(echoes);
    beast_client c(w.connect());
    BOOST_TEST_REQUIRE(w.run(c.open()));
    BOOST_TEST(w.server->stats().websockets == 1u);
    for (const std::size_t size : {0, 1, 126, 60'000}) {
        BOOST_TEST(w.run(c.write(std::string(size, 'm'))));
        BOOST_TEST((w.run(c.read()) == "echo " + std::string(size, 'm')), size);
    }
    w.run(c.close(1000));
    w.run_until([&] { return w.server->stats().open == 0; });
    BOOST_TEST(w.server->stats().websockets == 0u);
}

BOOST_AUTO_TEST_CASE(server_closes_with_code_and_reason)
{
    socket_world w(greets_and_closes);
    beast_client c(w.connect());
    BOOST_TEST_REQUIRE(w.run(c.open()));
    BOOST_TEST(w.run(c.read()) == "hello");
    w.run(c.read());
    BOOST_TEST(c.stream.reason().code == 4'000);
    BOOST_TEST(std::string(c.stream.reason().reason.c_str()) == "lagging");
    w.run_until([&] { return w.server->stats().open == 0; });
}

BOOST_AUTO_TEST_CASE(handler_that_fails_closes_with_1011)
{
    socket_world w(fails);
    beast_client c(w.connect());
    BOOST_TEST_REQUIRE(w.run(c.open()));
    w.run(c.read());
    BOOST_TEST(c.stream.reason().code == 1'011);
    BOOST_TEST(contains(w.said.at(0), "no voice"));
}

BOOST_AUTO_TEST_CASE(handler_that_waits_elsewhere_is_stopped_when_the_client_goes)
{
    talk_state state;
    socket_world w([&](web::websocket& s) { return waits_for_something_else(s, state); });
    {
        raw_client c = w.connect();
        c.send(get("/events", upgrade));
        w.run(c.read_until("\r\n\r\n"));
    }
    w.run_until([&] { return w.server->stats().open == 0; });
    BOOST_TEST(state.stopped);
}

BOOST_AUTO_TEST_CASE(ping_is_answered_and_close_returned)
{
    socket_world w(echoes);
    const std::string said = said_to(w, frame(0x89, "are you there") + frame(0x81, "x") + frame(0x88, "\x03\xe8"));
    BOOST_TEST(contains(said, "\x8a\x0d"
                              "are you there"));
    BOOST_TEST(is_close(said.substr(said.find('\x88')), 1000));
}

BOOST_AUTO_TEST_CASE(violation_is_closed_with_its_code)
{
    socket_world w(echoes);
    BOOST_TEST(is_close(said_to(w, frame(0x82, "binary")), 1003));
    BOOST_TEST(is_close(said_to(w, "\x81\x01x"), 1002)); // not masked
    BOOST_TEST(is_close(said_to(w, frame(0x81, "\xff")), 1007));
    BOOST_TEST(is_close(said_to(w, frame(0x81, std::string(200'000, 'x'))), 1009));
    BOOST_TEST(is_close(said_to(w, frame(0xf1, "x") + std::string(300'000, 'x')), 1002));
    w.run_until([&] { return w.server->stats().open == 0; });
}

BOOST_AUTO_TEST_CASE(frames_behind_the_request_are_not_lost)
{
    socket_world w(echoes);
    raw_client c = w.connect();
    c.send(get("/events", upgrade) + frame(0x81, "early"));
    BOOST_TEST(contains(w.run(c.read_until("echo early")), "echo early"));
}

BOOST_AUTO_TEST_CASE(silent_client_is_pinged_and_then_gone)
{
    talk_state state;
    socket_world<virtual_loop> w([&](web::websocket& s) { return waits_for_something_else(s, state); });
    raw_client c = w.connect();
    c.send(get("/events", upgrade));
    w.run(c.read_until("\r\n\r\n"));
    BOOST_TEST((w.run(c.read_all()) == std::string("\x89\x00", 2)));
    BOOST_TEST(w.loop.elapsed() >= 60s);
    BOOST_TEST(state.stopped);
}

BOOST_AUTO_TEST_CASE(client_that_answers_pings_stays)
{
    talk_state state;
    socket_world<virtual_loop> w([&](web::websocket& s) { return waits_for_something_else(s, state); });
    raw_client c = w.connect();
    c.send(get("/events", upgrade));
    w.run(c.read_until("\r\n\r\n"));
    for (int i = 0; i < 10; ++i) {
        BOOST_TEST((w.run(c.read_bytes(2)) == std::string("\x89\x00", 2)));
        c.send(frame(0x8a, ""));
    }
    BOOST_TEST(w.loop.elapsed() >= 300s);
    BOOST_TEST(!state.stopped);
}

BOOST_AUTO_TEST_CASE(client_that_does_not_read_is_closed)
{
    socket_world<virtual_loop> w(pours);
    raw_client c = w.connect();
    c.send(get("/events", upgrade));
    w.run_until([&] { return w.server->stats().websockets == 1; });
    w.run_until([&] { return w.server->stats().open == 0; });
    BOOST_TEST(w.loop.elapsed() >= 30s);
}

BOOST_AUTO_TEST_CASE(request_that_asks_in_part_is_refused)
{
    socket_world w(echoes);
    const std::string old =
        w.ask(get("/", "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 8\r\n"));
    BOOST_TEST(status_of(old) == 426u);
    BOOST_TEST(contains(old, "Sec-WebSocket-Version: 13\r\n"));
    BOOST_TEST(status_of(w.ask(
                   get("/", "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"))) == 400u);
    // Not asked for, but answered so: the handler's fault.
    BOOST_TEST(status_of(w.ask(get("/"))) == 500u);
}

BOOST_AUTO_TEST_SUITE_END()
