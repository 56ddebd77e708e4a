/// What a poll costs: user and system CPU of the client per request, 64 connections in a closed loop against the
/// example job service, beside wrk doing the same against the same. `--no-peer`: without wrk.

#include "child_program.hpp"
#include "engine/loop/real_loop.hpp"
#include "engine/net/http_client_beast.hpp"
#include "figure.hpp"
#include "process_usage.hpp"
#include "tests/integration/job_service/running_service.hpp"

#include <potoo/concurrency.hpp>
#include <potoo/execution.hpp>

#include <cstdint>
#include <cstdio>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

using namespace potoo;
using namespace potoo::bench;

constexpr int connections = 64;
constexpr int rounds = 3;
constexpr std::chrono::seconds round_length(3);

struct cost
{
    double cpu_us = 0;
    std::uint64_t requests = 0;
};

task<std::uint64_t> poll_until(http_client& client, std::string url, steady_time end, loop& l)
{
    std::uint64_t done = 0;
    while (l.now() < end) {
        http_request request;
        request.url = url;
        request.deadline = end + std::chrono::seconds(30);
        auto response = co_await client.send(std::move(request));
        if (!response || response->status != 200)
            throw std::runtime_error("a poll failed: " + (response ? response->body : response.error().message()));
        ++done;
    }
    co_return done;
}

class main_task final : public execution
{
  public:
    main_task(real_loop& l, boost::asio::io_context& context, task<std::vector<std::uint64_t>> t)
        : execution(l, l.intern("bench")), context_(context), task_(std::move(t))
    {
        task_access<std::vector<std::uint64_t>>::start(task_, *this);
    }

    std::vector<std::uint64_t> take() { return task_access<std::vector<std::uint64_t>>::result(task_).take(); }

  private:
    void on_end() noexcept override { context_.stop(); }

    boost::asio::io_context& context_;
    task<std::vector<std::uint64_t>> task_;
};

cost run_client(const std::string& url)
{
    boost::asio::io_context context{1};
    real_loop l(context);
    net::beast_http_client client(l, {}, {});
    const double before = cpu_seconds();
    std::vector<task<std::uint64_t>> polls;
    for (int i = 0; i < connections; ++i)
        polls.push_back(poll_until(client, url, l.now() + round_length, l));
    main_task all(l, context, potoo::all(std::move(polls)));
    context.run();
    cost c;
    c.cpu_us = (cpu_seconds() - before) * 1e6;
    for (const std::uint64_t n : all.take())
        c.requests += n;
    return c;
}

void run(bool with_peer)
{
    const potoo::test::running_service service;
    potoo::test::service_connection submit(service);
    const auto job = submit.post("/jobs", json::object{{"command", json::array{"builtin:succeed", "1"}}});
    const std::string url = service.url() + "/jobs/" + job.string_at("id");
    cost own;
    cost wrk;
    for (int i = 0; i < rounds; ++i) {
        const cost c = run_client(url);
        own.cpu_us += c.cpu_us;
        own.requests += c.requests;
        const auto beside = with_peer ? run_wrk(url, static_cast<int>(round_length.count())) : std::nullopt;
        if (beside) {
            wrk.cpu_us += beside->cpu_us_per_request * beside->requests;
            wrk.requests += static_cast<std::uint64_t>(beside->requests);
        }
    }
    peer beside{"wrk -t1 -c64", std::nullopt, with_peer ? "wrk did not run" : "not asked for"};
    if (wrk.requests > 0)
        beside.value = wrk.cpu_us / static_cast<double>(wrk.requests);
    print({.name = "http.cpu_per_request",
           .value = own.cpu_us / static_cast<double>(own.requests),
           .unit = "us",
           .peer = beside});
}

} // namespace

int main(int argc, char** argv)
{
    try {
        run(argc < 2 || std::string(argv[1]) != "--no-peer");
        return 0;
    } catch (const std::exception& e) {
        std::fprintf(stderr, "http_bench: %s\n", e.what());
        return 1;
    }
}
