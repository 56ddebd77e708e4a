// What a C++ programmer writes who takes Boost as it is: one `awaitable` a job, a `steady_timer` each, requests by
// Beast over a pool of 64 connections. Prints one number.
// Usage: asio_peer poll|memory SERVER_URL JOBS SECONDS
//   poll: microseconds of processor time a poll, asked as fast as the connections allow
//   memory: bytes a job that waits

#include "process_usage.hpp"

#include <boost/asio.hpp>
#include <boost/asio/experimental/channel.hpp>
#include <boost/beast.hpp>
#include <boost/json.hpp>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <memory>
#include <stdexcept>
#include <string>

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using namespace std::chrono_literals;
using potoo::bench::cpu_seconds;
using potoo::bench::resident_bytes;

namespace {

constexpr int connections = 64;

struct connection
{
    explicit connection(const asio::any_io_executor& e) : stream(e) {}

    beast::tcp_stream stream;
    beast::flat_buffer buffer;
};

/// Connections, and those who wait for one.
class pool
{
  public:
    explicit pool(asio::io_context& context, unsigned short port) : idle_(context, connections), port_(port) {}

    asio::awaitable<void> open()
    {
        const auto executor = co_await asio::this_coro::executor;
        for (int i = 0; i < connections; ++i) {
            auto c = std::make_unique<connection>(executor);
            co_await c->stream.async_connect(asio::ip::tcp::endpoint(asio::ip::address_v4::loopback(), port_),
                                             asio::use_awaitable);
            c->stream.socket().set_option(asio::ip::tcp::no_delay(true));
            give_back(std::move(c));
        }
    }

    asio::awaitable<std::unique_ptr<connection>> take()
    {
        auto c = co_await idle_.async_receive(asio::use_awaitable);
        co_return std::move(c);
    }

    void give_back(std::unique_ptr<connection> c) { idle_.try_send(boost::system::error_code(), std::move(c)); }

  private:
    asio::experimental::channel<void(boost::system::error_code, std::unique_ptr<connection>)> idle_;
    unsigned short port_;
};

/// @return true when the job has ended
asio::awaitable<bool> ask(pool& p, const std::string& id)
{
    auto c = co_await p.take();
    http::request<http::empty_body> request(http::verb::get, "/jobs/" + id, 11);
    request.set(http::field::host, "127.0.0.1");
    c->stream.expires_after(30s);
    co_await http::async_write(c->stream, request, asio::use_awaitable);
    http::response<http::string_body> response;
    co_await http::async_read(c->stream, c->buffer, response, asio::use_awaitable);
    p.give_back(std::move(c));
    const auto job = boost::json::parse(response.body());
    const auto& state = job.as_object().at("state").as_string();
    co_return state == "SUCCEEDED" || state == "FAILED" || state == "CANCELLED";
}

asio::awaitable<void> watch(pool& p, std::string id, std::chrono::milliseconds interval, long& polls)
{
    asio::steady_timer timer(co_await asio::this_coro::executor);
    for (;;) {
        timer.expires_after(interval);
        co_await timer.async_wait(asio::use_awaitable);
        const bool ended = co_await ask(p, id);
        ++polls;
        if (ended)
            co_return;
    }
}

void rethrow(std::exception_ptr e)
{
    if (e)
        std::rethrow_exception(e);
}

double measure(const std::string& what, unsigned short port, long jobs, int seconds)
{
    asio::io_context context(1);
    pool p(context, port);
    asio::co_spawn(context, p.open(), rethrow);
    context.run();
    context.restart();
    long polls = 0;
    const double before = resident_bytes();
    for (long i = 1; i <= jobs; ++i) {
        char id[32];
        std::snprintf(id, sizeof id, "job-%016ld", i);
        asio::co_spawn(context, watch(p, id, what == "poll" ? 0ms : 3'600'000ms, polls), rethrow);
    }
    context.run_for(1s);
    if (what == "memory")
        return (resident_bytes() - before) / static_cast<double>(jobs);
    const long polls_before = polls;
    const double cpu = cpu_seconds();
    context.run_for(std::chrono::seconds(seconds));
    return (cpu_seconds() - cpu) * 1e6 / static_cast<double>(polls - polls_before);
}

} // namespace

int main(int argc, char** argv)
{
    if (argc != 5) {
        std::fputs("usage: asio_peer poll|memory SERVER_URL JOBS SECONDS\n", stderr);
        return 2;
    }
    const std::string url = argv[2];
    const auto port = static_cast<unsigned short>(std::stoul(url.substr(url.rfind(':') + 1)));
    std::printf("%.3f\n", measure(argv[1], port, std::atol(argv[3]), std::atoi(argv[4])));
    std::fflush(stdout);
    // Coroutines that are still suspended need not be taken apart.
    std::_Exit(0);
}
