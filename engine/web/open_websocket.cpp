#include "engine/web/open_websocket.hpp"

#include <potoo/concurrency.hpp>

#include <fmt/format.h>

#include <utility>

namespace potoo::web {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t most_waiting = 16;
constexpr std::size_t most_unheard = std::size_t{1024} * 1024;
/// For the client to take its leave, and for who talks with it to notice that it has.
constexpr auto leave_time = 3s;

} // namespace

open_websocket::open_websocket(server_core& core, transport& t, std::string input)
    : core_(core), transport_(t), input_(std::move(input)), reader_(core.options.limits.message_bytes),
      heard_(core.loop.now())
{}

task<> open_websocket::run(const std::function<task<>(websocket&)>& talk)
{
    branch& b = co_await this_branch();
    try {
        auto talking = talk(*this);
        auto reading = read_all();
        auto watching = watch_silence();
        co_await any(std::move(talking), std::move(reading), std::move(watching));
    } catch (const std::exception& e) {
        core_.say(fmt::format("a WebSocket was closed since its handler failed: {}", e.what()));
        end_code_ = close_code::server_failed;
    } catch (const cancelled&) {
        // Also where the client has gone, and then it hears nothing of this.
        end_code_ = close_code::going_away;
        end_reason_ = "the server stops";
    }
    auto goodbye = say_goodbye(end_code_, end_reason_);
    co_await shield(std::move(goodbye), core_.after(leave_time));
    if (b.cancel_requested() != cancel_reason::none)
        throw cancelled(b.cancel_requested());
}

task<> open_websocket::send_frame(std::string head, std::shared_ptr<const std::string> payload, bool last)
{
    co_await writing_.acquire();
    const slot_guard turn(writing_);
    if (close_sent_ || torn_)
        throw cancelled(cancel_reason::user);
    torn_ = true;
    close_sent_ = last;
    const std::string_view body = payload ? std::string_view(*payload) : std::string_view();
    const bool written = co_await transport_.write(head, body, to_take());
    torn_ = !written;
    if (written)
        co_return;
    transport_.close();
    throw cancelled(cancel_reason::user);
}

task<> open_websocket::send(std::shared_ptr<const std::string> message)
{
    std::string head = frame_head(frame_code::text, message->size());
    co_await send_frame(std::move(head), std::move(message), false);
}

task<> open_websocket::close(unsigned code, std::string reason)
{
    std::string frame = close_frame(code, reason);
    co_await send_frame(std::move(frame), nullptr, true);
}

task<std::optional<std::string>> open_websocket::receive()
{
    struct waiting
    {
        explicit waiting(bool& f) : flag(f) { flag = true; }

        ~waiting() { flag = false; }

        bool& flag;
    };

    const waiting mark(receiving_);
    while (inbox_.empty() && !over_)
        co_await arrived_.reached(arrived_.value() + 1);
    if (inbox_.empty())
        co_return std::nullopt;
    std::string message = std::move(inbox_.front());
    inbox_.pop_front();
    taken_.increment();
    co_return message;
}

/// `kind::nothing`: the connection has ended, or the deadline has passed.
task<frame_event> open_websocket::next_frame(steady_time deadline)
{
    for (;;) {
        std::size_t used = 0;
        frame_event e = reader_.next(std::string_view(input_).substr(begin_), used);
        begin_ += used;
        if (begin_ == input_.size()) {
            input_.clear();
            begin_ = 0;
        }
        if (e.what != frame_event::kind::nothing)
            co_return e;
        input_.erase(0, std::exchange(begin_, 0));
        const std::size_t n = co_await transport_.read(input_, deadline);
        if (n == 0)
            co_return frame_event();
        heard_ = core_.loop.now();
    }
}

task<> open_websocket::read_all()
{
    co_await take_frames();
    over_ = true;
    arrived_.increment();
    // Who waits for a message is told by `receive` and has time to end by itself; others are told to stop.
    if (receiving_)
        co_await sleep_for(leave_time);
}

task<> open_websocket::take_frames()
{
    for (;;) {
        frame_event e = co_await next_frame(steady_time::max());
        switch (e.what) {
        case frame_event::kind::nothing:
            gone_ = true;
            co_return;
        case frame_event::kind::closed:
            close_received_ = true;
            end_code_ = e.code == 0 ? close_code::normal : e.code;
            co_return;
        case frame_event::kind::violation:
            understood_ = false;
            end_code_ = e.code;
            end_reason_ = std::move(e.payload);
            co_return;
        case frame_event::kind::ping: {
            std::string frame = frame_head(frame_code::pong, e.payload.size()) + e.payload;
            co_await send_frame(std::move(frame), nullptr, false);
            break;
        }
        case frame_event::kind::text:
            while (inbox_.size() >= most_waiting)
                co_await taken_.reached(taken_.value() + 1);
            inbox_.push_back(std::move(e.payload));
            arrived_.increment();
            break;
        case frame_event::kind::part:
        case frame_event::kind::pong:
            break;
        }
    }
}

task<> open_websocket::watch_silence()
{
    const auto patience = core_.options.limits.ping;
    for (;;) {
        co_await sleep_until(heard_ + patience);
        const steady_time asked = core_.loop.now();
        if (heard_ + patience > asked)
            continue;
        std::string ping = frame_head(frame_code::ping, 0);
        co_await send_frame(std::move(ping), nullptr, false);
        co_await sleep_until(asked + patience);
        if (heard_ >= asked)
            continue;
        gone_ = true;
        transport_.close();
        co_return;
    }
}

task<> open_websocket::say_goodbye(unsigned code, std::string reason)
{
    if (gone_ || torn_)
        co_return;
    if (!close_sent_) {
        const std::string frame = close_frame(code, reason);
        const bool written = co_await transport_.write(frame, {}, core_.after(leave_time));
        if (!written)
            co_return;
    }
    transport_.end_writing();
    const steady_time deadline = core_.after(leave_time);
    while (understood_ && !close_received_) {
        const frame_event e = co_await next_frame(deadline);
        if (e.what == frame_event::kind::nothing)
            co_return;
        understood_ = e.what != frame_event::kind::violation;
        close_received_ = e.what == frame_event::kind::closed;
    }
    // Closed with something unread, the connection would be reset, and the goodbye with it.
    std::size_t n = understood_ ? 0 : 1;
    for (std::size_t left = most_unheard; n != 0 && n <= left; left -= n) {
        input_.clear();
        n = co_await transport_.read(input_, deadline);
    }
}

} // namespace potoo::web
