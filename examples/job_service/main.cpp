#include "dispatcher.hpp"
#include "http_session.hpp"

#include <CLI/CLI.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/signal_set.hpp>
#include <fmt/format.h>

#include <signal.h>
#include <sys/resource.h>

#include <charconv>
#include <cstdio>
#include <exception>
#include <fstream>
#include <iostream>
#include <stdexcept>
#include <thread>

namespace {

using namespace job_service;

using tcp_acceptor = asio::basic_socket_acceptor<tcp, executor>;

constexpr int exit_failed = 1;
constexpr int exit_usage = 2;

struct options
{
    std::string listen = "127.0.0.1:0";
    std::string port_file;
    bool allow_remote = false;
    bool quiet = false;
    dispatcher::limits limits;
    routes::settings settings;
};

struct usage_error : std::runtime_error
{
    using std::runtime_error::runtime_error;
};

void declare(CLI::App& app, options& chosen)
{
    app.add_option("--listen", chosen.listen, "address:port to listen on; port 0 takes a free one")
        ->capture_default_str();
    app.add_option("--port-file", chosen.port_file, "file that gets the port, written atomically when listening");
    app.add_flag("--allow-remote", chosen.allow_remote,
                 "listen on an address that others reach; whoever reaches it runs commands as you");
    app.add_option("--slots", chosen.limits.slots, "processes at the same time")
        ->check(CLI::Range(1, 100'000))
        ->capture_default_str();
    app.add_flag("--slots-for-builtin", chosen.limits.slots_for_builtin, "built-in commands take slots as well");
    app.add_flag("--deduplicate", chosen.settings.deduplicate, "the same token is the same job");
    app.add_option("--query-limit", chosen.settings.query_limit, "ids or tokens in one query")
        ->check(CLI::Range(1, 1'000'000))
        ->capture_default_str();
    app.add_option("--log-limit", chosen.limits.log_bytes, "bytes of output kept per job, the newest")
        ->check(CLI::Range(1'024, 1 << 30))
        ->capture_default_str();
    app.add_option_function<std::uint32_t>(
           "--grace-ms", [&](std::uint32_t ms) { chosen.limits.grace = std::chrono::milliseconds(ms); },
           "milliseconds between TERM and KILL")
        ->default_str("5000");
    app.add_flag("--quiet", chosen.quiet, "print nothing but errors");
}

tcp::endpoint endpoint_from(const options& chosen)
{
    const auto colon = chosen.listen.rfind(':');
    const auto port_text = colon == std::string::npos ? std::string() : chosen.listen.substr(colon + 1);
    auto host = chosen.listen.substr(0, colon);
    if (host.starts_with('[') && host.ends_with(']'))
        host = host.substr(1, host.size() - 2);
    error_code error;
    const auto address = asio::ip::make_address(host == "localhost" ? "127.0.0.1" : host, error);
    std::uint16_t port = 0;
    const auto [end, failed] = std::from_chars(port_text.data(), port_text.data() + port_text.size(), port);
    if (error || port_text.empty() || failed != std::errc{} || end != port_text.data() + port_text.size())
        throw usage_error(
            fmt::format("--listen: expected address:port such as 127.0.0.1:8080, found '{}'", chosen.listen));
    if (!address.is_loopback() && !chosen.allow_remote)
        throw usage_error(fmt::format("--listen: {} is reached by others, who could run commands as you; "
                                      "say --allow-remote if that is wanted",
                                      host));
    return {address, port};
}

std::string url_of(const tcp::endpoint& local)
{
    const auto address = local.address().to_string();
    const auto host = local.address().is_v6() ? "[" + address + "]" : address;
    return fmt::format("http://{}:{}", host, local.port());
}

void write_port_file(const std::string& path, std::uint16_t port)
{
    const auto unfinished = path + ".tmp";
    std::ofstream file(unfinished, std::ios::trunc);
    file << port << '\n';
    file.close();
    if (!file || std::rename(unfinished.c_str(), path.c_str()) != 0)
        throw std::runtime_error(fmt::format("cannot write the port file '{}'", path));
}

// Each process takes three descriptors, each client one.
void raise_descriptor_limit()
{
    rlimit limit = {};
    if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        ::setrlimit(RLIMIT_NOFILE, &limit);
    }
}

// A parent may have set these to be ignored, which is inherited; without CHLD's default no exit status is kept.
void restore_signals()
{
    for (const int number : {SIGCHLD, SIGTERM, SIGINT})
        ::signal(number, SIG_DFL);
    ::signal(SIGPIPE, SIG_IGN);
    sigset_t none;
    sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

void report_failure(std::exception_ptr failure)
{
    try {
        if (failure)
            std::rethrow_exception(failure);
    } catch (const std::exception& error) {
        std::cerr << "job_service: a connection failed: " << error.what() << '\n';
    }
}

awaitable<void> accept_connections(tcp_acceptor& acceptor, shared_parts parts)
{
    const auto where = acceptor.get_executor();
    while (acceptor.is_open()) {
        auto socket = std::make_shared<tcp_socket>(where);
        error_code error;
        co_await acceptor.async_accept(*socket, asio::redirect_error(use_awaitable, error));
        if (error == asio::error::operation_aborted)
            co_return;
        if (error) { // out of descriptors, most likely: some will be free in a moment
            std::cerr << "job_service: cannot accept a connection: " << error.message() << '\n';
            timer later(where, std::chrono::milliseconds(100));
            co_await later.async_wait(asio::redirect_error(use_awaitable, error));
            continue;
        }
        error_code ignored;
        socket->set_option(tcp::no_delay(true), ignored);
        asio::co_spawn(where, serve_connection(std::move(socket), parts), report_failure);
    }
}

void stop_on_signal(asio::basic_signal_set<executor>& signals, dispatcher& jobs, tcp_acceptor& acceptor,
                    asio::io_context& loop)
{
    signals.async_wait([&](error_code cancelled, int) {
        if (cancelled)
            return;
        const bool first = acceptor.is_open();
        acceptor.close();
        stop_on_signal(signals, jobs, acceptor, loop);
        if (first)
            jobs.stop([&loop] { loop.stop(); });
        else
            jobs.kill_all();
    });
}

void serve(const options& chosen)
{
    statistics counted; // connections are destroyed with the loop, and count themselves then
    asio::io_context loop(1);
    fault_switches faults;
    job_table table;
    dispatcher jobs(loop.get_executor(), table, chosen.limits);
    routes handlers(table, jobs, faults, counted, chosen.settings);
    tcp_acceptor acceptor(loop.get_executor(), endpoint_from(chosen));
    asio::basic_signal_set<executor> signals(loop.get_executor(), SIGTERM, SIGINT);
    stop_on_signal(signals, jobs, acceptor, loop);
    const auto local = acceptor.local_endpoint();
    asio::co_spawn(loop.get_executor(), accept_connections(acceptor, {handlers, faults, counted}), report_failure);
    if (!chosen.port_file.empty())
        write_port_file(chosen.port_file, local.port());
    if (!chosen.quiet)
        std::cout << url_of(local) << std::endl;
    loop.run();
}

} // namespace

int main(int argc, char** argv)
{
    options chosen;
    chosen.limits.slots = 2 * std::max(1U, std::thread::hardware_concurrency());
    CLI::App app("A job service to try potoo on: runs commands that it gets over HTTP.", "job_service");
    declare(app, chosen);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : exit_usage;
    }
    try {
        restore_signals();
        raise_descriptor_limit();
        serve(chosen);
    } catch (const usage_error& error) {
        std::cerr << "job_service: " << error.what() << '\n';
        return exit_usage;
    } catch (const std::exception& error) {
        std::cerr << "job_service: " << error.what() << '\n';
        return exit_failed;
    }
    return 0;
}
