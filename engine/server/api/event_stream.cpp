#include "engine/server/api/event_stream.hpp"

#include <potoo/concurrency.hpp>
#include <potoo/wait.hpp>

#include <fmt/format.h>

#include <chrono>
#include <optional>
#include <utility>

namespace potoo::server {
namespace {

using namespace std::chrono_literals;

constexpr auto look_interval = 20s;

// RFC 6455, 7.4.1
constexpr unsigned going_away = 1001;
constexpr unsigned not_permitted = 1008;
constexpr unsigned failed = 1011;
constexpr unsigned try_again = 1013;

struct farewell
{
    unsigned code = going_away;
    std::string reason;
};

farewell farewell_for(const event_batch& last)
{
    if (last.end == "lagging")
        return {try_again, fmt::format("lagging: come again with since={}", last.cursor.value())};
    return {last.end == "broken" ? failed : going_away, last.end};
}

const farewell token_gone{not_permitted, "the token is not good any more"};

bool still_welcome(const event_listener& l)
{
    return l.tokens.is_good(l.token, l.loop.wall_now());
}

task<farewell> send_events(event_listener& l, web::websocket& socket)
{
    for (;;) {
        event_batch batch = co_await l.events->next();
        co_await socket.send(batch.text);
        if (!batch.end.empty())
            co_return farewell_for(batch);
    }
}

/// Ends when the client has closed. What it says has no meaning.
task<farewell> hear_out(web::websocket& socket)
{
    for (;;) {
        const auto said = co_await socket.receive();
        if (!said)
            co_return farewell{};
    }
}

/// Ends when the listener may listen no longer.
task<farewell> watch_token(event_listener& l)
{
    while (still_welcome(l))
        co_await sleep_for(look_interval);
    co_return token_gone;
}

std::shared_ptr<const std::string> frame_of(const event_batch& batch)
{
    return std::make_shared<const std::string>(fmt::format("id: {}\ndata: {}\n\n", batch.cursor.value(), *batch.text));
}

task<> write_some(web::body_writer& out, std::shared_ptr<const std::string> text, semaphore& turn)
{
    co_await turn.acquire();
    const slot_guard held(turn);
    co_await out.write(std::move(text));
}

task<> write_batches(event_listener& l, web::body_writer& out, semaphore& turn)
{
    bool over = false;
    while (!over) {
        const event_batch batch = co_await l.events->next();
        over = !batch.end.empty();
        auto frame = frame_of(batch);
        co_await write_some(out, std::move(frame), turn);
    }
}

task<> write_signs_of_life(event_listener& l, web::body_writer& out, semaphore& turn)
{
    const auto sign = std::make_shared<const std::string>(":\n\n");
    while (still_welcome(l)) {
        co_await write_some(out, sign, turn);
        co_await sleep_for(look_interval);
    }
}

} // namespace

task<> talk_events(event_listener listener, web::websocket& socket)
{
    auto telling = send_events(listener, socket);
    auto hearing = hear_out(socket);
    auto watching = watch_token(listener);
    const auto first = co_await any(std::move(telling), std::move(hearing), std::move(watching));
    if (first.index() == 1)
        co_return;
    const farewell& last = first.index() == 0 ? std::get<0>(first) : std::get<2>(first);
    co_await socket.close(last.code, last.reason);
}

task<> write_events(event_listener listener, web::body_writer& out)
{
    semaphore turn(1);
    auto telling = write_batches(listener, out, turn);
    auto living = write_signs_of_life(listener, out, turn);
    co_await any(std::move(telling), std::move(living));
}

} // namespace potoo::server
