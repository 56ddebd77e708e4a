#include "engine/host/control_address.hpp"
#include "engine/host/control_client.hpp"
#include "engine/host/control_server.hpp"
#include "engine/journal/store_error.hpp"
#include "tests/unit/host/scratch_state.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/streambuf.hpp>
#include <boost/asio/write.hpp>
#include <boost/test/unit_test.hpp>

#include <deque>
#include <future>
#include <istream>
#include <optional>
#include <thread>

#include <unistd.h>

namespace asio = boost::asio;
using namespace potoo;
using namespace potoo::host;
using namespace std::chrono_literals;
using potoo::host::test::scratch_state;

namespace {

steady_time soon()
{
    return steady_clock::now() + 60s;
}

/// Says every line back.
void echo(std::string line, const control_server::reply& reply)
{
    reply("you said " + line);
}

/// A client that does what it likes.
struct rude_client
{
    explicit rude_client(const scratch_state& s) : address(s.layout()), socket(context)
    {
        socket.connect(address.endpoint());
    }

    void write(std::string_view text) { asio::write(socket, asio::buffer(text.data(), text.size())); }

    std::string line()
    {
        asio::read_until(socket, input, '\n');
        std::istream in(&input);
        std::string out;
        std::getline(in, out);
        return out;
    }

    bool closed()
    {
        boost::system::error_code ec;
        char c = 0;
        asio::read(socket, asio::buffer(&c, 1), ec);
        return static_cast<bool>(ec);
    }

    asio::io_context context;
    control_address address;
    asio::local::stream_protocol::socket socket;
    asio::streambuf input;
};

control_failure failure_of(const journal::state_layout& layout, steady_time deadline)
{
    try {
        static_cast<void>(ask_engine(layout, "x", deadline));
    } catch (const control_error& e) {
        return e.why();
    }
    BOOST_FAIL("there was an answer");
    return {};
}

} // namespace

BOOST_FIXTURE_TEST_SUITE(control_socket, scratch_state)

BOOST_AUTO_TEST_CASE(answer_that_comes_late_is_announced_once_and_taken)
{
    const scratch_state s;
    std::promise<control_server::reply> asked;
    const control_server server(s.layout(), [&](std::string, control_server::reply reply) { asked.set_value(reply); });
    int announced = 0;
    const auto answer = ask_engine(s.layout(), "hello", soon(), {1ms, [&] {
                                                                     ++announced;
                                                                     asked.get_future().get()("at last");
                                                                 }});
    BOOST_TEST(answer == "at last");
    BOOST_TEST(announced == 1);
}

BOOST_AUTO_TEST_CASE(every_line_gets_its_answer)
{
    const control_server server(layout(), echo);
    BOOST_TEST(ask_engine(layout(), "hello", soon()) == "you said hello");
    rude_client c(*this);
    c.write("one\ntwo\nth");
    BOOST_TEST(c.line() == "you said one");
    BOOST_TEST(c.line() == "you said two");
    c.write("ree\n");
    BOOST_TEST(c.line() == "you said three");
}

BOOST_AUTO_TEST_CASE(answer_may_come_later_from_elsewhere)
{
    std::thread elsewhere;
    {
        const control_server server(layout(), [&](std::string line, control_server::reply reply) {
            elsewhere = std::thread([reply = std::move(reply), line] { reply(line + " done"); });
        });
        BOOST_TEST(ask_engine(layout(), "it", soon()) == "it done");
    }
    elsewhere.join();
}

BOOST_AUTO_TEST_CASE(line_without_end_is_refused)
{
    control_limits limits;
    limits.request_bytes = 100;
    const control_server server(layout(), echo, limits);
    rude_client c(*this);
    c.write(std::string(100, 'x'));
    BOOST_TEST(c.line().find("too long") != std::string::npos);
    BOOST_TEST(c.closed());
}

BOOST_AUTO_TEST_CASE(client_that_says_nothing_is_closed)
{
    control_limits limits;
    limits.time_to_ask = 10ms;
    const control_server server(layout(), echo, limits);
    rude_client c(*this);
    c.write("half a li");
    BOOST_TEST(c.closed());
}

BOOST_AUTO_TEST_CASE(client_too_many_waits_for_another_to_leave)
{
    control_limits limits;
    limits.connections = 2;
    const control_server server(layout(), echo, limits);
    std::deque<rude_client> there;
    for (int i = 0; i < 2; ++i) {
        there.emplace_back(*this).write("a\n");
        BOOST_TEST(there.back().line() == "you said a");
    }
    rude_client late(*this);
    late.write("b\n");
    there.pop_front();
    BOOST_TEST(late.line() == "you said b");
}

BOOST_AUTO_TEST_CASE(end_does_not_wait_for_clients_but_sends_what_was_answered)
{
    std::optional<control_server> server;
    std::promise<void> asked;
    server.emplace(layout(), [&](const std::string& line, const control_server::reply& reply) {
        reply("bye " + line);
        asked.set_value();
    });
    rude_client idle(*this);
    rude_client asks(*this);
    asks.write("now\n");
    asked.get_future().wait();
    server.reset();
    BOOST_TEST(asks.line() == "bye now");
    BOOST_TEST(idle.closed());
    BOOST_TEST(!std::filesystem::exists(layout().control_socket()));
}

BOOST_AUTO_TEST_CASE(answer_after_the_end_is_dropped)
{
    control_server::reply kept;
    {
        std::optional<control_server> server;
        std::promise<void> asked;
        server.emplace(layout(), [&](const std::string&, control_server::reply reply) {
            kept = std::move(reply);
            asked.set_value();
        });
        rude_client c(*this);
        c.write("x\n");
        asked.get_future().wait();
        server.reset();
        BOOST_TEST(c.closed());
    }
    kept("too late");
}

BOOST_AUTO_TEST_CASE(client_tells_why_there_is_no_answer)
{
    BOOST_TEST((failure_of(layout(), soon()) == control_failure::nobody));
    BOOST_TEST((failure_of(journal::state_layout(path() / "none"), soon()) == control_failure::nobody));
    {
        control_limits limits;
        limits.time_to_answer = 1ms;
        const control_server server(layout(), [](const std::string&, const control_server::reply&) {}, limits);
        BOOST_TEST((failure_of(layout(), soon()) == control_failure::broken));
    }
    const control_server server(layout(), [](const std::string&, const control_server::reply&) {});
    BOOST_TEST((failure_of(layout(), steady_clock::now() + 20ms) == control_failure::late));
}

BOOST_AUTO_TEST_CASE(socket_of_a_dead_engine_is_replaced)
{
    {
        const control_address address(layout());
        ::close(address.listen());
    }
    BOOST_REQUIRE(std::filesystem::exists(layout().control_socket()));
    BOOST_TEST((failure_of(layout(), soon()) == control_failure::nobody));
    const control_server server(layout(), echo);
    BOOST_TEST(ask_engine(layout(), "x", soon()) == "you said x");
}

BOOST_AUTO_TEST_CASE(path_may_be_longer_than_an_address)
{
    const journal::state_layout deep(path() / std::string(200, 'd') / std::string(200, 'e'));
    std::filesystem::create_directories(deep.directory());
    const control_server server(deep, echo);
    BOOST_TEST(ask_engine(deep, "x", soon()) == "you said x");
}

BOOST_AUTO_TEST_SUITE_END()
