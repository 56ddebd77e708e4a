#include "tests/integration/job_service/running_service.hpp"

#include <boost/asio/write.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/write.hpp>
#include <fmt/format.h>

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdlib>
#include <stdexcept>
#include <system_error>

namespace potoo::test {

namespace asio = boost::asio;
using tcp = asio::ip::tcp;

namespace {

constexpr std::uint32_t response_limit = 64 * 1024 * 1024;

struct child
{
    pid_t pid = -1;
    int output = -1; // the end to read from
};

child spawn_with_pipe(const std::vector<std::string>& arguments, int redirected)
{
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0)
        throw std::system_error(errno, std::generic_category(), "pipe2");
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], redirected);
    std::vector<char*> pointers{const_cast<char*>(POTOO_JOB_SERVICE_PROGRAM)};
    for (const auto& argument : arguments)
        pointers.push_back(const_cast<char*>(argument.c_str()));
    pointers.push_back(nullptr);
    child started;
    const int error = ::posix_spawn(&started.pid, pointers.front(), &actions, nullptr, pointers.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    ::close(ends[1]);
    started.output = ends[0];
    if (error != 0)
        throw std::system_error(error, std::generic_category(), "cannot start " POTOO_JOB_SERVICE_PROGRAM);
    return started;
}

// Up to a newline or the end, and closes.
std::string read_all(int descriptor, bool one_line)
{
    std::string text;
    char byte = 0;
    while (::read(descriptor, &byte, 1) == 1 && !(one_line && byte == '\n'))
        text += byte;
    ::close(descriptor);
    return text;
}

int wait_for(pid_t pid)
{
    int status = 0;
    ::waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

} // namespace

program_end run_job_service(const std::vector<std::string>& arguments)
{
    const auto started = spawn_with_pipe(arguments, STDERR_FILENO);
    program_end end;
    end.err = read_all(started.output, false);
    end.exit_code = wait_for(started.pid);
    return end;
}

running_service::running_service(std::vector<std::string> arguments)
{
    arguments.insert(arguments.begin(), {"--listen", "127.0.0.1:0"});
    const auto started = spawn_with_pipe(arguments, STDOUT_FILENO);
    pid_ = started.pid;
    url_ = read_all(started.output, true);
    if (!url_.starts_with("http://")) {
        const auto exit_code = stop(SIGKILL);
        throw std::runtime_error(fmt::format("the job service did not start (exit code {})", exit_code));
    }
    port_ = static_cast<std::uint16_t>(std::stoi(url_.substr(url_.rfind(':') + 1)));
}

running_service::~running_service()
{
    if (pid_ <= 0)
        return;
    const auto exit_code = stop(SIGTERM);
    if (exit_code != 0) { // a crash, or a finding of a sanitizer
        fmt::print(stderr, "the job service ended with exit code {}\n", exit_code);
        std::abort();
    }
}

int running_service::stop(int signal)
{
    ::kill(pid_, signal);
    return wait_for(std::exchange(pid_, -1));
}

service_connection::service_connection(std::uint16_t port) : socket_(loop_)
{
    socket_.connect({asio::ip::address_v4::loopback(), port});
    socket_.set_option(tcp::no_delay(true));
}

reply service_connection::post(std::string_view target, const json::value& body, const headers& more)
{
    return exchange(http::verb::post, target, json::serialize(body), more);
}

reply service_connection::put(std::string_view target, const json::value& body)
{
    return exchange(http::verb::put, target, json::serialize(body));
}

reply service_connection::exchange(http::verb method, std::string_view target, std::string body, const headers& more)
{
    send(method, target, std::move(body), more);
    return receive();
}

void service_connection::send(http::verb method, std::string_view target, std::string body, const headers& more)
{
    http::request<http::string_body> asked(method, boost::core::string_view(target.data(), target.size()), 11);
    asked.set(http::field::host, "localhost");
    for (const auto& [name, value] : more)
        asked.set(name, value);
    asked.body() = std::move(body);
    asked.prepare_payload();
    http::write(socket_, asked);
}

void service_connection::send_raw(std::string_view bytes)
{
    asio::write(socket_, asio::buffer(bytes));
}

reply service_connection::receive()
{
    http::response_parser<http::string_body> parser;
    parser.body_limit(response_limit);
    http::read(socket_, input_, parser);
    auto received = parser.release();
    return {received.result_int(), std::move(received.base()), std::move(received.body())};
}

bool service_connection::has_received_anything()
{
    return input_.size() > 0 || socket_.available() > 0;
}

void service_connection::close()
{
    socket_.close();
}

bool eventually(const std::function<bool()>& holds)
{
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (!holds())
        if (std::chrono::steady_clock::now() > deadline)
            return false;
    return true;
}

} // namespace potoo::test
