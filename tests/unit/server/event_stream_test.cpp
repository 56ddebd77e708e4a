#include "engine/server/api/event_stream.hpp"

#include "engine/journal/memory_store.hpp"
#include "engine/server/events/event_feed.hpp"
#include "tests/unit/server/schedule_world.hpp"
#include "tests/unit/task/runner.hpp"

#include <potoo/concurrency.hpp>
#include <potoo/wait.hpp>

#include <boost/test/unit_test.hpp>

#include <string>
#include <utility>

using namespace potoo;
using namespace potoo::server;
using namespace std::chrono_literals;

namespace {

/// A client of server-sent events that takes everything.
struct kept_text final : web::body_writer
{
    task<> write(std::shared_ptr<const std::string> piece) override
    {
        text += *piece;
        co_return;
    }

    std::string text;
};

/// A client with a WebSocket that says nothing, and closes when it is told to.
struct quiet_socket final : web::websocket
{
    task<> send(std::shared_ptr<const std::string> message) override
    {
        messages.push_back(*message);
        co_return;
    }

    task<std::optional<std::string>> receive() override
    {
        co_await gone.reached(1);
        co_return std::nullopt;
    }

    task<> close(unsigned code, std::string reason) override
    {
        closed = code;
        why = std::move(reason);
        co_return;
    }

    std::vector<std::string> messages;
    counter gone;
    unsigned closed = 0;
    std::string why;
};

struct stream_trial : potoo::test::fixture
{
    stream_trial()
    {
        token_wish wish{"ann", role::user, loop.wall_now() + 24h};
        token = run(tokens.create(std::move(wish), loop.wall_now())).row.id;
    }

    event_listener listener() { return {feed.subscribe({}, std::nullopt), tokens, loop, token}; }

    task<> revoke_after(duration d)
    {
        co_await sleep_for(d);
        co_await tokens.revoke(token, loop.wall_now());
    }

    task<> leave_after(duration d, quiet_socket& s)
    {
        co_await sleep_for(d);
        s.gone.advance_to(1);
    }

    task<> stop_after(duration d)
    {
        co_await sleep_for(d);
        feed.close();
    }

    std::uint64_t next_number = 1;
    server::test::fuse unlit;
    server::test::memory_ledger ledger{unlit};
    token_book tokens{ledger, [this] { return next_number++ << 40; }};
    journal::memory_store store;
    event_feed feed{loop, store};
    std::string token;
};

task<> side_by_side(task<> a, task<> b)
{
    co_await all(std::move(a), std::move(b));
}

} // namespace

BOOST_FIXTURE_TEST_SUITE(streams_of_events, stream_trial)

BOOST_AUTO_TEST_CASE(server_sent_events_show_signs_of_life_until_the_token_is_revoked)
{
    kept_text client;
    run(side_by_side(write_events(listener(), client), revoke_after(70s)));
    BOOST_TEST((loop.elapsed() >= 70s));
    BOOST_TEST((loop.elapsed() <= 91s));
    std::size_t signs = 0;
    for (auto at = client.text.find(":\n\n"); at != std::string::npos; at = client.text.find(":\n\n", at + 1))
        ++signs;
    BOOST_TEST(signs == 4u);
    BOOST_TEST(client.text.find("data: {\"cursor\":\"0\"") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(websocket_is_closed_when_the_token_is_revoked)
{
    quiet_socket revoked;
    run(side_by_side(talk_events(listener(), revoked), revoke_after(5s)));
    BOOST_TEST(revoked.closed == 1008u);
    BOOST_TEST(revoked.messages.size() == 1u);
}

BOOST_AUTO_TEST_CASE(websocket_is_closed_when_the_token_has_expired)
{
    quiet_socket s;
    run(talk_events(listener(), s));
    BOOST_TEST(s.closed == 1008u);
    BOOST_TEST((loop.elapsed() >= 24h));
    BOOST_TEST((loop.elapsed() <= 24h + 21s));
}

BOOST_AUTO_TEST_CASE(websocket_of_the_local_user_is_closed_once_there_is_a_token)
{
    quiet_socket s;
    event_listener local = listener();
    local.token.clear();
    run(talk_events(std::move(local), s));
    BOOST_TEST(s.closed == 1008u);
    BOOST_TEST((loop.elapsed() < 21s));
}

BOOST_AUTO_TEST_CASE(client_that_leaves_ends_the_talk)
{
    quiet_socket s;
    run(side_by_side(talk_events(listener(), s), leave_after(3s, s)));
    BOOST_TEST(s.closed == 0u);
    BOOST_TEST((loop.elapsed() < 4s));
}

BOOST_AUTO_TEST_CASE(server_that_stops_says_so)
{
    quiet_socket s;
    run(side_by_side(talk_events(listener(), s), stop_after(3s)));
    BOOST_TEST(s.closed == 1001u);
    BOOST_TEST(s.why == "stopping");
    BOOST_TEST(s.messages.back().find("stopping") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
