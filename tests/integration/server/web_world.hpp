#pragma once
// A server whose answers a test writes, and clients that send it any bytes, on one loop.

#include "engine/loop/real_loop.hpp"
#include "engine/loop/virtual_loop.hpp"
#include "engine/web/http_server.hpp"
#include "tests/unit/task/runner.hpp"

#include <potoo/asio.hpp>

#include <boost/asio/ip/tcp.hpp>
#include <boost/test/unit_test.hpp>
#include <fmt/format.h>

#include <array>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace potoo::test {

/// Answers 200 with what it was asked for, unless a test says otherwise.
struct scripted_handler final : web::handler
{
    std::optional<web::reply> refuse(web::request& head) override { return refusing ? refusing(head) : std::nullopt; }

    std::size_t body_limit(const web::request&) override { return most_body; }

    task<web::reply> answer(web::request r) override
    {
        asked.push_back(r);
        if (answering)
            return answering(std::move(r));
        return echo(std::move(r));
    }

    web::reply problem(unsigned status, std::string_view detail) override
    {
        web::reply r;
        r.status = status;
        r.body = detail;
        return r;
    }

    static task<web::reply> echo(web::request r)
    {
        web::reply out;
        out.body = fmt::format("{} {} {}", r.method, r.path, r.body);
        co_return out;
    }

    std::function<std::optional<web::reply>(web::request&)> refusing;
    std::function<task<web::reply>(web::request)> answering;
    std::size_t most_body = 1'000;
    std::vector<web::request> asked;
};

/// A connection to the server. Sends at once; reads in a task.
class raw_client
{
  public:
    raw_client(potoo::loop& l, const std::string& address) : socket_(l.executor())
    {
        const auto port = static_cast<std::uint16_t>(std::stoi(address.substr(address.rfind(':') + 1)));
        socket_.connect({boost::asio::ip::address_v4::loopback(), port});
    }

    /// The server may have closed: what it has said is read later.
    void send(std::string_view bytes)
    {
        boost::system::error_code ignored;
        boost::asio::write(socket_, boost::asio::buffer(bytes.data(), bytes.size()), ignored);
    }

    void end_sending() { socket_.shutdown(boost::asio::socket_base::shutdown_send); }

    void close() { socket_.close(); }

    /// Everything up to the end of the connection.
    task<std::string> read_all()
    {
        for (;;) {
            const bool more = co_await read_some();
            if (!more)
                co_return std::exchange(input_, {});
        }
    }

    /// Up to and including the mark; what came before the end if it does not come.
    task<std::string> read_until(std::string mark)
    {
        for (;;) {
            const std::size_t found = input_.find(mark);
            if (found != std::string::npos) {
                std::string out = input_.substr(0, found + mark.size());
                input_.erase(0, out.size());
                co_return out;
            }
            const bool more = co_await read_some();
            if (!more)
                co_return std::exchange(input_, {});
        }
    }

    task<std::string> read_bytes(std::size_t n)
    {
        while (input_.size() < n) {
            const bool more = co_await read_some();
            if (!more)
                break;
        }
        std::string out = input_.substr(0, n);
        input_.erase(0, out.size());
        co_return out;
    }

    /// One answer whose body has a length.
    task<std::string> read_reply()
    {
        std::string head = co_await read_until("\r\n\r\n");
        const std::size_t at = head.find("Content-Length: ");
        const std::size_t length = at == std::string::npos ? 0 : std::stoul(head.substr(at + 16));
        const std::string body = co_await read_bytes(length);
        co_return head + body;
    }

    boost::asio::ip::tcp::socket& socket() { return socket_; }

  private:
    task<bool> read_some()
    {
        auto n = co_await socket_.async_read_some(boost::asio::buffer(room_), use_task);
        if (n)
            input_.append(room_.data(), *n);
        co_return n.has_value();
    }

    boost::asio::ip::tcp::socket socket_;
    std::array<char, 16'384> room_{};
    std::string input_;
};

/// @tparam Loop `virtual_loop` where time matters: it passes when nothing else is left to be done
template <class Loop = real_loop>
struct web_world
{
    boost::asio::io_context context{1};
    Loop loop{context};
    scripted_handler handler;
    std::vector<std::string> said;
    std::optional<web::http_server> server;

    explicit web_world(web::server_options options = {})
    {
        options.listen = "127.0.0.1:0";
        options.say = [this](std::string_view text) { said.emplace_back(text); };
        server.emplace(loop, handler, std::move(options));
    }

    raw_client connect() { return {loop, server->address()}; }

    template <class T>
    T run(task<T> t)
    {
        runner<T> r(loop, std::move(t));
        context.restart();
        while (!r.ended())
            step();
        return r.take();
    }

    /// All that comes back for these bytes.
    std::string ask(std::string_view bytes)
    {
        raw_client c = connect();
        c.send(bytes);
        return run(c.read_all());
    }

    void step()
    {
        if constexpr (std::is_same_v<Loop, virtual_loop>) {
            if (!loop.step())
                loop.advance_to(loop.next_due());
        } else {
            BOOST_TEST_REQUIRE(context.run_one() == 1u, "the task waits for nothing");
        }
    }

    /// Until it is so.
    template <class Condition>
    void run_until(Condition so)
    {
        context.restart();
        while (!so())
            step();
    }
};

inline std::string get(std::string_view path, std::string_view fields = "Connection: close\r\n")
{
    return fmt::format("GET {} HTTP/1.1\r\nHost: here\r\n{}\r\n", path, fields);
}

inline unsigned status_of(std::string_view reply)
{
    return reply.starts_with("HTTP/1.1 ") ? static_cast<unsigned>(std::stoul(std::string(reply.substr(9, 3)))) : 0;
}

inline bool contains(std::string_view text, std::string_view part)
{
    const bool found = text.find(part) != std::string_view::npos;
    if (!found)
        BOOST_TEST_MESSAGE("no '" << part << "' in: " << text);
    return found;
}

inline bool lacks(std::string_view text, std::string_view part)
{
    return text.find(part) == std::string_view::npos;
}

inline std::size_t count_replies(std::string_view text)
{
    std::size_t n = 0;
    for (std::size_t at = 0; (at = text.find("\r\nServer: potoo\r\n", at)) != std::string_view::npos; ++at)
        ++n;
    return n;
}

} // namespace potoo::test
