// Requests that are prepared once and asked again and again.

#include "tests/integration/net/client_fixture.hpp"
#include "tests/unit/net/gzip_text.hpp"

#include <potoo/detail/frame_slab.hpp>

#include <fmt/format.h>

#include <chrono>
#include <future>
#include <malloc.h>
#include <memory>
#include <mutex>
#include <unistd.h>

using namespace potoo;
using namespace potoo::test;
using namespace std::chrono_literals;

namespace {

constexpr std::string_view blank = "blankBLANK";

task<bool> asked(http_client& c, http_ask& question)
{
    const bool begun = c.ask(question);
    if (begun)
        co_await question;
    co_return begun;
}

struct asking : client_fixture
{
    using client_fixture::client_fixture;

    std::shared_ptr<const http_prepared> prepare(const scripted_server& server)
    {
        return client.prepare(request_to(server.url(fmt::format("/jobs/{}/state", blank))), blank);
    }

    http_ask make(const std::shared_ptr<const http_prepared>& p, std::string_view word, int ms = 5'000)
    {
        return {*p, word, loop.now(), soon(ms), {}};
    }

    bool ask(http_ask& question)
    {
        runner<bool> r(loop, asked(client, question));
        finish(r);
        return r.take();
    }
};

void answers_with_target(peer& p, int)
{
    for (;;) {
        const std::string request = p.read_request();
        p.answer(request.substr(0, request.find(' ', 4)));
    }
}

} // namespace

BOOST_FIXTURE_TEST_SUITE(asks, asking)

BOOST_AUTO_TEST_CASE(word_comes_in_the_place_of_the_blank)
{
    scripted_server server(answers_with_target);
    get(server.url());
    const auto p = prepare(server);
    for (const char* word : {"job-1", "job_2", "3"}) {
        http_ask question = make(p, word);
        BOOST_TEST_REQUIRE(ask(question));
        BOOST_TEST(!question.error);
        BOOST_TEST(question.response.status == 200u);
        BOOST_TEST(question.response.body == fmt::format("GET /jobs/{}/state", word));
    }
    BOOST_TEST(client.connections_opened() == 1u);
}

BOOST_AUTO_TEST_CASE(without_an_open_connection_nothing_is_begun)
{
    scripted_server server(answers_with_target);
    const auto p = prepare(server);
    http_ask question = make(p, "job-1");
    BOOST_TEST(!ask(question));
    BOOST_TEST(client.connections_opened() == 0u);
}

BOOST_AUTO_TEST_CASE(word_that_a_url_writes_otherwise_is_not_put_in)
{
    scripted_server server(answers_with_target);
    get(server.url());
    const auto p = prepare(server);
    for (const char* word : {"", "a b", "a/b", "ä", "a?b", "a\r\nb", ".."}) {
        http_ask question = make(p, word);
        BOOST_TEST(!ask(question));
    }
}

BOOST_AUTO_TEST_CASE(what_has_a_body_or_the_blank_in_its_host_or_is_secret_is_not_prepared)
{
    BOOST_TEST(!client.prepare(request_to(fmt::format("http://{}.example/", blank)), blank));
    BOOST_TEST(!client.prepare(request_to(fmt::format("https://example/{}", blank)), blank));
    BOOST_TEST(!client.prepare(request_to(fmt::format("http://example/{}", blank), "POST", "body"), blank));
    BOOST_TEST(!client.prepare(request_to("http://example/"), blank));
    BOOST_TEST(!client.prepare(request_to("nonsense"), blank));
}

BOOST_AUTO_TEST_CASE(answer_in_pieces_chunks_and_gzip_is_put_together)
{
    scripted_server server([](peer& p, int) {
        p.read_request();
        p.answer("ok");
        p.read_request();
        const std::string packed = gzip("a state");
        const std::string head = fmt::format("HTTP/1.1 429 Slow\r\nRetry-After: 7\r\nX-Other: y\r\nContent-Encoding: "
                                             "gzip\r\nContent-Length: {}\r\n\r\n",
                                             packed.size());
        for (const char c : head)
            p.send({&c, 1});
        p.send(packed);
        p.read_request();
        p.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");
        p.wait_for_end();
    });
    get(server.url());
    const auto p = prepare(server);
    http_ask first = make(p, "1");
    BOOST_TEST_REQUIRE(ask(first));
    BOOST_TEST(first.response.status == 429u);
    BOOST_TEST(first.response.header("retry-after") == "7");
    BOOST_TEST(first.response.headers.size() == 1u);
    BOOST_TEST(first.response.body == "a state");
    http_ask second = make(p, "2");
    BOOST_TEST_REQUIRE(ask(second));
    BOOST_TEST(second.response.body == "abcde");
}

BOOST_AUTO_TEST_CASE(connection_that_ends_is_an_error_and_not_used_again)
{
    scripted_server server([](peer& p, int number) {
        p.read_request();
        p.answer("ok");
        if (number > 1)
            p.wait_for_end();
        p.read_request();
    });
    get(server.url());
    const auto p = prepare(server);
    http_ask question = make(p, "1");
    BOOST_TEST_REQUIRE(ask(question));
    BOOST_CHECK(question.error == http_error::connection_lost);
    BOOST_TEST(!client.last_error_detail().empty());
    http_ask again = make(p, "1");
    BOOST_TEST(!ask(again));
}

BOOST_AUTO_TEST_CASE(deadline_ends_it)
{
    scripted_server server([](peer& p, int) {
        p.read_request();
        p.answer("ok");
        p.wait_for_end();
    });
    get(server.url());
    const auto p = prepare(server);
    http_ask question = make(p, "1", 30);
    BOOST_TEST_REQUIRE(ask(question));
    BOOST_CHECK(question.error == http_error::timed_out);
}

BOOST_AUTO_TEST_CASE(destroyed_or_cancelled_on_its_way_it_leaves_nothing)
{
    const std::size_t before = detail::frame_bytes_in_use();
    {
        asking world;
        scripted_server server([](peer& p, int) {
            p.read_request();
            p.answer("ok");
            p.wait_for_end();
        });
        const auto p = world.prepare(server);
        world.get(server.url());
        {
            http_ask never_awaited = world.make(p, "1");
            BOOST_TEST(world.client.ask(never_awaited));
        }
        world.get(server.url());
        {
            http_ask question = world.make(p, "1");
            runner<bool> r(world.loop, asked(world.client, question));
            r.cancel(cancel_reason::user);
            world.finish(r);
            BOOST_CHECK(r.ended_by() == cancel_reason::user);
        }
        world.get(server.url());
        auto question = std::make_unique<http_ask>(*p, "1", world.loop.now(), world.soon(5'000), http_response());
        auto r = std::make_unique<runner<bool>>(world.loop, asked(world.client, *question));
        // As in a frame that is destroyed.
        question.reset();
        r.reset();
        world.client.close_unused();
        world.context.restart();
        world.context.poll();
        BOOST_TEST(world.client.connections_opened() == 3u);
    }
    BOOST_TEST(detail::frame_bytes_in_use() == before);
}

BOOST_AUTO_TEST_CASE(bytes_that_came_after_an_answer_are_not_the_answer_to_the_next)
{
    // What goes into a unix socket is there for the other side at once.
    const std::string path = fmt::format("/tmp/potoo-ask-{}.sock", ::getpid());
    ::unlink(path.c_str());
    std::promise<void> answered;
    std::promise<void> sent;
    scripted_server server(
        [&](peer& p, int number) {
            p.read_request();
            p.answer("ok");
            if (number > 1)
                p.wait_for_end();
            p.read_request();
            p.send("HTTP/1.1 204 No Content\r\n\r\n");
            answered.get_future().wait();
            p.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwrong");
            sent.set_value();
            p.wait_for_end();
        },
        nullptr, path);
    get(server.url());
    const auto p = prepare(server);
    http_ask first = make(p, "1");
    BOOST_TEST_REQUIRE(ask(first));
    BOOST_TEST(first.response.status == 204u);
    answered.set_value();
    sent.get_future().wait();
    http_ask second = make(p, "2");
    BOOST_TEST_REQUIRE(!ask(second));
    BOOST_TEST(get(server.url())->body == "ok");
    BOOST_TEST(client.connections_opened() == 2u);
    ::unlink(path.c_str());
}

http_options closing_soon()
{
    http_options options;
    options.idle_timeout = 50ms;
    return options;
}

struct asking_briefly : asking
{
    asking_briefly() : asking(closing_soon()) {}
};

BOOST_FIXTURE_TEST_CASE(connection_is_unused_from_the_end_of_an_exchange_on, asking_briefly)
{
    scripted_server server(answers_with_target);
    get(server.url());
    const auto p = prepare(server);
    http_ask question(*p, "1", loop.now() + 1h, loop.now() + 2h, {});
    BOOST_TEST_REQUIRE(ask(question));
    context.restart();
    context.run_for(20s);
    BOOST_TEST(context.stopped());
    server.wait_for_ended(1);
}

#if !defined(__SANITIZE_ADDRESS__) && !(defined(__has_feature) && __has_feature(address_sanitizer))
BOOST_AUTO_TEST_CASE(poll_allocates_nothing_that_survives)
{
    scripted_server server(answers_with_target);
    get(server.url());
    const auto p = prepare(server);
    http_response room;
    const auto ask_many = [&](int n) {
        for (int i = 0; i < n; ++i) {
            http_ask question(*p, "job-1", loop.now(), soon(5'000), std::move(room));
            BOOST_REQUIRE(ask(question));
            room = std::move(question.response);
        }
    };
    ask_many(20);
    const auto slab = detail::frame_bytes_in_use();
    const auto before = ::mallinfo2().uordblks;
    ask_many(200);
    BOOST_TEST(detail::frame_bytes_in_use() == slab);
    // The server's threads and Asio's own queues breathe.
    BOOST_TEST(::mallinfo2().uordblks <= before + 4096);
}
#endif

BOOST_AUTO_TEST_SUITE_END()
