#include "tests/integration/backends/service.hpp"

#include "engine/loop/real_loop.hpp"
#include "engine/net/http_client_beast.hpp"

#include <potoo/asio.hpp>

#include <boost/asio/io_context.hpp>
#include <fmt/format.h>

#include <sys/wait.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <optional>
#include <stdexcept>

namespace potoo::test {
namespace {

constexpr int skipped = 77;
constexpr std::chrono::seconds patience{60};

} // namespace

std::string service_setting(const char* variable)
{
    const char* value = std::getenv(variable);
    if (!value || !*value)
        throw std::runtime_error(fmt::format("{} is not set", variable));
    return value;
}

needs_service::needs_service(const char* variable, const char* name)
{
    const char* value = std::getenv(variable);
    if (value && *value)
        return;
    fmt::print("skipped: no {} to test with: {} is not set (make test-backends starts the services)\n", name, variable);
    std::fflush(stdout);
    std::_Exit(skipped);
}

struct side_client::parts
{
    explicit parts(http_options o) : client(loop, std::move(o), {}) {}

    boost::asio::io_context context{1};
    real_loop loop{context};
    net::beast_http_client client;
};

side_client::side_client(http_options options) : parts_(std::make_unique<parts>(std::move(options))) {}

side_client::~side_client()
{
    parts_->client.close_unused();
    parts_->context.poll();
}

http_response side_client::send(http_request request)
{
    using exchanged = boost::system::result<http_response>;
    request.deadline = parts_->loop.now() + patience;
    const std::string shown = request.method + " " + request.url;
    std::optional<exchanged> got;
    std::exception_ptr error;
    async_run(parts_->loop, "side client", parts_->client.send(std::move(request)),
              [&](std::exception_ptr e, std::optional<exchanged> r) {
                  error = e;
                  got = std::move(r);
              });
    while (!got && !error) {
        if (parts_->context.run_one() == 0)
            parts_->context.restart();
    }
    if (error)
        std::rethrow_exception(error);
    if (!*got)
        throw std::runtime_error(
            fmt::format("{}: {} ({})", shown, got->error().message(), parts_->client.last_error_detail()));
    return std::move(**got);
}

json::value side_client::json(std::string_view method, std::string url, const json::value& body,
                              std::vector<http_header> headers)
{
    http_request r;
    r.method = method;
    r.url = std::move(url);
    r.headers = std::move(headers);
    r.max_body = std::size_t{256} << 20;
    if (!body.is_null()) {
        r.body = json::serialize(body);
        r.headers.push_back({"Content-Type", "application/json"});
    }
    const std::string shown = r.method + " " + r.url;
    const http_response answer = send(std::move(r));
    if (answer.status < 200 || answer.status > 299)
        throw std::runtime_error(fmt::format("{} answered {}: {}", shown, answer.status, answer.body));
    return answer.body.empty() ? json::value() : json::parse(answer.body);
}

std::string output_of_command(const std::string& shell_command)
{
    std::FILE* pipe = ::popen(shell_command.c_str(), "re");
    if (!pipe)
        throw std::runtime_error("cannot run " + shell_command);
    std::string output;
    std::array<char, 4096> piece{};
    while (const std::size_t n = std::fread(piece.data(), 1, piece.size(), pipe))
        output.append(piece.data(), n);
    const int status = ::pclose(pipe);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        throw std::runtime_error(fmt::format("{} failed ({}): {}", shell_command, status, output));
    while (output.ends_with('\n'))
        output.pop_back();
    return output;
}

} // namespace potoo::test
