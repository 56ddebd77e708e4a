#include "tests/integration/server/web_world.hpp"

#include <potoo/wait.hpp>

using namespace potoo;
using namespace potoo::test;

namespace {

std::shared_ptr<const std::string> piece(std::string text)
{
    return std::make_shared<const std::string>(std::move(text));
}

task<> three_pieces(web::body_writer& out)
{
    for (const char* text : {"one", "", "two and more"}) {
        auto p = piece(text);
        co_await out.write(std::move(p));
    }
}

task<> one_and_failure(web::body_writer& out)
{
    auto p = piece("one");
    co_await out.write(std::move(p));
    throw std::runtime_error("the well ran dry");
}

task<> one_and_for_ever(web::body_writer& out, counter& stop, bool& stopped)
{
    auto p = piece("one");
    co_await out.write(std::move(p));
    try {
        co_await stop.reached(1);
    } catch (const cancelled&) {
        stopped = true;
        throw;
    }
}

task<web::reply> streaming(std::function<task<>(web::body_writer&)> body)
{
    web::reply r;
    r.fields.emplace_back("Content-Type", "text/plain");
    r.stream = std::move(body);
    co_return r;
}

struct stream_world : web_world<>
{
    explicit stream_world(std::function<task<>(web::body_writer&)> body)
    {
        handler.answering = [body](web::request) { return streaming(body); };
    }
};

} // namespace

BOOST_AUTO_TEST_SUITE(web_streams)

BOOST_AUTO_TEST_CASE(pieces_go_out_as_chunks)
{
    stream_world w(three_pieces);
    const std::string reply = w.ask(get("/"));
    BOOST_TEST(contains(reply, "Transfer-Encoding: chunked\r\n"));
    BOOST_TEST(lacks(reply, "Content-Length"));
    BOOST_TEST(reply.ends_with("\r\n\r\n3\r\none\r\nc\r\ntwo and more\r\n0\r\n\r\n"));
}

BOOST_AUTO_TEST_CASE(connection_is_kept_after_a_stream)
{
    stream_world w(three_pieces);
    const std::string replies = w.ask(get("/", "") + get("/"));
    BOOST_TEST(count_replies(replies) == 2u);
}

BOOST_AUTO_TEST_CASE(old_client_gets_the_pieces_as_they_are)
{
    stream_world w(three_pieces);
    const std::string reply = w.ask("GET / HTTP/1.0\r\n\r\n");
    BOOST_TEST(reply.ends_with("\r\n\r\nonetwo and more"));
    BOOST_TEST(lacks(reply, "chunked"));
}

BOOST_AUTO_TEST_CASE(head_alone_starts_no_stream)
{
    stream_world w(one_and_failure);
    const std::string reply = w.ask("HEAD / HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n");
    BOOST_TEST(reply.ends_with("\r\n\r\n"));
    BOOST_TEST(w.said.empty());
}

BOOST_AUTO_TEST_CASE(stream_that_fails_has_no_end)
{
    stream_world w(one_and_failure);
    const std::string reply = w.ask(get("/"));
    BOOST_TEST(reply.ends_with("3\r\none\r\n"));
    BOOST_TEST_REQUIRE(w.said.size() == 1u);
    BOOST_TEST(contains(w.said[0], "the well ran dry"));
}

BOOST_AUTO_TEST_CASE(stream_is_stopped_when_the_client_goes)
{
    counter stop;
    bool stopped = false;
    stream_world w([&](web::body_writer& out) { return one_and_for_ever(out, stop, stopped); });
    raw_client c = w.connect();
    c.send(get("/", ""));
    BOOST_TEST(contains(w.run(c.read_until("one")), "one"));
    c.close();
    w.run_until([&] { return w.server->stats().open == 0; });
    BOOST_TEST(stopped);
}

BOOST_AUTO_TEST_CASE(stream_is_stopped_when_the_client_talks_into_it)
{
    counter stop;
    bool stopped = false;
    stream_world w([&](web::body_writer& out) { return one_and_for_ever(out, stop, stopped); });
    raw_client c = w.connect();
    c.send(get("/", "") + std::string(100'000, 'x'));
    w.run_until([&] { return stopped; });
}

BOOST_AUTO_TEST_CASE(server_that_goes_takes_its_streams_with_it)
{
    counter stop;
    bool stopped = false;
    stream_world w([&](web::body_writer& out) { return one_and_for_ever(out, stop, stopped); });
    raw_client c = w.connect();
    c.send(get("/", ""));
    w.run(c.read_until("one"));
    w.server.reset();
    BOOST_TEST(lacks(w.run(c.read_all()), "0\r\n\r\n"));
}

BOOST_AUTO_TEST_SUITE_END()
