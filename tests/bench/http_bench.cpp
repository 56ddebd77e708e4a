/// What a poll costs: user and system CPU of the client per request, 64 connections in a closed loop against the
/// example job service, beside wrk doing the same against the same. One line of JSON.

#include "engine/loop/real_loop.hpp"
#include "engine/net/http_client_beast.hpp"
#include "tests/integration/job_service/running_service.hpp"

#include <potoo/concurrency.hpp>
#include <potoo/execution.hpp>

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

using namespace potoo;

constexpr int connections = 64;
constexpr int rounds = 3;
constexpr std::chrono::seconds round_length(3);

struct cost
{
    double cpu_us = 0;
    std::uint64_t requests = 0;

    cost& operator+=(const cost& other)
    {
        cpu_us += other.cpu_us;
        requests += other.requests;
        return *this;
    }

    double per_request() const { return cpu_us / static_cast<double>(requests); }
};

double cpu_us(const rusage& u)
{
    const auto us = [](const timeval& t) {
        return static_cast<double>(t.tv_sec) * 1e6 + static_cast<double>(t.tv_usec);
    };
    return us(u.ru_utime) + us(u.ru_stime);
}

double own_cpu_us()
{
    rusage u{};
    ::getrusage(RUSAGE_SELF, &u);
    return cpu_us(u);
}

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
    const double before = own_cpu_us();
    std::vector<task<std::uint64_t>> polls;
    for (int i = 0; i < connections; ++i)
        polls.push_back(poll_until(client, url, l.now() + round_length, l));
    main_task all(l, context, potoo::all(std::move(polls)));
    context.run();
    cost c;
    c.cpu_us = own_cpu_us() - before;
    for (const std::uint64_t n : all.take())
        c.requests += n;
    return c;
}

/// Nothing when wrk is not there.
std::optional<cost> run_wrk(const std::string& url)
{
    std::array<int, 2> out{};
    if (::pipe(out.data()) != 0)
        throw std::runtime_error("pipe");
    const pid_t child = ::fork();
    if (child == 0) {
        ::dup2(out[1], STDOUT_FILENO);
        const std::string c = "-c" + std::to_string(connections);
        const std::string d = "-d" + std::to_string(round_length.count()) + "s";
        ::execlp("wrk", "wrk", "-t1", c.c_str(), d.c_str(), url.c_str(), nullptr);
        ::_exit(127);
    }
    ::close(out[1]);
    std::string text;
    std::array<char, 4096> piece;
    for (ssize_t n = 0; (n = ::read(out[0], piece.data(), piece.size())) > 0;)
        text.append(piece.data(), static_cast<std::size_t>(n));
    ::close(out[0]);
    int status = 0;
    rusage used{};
    ::wait4(child, &status, 0, &used);
    const auto end = text.find(" requests in ");
    if (status != 0 || end == std::string::npos)
        return std::nullopt;
    const auto begin = text.rfind('\n', end) + 1;
    return cost{cpu_us(used), std::strtoull(text.c_str() + begin, nullptr, 10)};
}

int run(int argc, char** argv)
{
    const potoo::test::running_service service;
    potoo::test::service_connection submit(service);
    const auto job = submit.post("/jobs", json::object{{"command", json::array{"builtin:succeed", "1"}}});
    const std::string url = service.url() + "/jobs/" + job.string_at("id");
    const bool with_peer = argc < 2 || std::string(argv[1]) != "--no-peer";
    cost own;
    std::optional<cost> peer;
    for (int i = 0; i < rounds; ++i) {
        own += run_client(url);
        const auto wrk = with_peer ? run_wrk(url) : std::nullopt;
        if (wrk)
            peer = peer ? * peer += *wrk : *wrk;
    }
    std::printf("{\"bench\":\"http.cpu_per_request\",\"value\":%.3f,\"unit\":\"us\",\"requests\":%llu",
                own.per_request(), static_cast<unsigned long long>(own.requests));
    if (peer)
        std::printf(",\"peer\":\"wrk\",\"peer_value\":%.3f,\"peer_requests\":%llu,\"ratio\":%.3f}\n",
                    peer->per_request(), static_cast<unsigned long long>(peer->requests),
                    own.per_request() / peer->per_request());
    else
        std::printf(",\"note\":\"wrk did not run: no peer\"}\n");
    return 0;
}

} // namespace

int main(int argc, char** argv)
{
    try {
        return run(argc, argv);
    } catch (const std::exception& e) {
        std::fprintf(stderr, "http_bench: %s\n", e.what());
        return 1;
    }
}
