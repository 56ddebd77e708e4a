#include "tests/integration/server/web_world.hpp"

#include <potoo/wait.hpp>

using namespace potoo;
using namespace potoo::test;

namespace {

task<web::reply> fails(web::request)
{
    throw std::runtime_error("out of wits");
    co_return web::reply();
}

task<web::reply> answers_with(web::reply r)
{
    co_return r;
}

task<web::reply> waits_a_turn(web::request r)
{
    co_await yield_now();
    web::reply out;
    out.body = r.path;
    co_return out;
}

std::string post(std::string_view fields, std::string_view body)
{
    return fmt::format("POST /x HTTP/1.1\r\nHost: here\r\nConnection: close\r\n{}\r\n{}", fields, body);
}

} // namespace

BOOST_AUTO_TEST_SUITE(web_exchanges)

BOOST_AUTO_TEST_CASE(request_is_answered_and_the_connection_kept)
{
    web_world w;
    raw_client c = w.connect();
    for (int i = 0; i < 3; ++i) {
        c.send(get("/a", ""));
        const std::string reply = w.run(c.read_reply());
        BOOST_TEST(status_of(reply) == 200u);
        BOOST_TEST(contains(reply, "\r\n\r\nGET /a "));
        BOOST_TEST(lacks(reply, "Connection"));
    }
    BOOST_TEST(w.server->stats().accepted == 1u);
    BOOST_TEST(w.server->stats().requests == 3u);
    BOOST_TEST(w.server->stats().replies[2] == 3u);
    BOOST_TEST(w.handler.asked.at(0).peer == "127.0.0.1");
    BOOST_TEST(!w.handler.asked.at(0).secure);
}

BOOST_AUTO_TEST_CASE(client_that_asks_for_the_end_gets_it)
{
    web_world w;
    BOOST_TEST(contains(w.ask(get("/a")), "Connection: close\r\n"));
    const std::string old = w.ask("GET /a HTTP/1.0\r\n\r\n");
    BOOST_TEST(status_of(old) == 200u);
    BOOST_TEST(contains(old, "Connection: close\r\n"));
}

BOOST_AUTO_TEST_CASE(head_is_answered_without_a_body)
{
    web_world w;
    const std::string reply = w.ask("HEAD /a HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n");
    BOOST_TEST(contains(reply, "Content-Length: 8\r\n"));
    BOOST_TEST(reply.ends_with("\r\n\r\n"));
}

BOOST_AUTO_TEST_CASE(status_without_a_body_has_none)
{
    web_world w;
    w.handler.answering = [](web::request) {
        web::reply r;
        r.status = 204;
        r.body = "never seen";
        return answers_with(std::move(r));
    };
    const std::string reply = w.ask(get("/a"));
    BOOST_TEST(status_of(reply) == 204u);
    BOOST_TEST(reply.ends_with("\r\n\r\n"));
    BOOST_TEST(lacks(reply, "Content-Length"));
}

BOOST_AUTO_TEST_CASE(requests_in_one_piece_are_answered_in_turn)
{
    web_world w;
    w.handler.answering = waits_a_turn;
    std::string all;
    for (int i = 0; i < 50; ++i)
        all += get(fmt::format("/{}", i), "");
    const std::string replies = w.ask(all + get("/last"));
    BOOST_TEST(count_replies(replies) == 51u);
    BOOST_TEST(replies.ends_with("/last"));
    for (std::size_t i = 0; i < 50; ++i)
        BOOST_TEST(w.handler.asked.at(i).path == fmt::format("/{}", i));
}

BOOST_AUTO_TEST_CASE(request_that_comes_byte_by_byte_is_read)
{
    web_world w;
    raw_client c = w.connect();
    for (const char byte : post("Content-Length: 2\r\n", "ab")) {
        c.send({&byte, 1});
        w.context.poll();
    }
    BOOST_TEST(contains(w.run(c.read_all()), "POST /x ab"));
}

BOOST_AUTO_TEST_CASE(body_reaches_the_handler)
{
    web_world w;
    BOOST_TEST(contains(w.ask(post("Content-Length: 5\r\n", "hello")), "POST /x hello"));
    BOOST_TEST(
        contains(w.ask(post("Transfer-Encoding: chunked\r\n", "3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n")), "POST /x hello"));
}

BOOST_AUTO_TEST_CASE(body_that_is_too_large_is_refused_before_it_is_sent)
{
    web_world w;
    const std::string reply = w.ask(post("Content-Length: 1001\r\nExpect: 100-continue\r\n", ""));
    BOOST_TEST(status_of(reply) == 413u);
    BOOST_TEST(contains(reply, "not be larger than 1000 bytes"));
    BOOST_TEST(w.handler.asked.empty());
    // The client sends it nevertheless, and can read the answer.
    BOOST_TEST(status_of(w.ask(post("Content-Length: 300000\r\n", std::string(300'000, 'x')))) == 413u);
    BOOST_TEST(status_of(w.ask(post("Transfer-Encoding: chunked\r\n", "fff\r\n" + std::string(0xfff, 'x')))) == 413u);
}

BOOST_AUTO_TEST_CASE(client_that_awaits_it_is_told_to_go_on)
{
    web_world w;
    raw_client c = w.connect();
    c.send(post("Content-Length: 2\r\nExpect: 100-continue\r\n", ""));
    BOOST_TEST(w.run(c.read_until("\r\n\r\n")) == "HTTP/1.1 100 Continue\r\n\r\n");
    c.send("ab");
    BOOST_TEST(contains(w.run(c.read_all()), "POST /x ab"));
    BOOST_TEST(count_replies(w.ask(post("Content-Length: 2\r\nExpect: 100-continue\r\n", "ab"))) == 1u);
}

BOOST_AUTO_TEST_CASE(who_must_not_ask_is_refused_before_the_body)
{
    web_world w;
    w.handler.refusing = [](const web::request& head) {
        BOOST_TEST(head.body.empty());
        web::reply r;
        r.status = 401;
        return std::optional(r);
    };
    const std::string reply = w.ask(post("Content-Length: 500\r\nExpect: 100-continue\r\n", ""));
    BOOST_TEST(status_of(reply) == 401u);
    BOOST_TEST(count_replies(reply) == 1u);
    BOOST_TEST(w.handler.asked.empty());
    raw_client c = w.connect();
    c.send(get("/a", ""));
    BOOST_TEST(status_of(w.run(c.read_reply())) == 401u);
    c.send(get("/b", ""));
    BOOST_TEST(status_of(w.run(c.read_reply())) == 401u);
}

BOOST_AUTO_TEST_CASE(answer_knows_what_was_found_out_from_the_head)
{
    web_world w;
    w.handler.refusing = [](web::request& head) {
        head.admitted = "by " + head.path;
        return std::optional<web::reply>();
    };
    w.ask(post("Content-Length: 2\r\n", "ab"));
    BOOST_TEST(std::any_cast<std::string>(w.handler.asked.at(0).admitted) == "by /x");
}

BOOST_AUTO_TEST_CASE(refused_body_is_not_read_as_a_request)
{
    web_world w;
    w.handler.refusing = [](const web::request&) {
        web::reply r;
        r.status = 403;
        return std::optional(r);
    };
    const std::string inner = get("/inner");
    const std::string replies =
        w.ask(fmt::format("POST / HTTP/1.1\r\nHost: here\r\nContent-Length: {}\r\n\r\n{}", inner.size(), inner));
    BOOST_TEST(count_replies(replies) == 1u);
    BOOST_TEST(w.server->stats().requests == 1u);
}

BOOST_AUTO_TEST_CASE(handler_that_throws_is_500_and_the_cause_is_said_here_only)
{
    web_world w;
    w.handler.answering = fails;
    const std::string reply = w.ask(get("/a"));
    BOOST_TEST(status_of(reply) == 500u);
    BOOST_TEST(lacks(reply, "wits"));
    BOOST_TEST_REQUIRE(w.said.size() == 1u);
    BOOST_TEST(w.said[0] == "GET /a: out of wits");
}

BOOST_AUTO_TEST_CASE(field_with_a_line_break_does_not_go_out)
{
    web_world w;
    w.handler.answering = [](web::request) {
        web::reply r;
        r.fields.emplace_back("Location", "/a\r\nSet-Cookie: x=y");
        return answers_with(std::move(r));
    };
    const std::string reply = w.ask(get("/a"));
    BOOST_TEST(status_of(reply) == 500u);
    BOOST_TEST(lacks(reply, "Set-Cookie"));
}

BOOST_AUTO_TEST_CASE(large_answer_arrives_whole)
{
    web_world w;
    w.handler.answering = [](web::request) {
        web::reply r;
        r.body.assign(10'000'000, 'x');
        return answers_with(std::move(r));
    };
    const std::string reply = w.ask(get("/a"));
    BOOST_TEST(contains(reply.substr(0, 200), "Content-Length: 10000000\r\n"));
    BOOST_TEST(reply.size() > 10'000'000u);
}

BOOST_AUTO_TEST_CASE(only_proxies_that_are_trusted_say_who_asks)
{
    const std::string fields = "X-Forwarded-For: 6.6.6.6, 1.2.3.4\r\nX-Forwarded-Proto: https\r\nConnection: close\r\n";
    web_world direct;
    direct.ask(get("/a", fields));
    BOOST_TEST(direct.handler.asked.at(0).peer == "127.0.0.1");
    BOOST_TEST(!direct.handler.asked.at(0).secure);
    web::server_options options;
    options.trusted_proxies = {"127.0.0.1"};
    web_world behind(options);
    behind.ask(get("/a", fields));
    BOOST_TEST(behind.handler.asked.at(0).peer == "1.2.3.4");
    BOOST_TEST(behind.handler.asked.at(0).secure);
    behind.ask(get("/a", "X-Forwarded-For: 1.2.3.4, nonsense\r\nConnection: close\r\n"));
    BOOST_TEST(behind.handler.asked.at(1).peer == "127.0.0.1");
}

BOOST_AUTO_TEST_CASE(address_that_is_taken_is_named)
{
    web_world w;
    web::server_options options;
    options.listen = w.server->address();
    try {
        const web::http_server second(w.loop, w.handler, options);
        BOOST_ERROR("listens twice");
    } catch (const std::system_error& e) {
        BOOST_TEST(contains(e.what(), "cannot listen on " + options.listen));
    }
}

BOOST_AUTO_TEST_SUITE_END()
