/// What the server's web side costs its core: a small answer to one of 64 connections of wrk, and a message to one of
/// 1,000 WebSockets. Only the loop's thread is counted; the clients have another.

#include "child_program.hpp"
#include "engine/loop/real_loop.hpp"
#include "engine/web/http_server.hpp"
#include "figure.hpp"

#include <potoo/asio.hpp>
#include <potoo/wait.hpp>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <fmt/format.h>

#include <cstdio>
#include <cstring>
#include <ctime>
#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace {

using namespace potoo;
using namespace potoo::bench;

constexpr int wrk_seconds = 5;
constexpr std::size_t subscribers = 1'000;
constexpr std::size_t messages = 300;
constexpr std::size_t message_bytes = 300;

double thread_cpu_seconds()
{
    timespec t{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}

struct bench_handler final : web::handler
{
    std::optional<web::reply> refuse(web::request&) override { return std::nullopt; }

    std::size_t body_limit(const web::request&) override { return 1'000; }

    task<web::reply> answer(web::request r) override
    {
        web::reply out;
        if (r.websocket) {
            out.talk = [this](web::websocket& s) { return tell_all(s); };
        } else {
            out.fields.emplace_back("Content-Type", "application/json");
            out.body = R"({"status":"good","problems":[],"runs":17})";
        }
        co_return out;
    }

    web::reply problem(unsigned status, std::string_view) override
    {
        web::reply r;
        r.status = status;
        return r;
    }

    /// Every subscriber gets each message when it is there.
    task<> tell_all(web::websocket& s)
    {
        const auto message = std::make_shared<const std::string>(message_bytes, 'm');
        started.increment();
        for (std::size_t i = 1; i <= messages; ++i) {
            co_await published.reached(i);
            co_await s.send(message);
        }
        ended.increment();
    }

    counter started;
    counter published;
    counter ended;
};

int connect_to(const std::string& address)
{
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(static_cast<std::uint16_t>(std::stoi(address.substr(address.rfind(':') + 1))));
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int s = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (s < 0 || ::connect(s, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0)
        throw std::runtime_error(std::string("cannot connect: ") + std::strerror(errno));
    const std::string ask = "GET / HTTP/1.1\r\nHost: here\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                            "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    if (::send(s, ask.data(), ask.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(ask.size()))
        throw std::runtime_error("cannot ask for a WebSocket");
    return s;
}

/// Reads what comes from all of them until every one has ended.
void read_all(std::vector<pollfd> sockets)
{
    std::vector<char> room(std::size_t{64} * 1024);
    for (std::size_t open = sockets.size(); open > 0;) {
        ::poll(sockets.data(), sockets.size(), -1);
        for (pollfd& p : sockets) {
            if (p.fd < 0 || p.revents == 0 || ::recv(p.fd, room.data(), room.size(), 0) > 0)
                continue;
            ::close(std::exchange(p.fd, -1));
            --open;
        }
    }
}

struct bench_server
{
    boost::asio::io_context context{1};
    real_loop loop{context};
    bench_handler handler;
    web::http_server server{loop, handler, options()};

    static web::server_options options()
    {
        web::server_options o;
        o.listen = "127.0.0.1:0";
        return o;
    }
};

void measure_requests()
{
    bench_server b;
    const auto work = boost::asio::make_work_guard(b.context);
    std::optional<wrk_result> wrk;
    std::thread client([&] {
        wrk = run_wrk("http://" + b.server.address() + "/", wrk_seconds);
        b.context.stop();
    });
    const double before = thread_cpu_seconds();
    b.context.run();
    const double used = thread_cpu_seconds() - before;
    client.join();
    if (!wrk)
        throw std::runtime_error("wrk did not run");
    print({.name = "web.cpu_per_request",
           .value = used * 1e6 / static_cast<double>(b.server.stats().requests),
           .unit = "us",
           .peer = peer{"wrk -t1 -c64, which asks", wrk->cpu_us_per_request, {}},
           .note =
               fmt::format("{:.0f} requests a second", static_cast<double>(b.server.stats().requests) / wrk_seconds)});
}

task<> publish(bench_handler& h)
{
    co_await h.started.reached(subscribers);
    for (std::size_t i = 1; i <= messages; ++i) {
        h.published.increment();
        co_await yield_now();
    }
    co_await h.ended.reached(subscribers);
}

void measure_fan_out()
{
    bench_server b;
    std::vector<pollfd> sockets;
    for (std::size_t i = 0; i < subscribers; ++i)
        sockets.push_back({connect_to(b.server.address()), POLLIN, 0});
    std::thread client([&] { read_all(sockets); });
    async_run(b.loop, "publish", publish(b.handler), [&](const std::exception_ptr&) { b.context.stop(); });
    const double before = thread_cpu_seconds();
    b.context.run();
    const double used = thread_cpu_seconds() - before;
    print({.name = "web.cpu_per_websocket_message",
           .value = used * 1e6 / static_cast<double>(subscribers * messages),
           .unit = "us",
           .note = fmt::format("{} WebSockets, {} bytes a message", subscribers, message_bytes)});
    b.context.restart();
    async_run(b.loop, "drain", b.server.drain(b.loop.now() + std::chrono::seconds(1)),
              [&](const std::exception_ptr&) { b.context.stop(); });
    b.context.run();
    client.join();
}

} // namespace

int main()
{
    try {
        measure_requests();
        measure_fan_out();
        return 0;
    } catch (const std::exception& e) {
        std::fprintf(stderr, "web_bench: %s\n", e.what());
        return 1;
    }
}
