#include "http_session.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace job_service {

namespace beast = boost::beast;
namespace http = beast::http;

namespace {

constexpr std::uint64_t body_limit = 4 * 1024 * 1024;
constexpr std::uint32_t header_limit = 64 * 1024;
constexpr std::size_t missing_bytes = 64; // of a truncated response
constexpr std::string_view close_header = "Connection: close\r\n";
constexpr std::string_view keep_header = "Connection: keep-alive\r\n";
constexpr auto linger = std::chrono::seconds(2);

using request_parser = http::request_parser<http::string_body>;

struct connection
{
    std::shared_ptr<tcp_socket> socket;
    shared_parts parts;
    beast::flat_buffer input{header_limit + body_limit};
    std::string output{};
};

// What to do with the connection after a request.
enum class after_request
{
    keep,
    close
};

class counted_connection
{
  public:
    explicit counted_connection(statistics& counted) : counted_(counted)
    {
        ++counted_.connections_accepted;
        ++counted_.connections_open;
    }

    counted_connection(const counted_connection&) = delete;
    counted_connection& operator=(const counted_connection&) = delete;

    ~counted_connection() { --counted_.connections_open; }

  private:
    statistics& counted_;
};

class watch
{
  public:
    watch(job_ptr subject, timer& alarm) : subject_(std::move(subject)), alarm_(&alarm)
    {
        subject_->watchers.push_back(alarm_);
    }

    watch(const watch&) = delete;
    watch& operator=(const watch&) = delete;

    ~watch() { std::erase(subject_->watchers, alarm_); }

  private:
    job_ptr subject_;
    timer* alarm_;
};

awaitable<void> pause(executor where, std::chrono::milliseconds duration)
{
    timer alarm(where, duration);
    error_code ignored;
    co_await alarm.async_wait(asio::redirect_error(use_awaitable, ignored));
}

// Until the job has ended (for a log: or has written more), is forgotten, or the time is up.
awaitable<void> wait_for_change(executor where, const routes& handlers, const call& made)
{
    const auto deadline = std::chrono::steady_clock::now() + made.wait;
    while (std::chrono::steady_clock::now() < deadline) {
        const auto subject = handlers.awaited_by(made);
        if (!subject)
            co_return;
        timer alarm(where, deadline);
        const watch registered(subject, alarm);
        error_code ignored;
        co_await alarm.async_wait(asio::redirect_error(use_awaitable, ignored));
    }
}

awaitable<void> discard_until_closed(tcp_socket& socket)
{
    std::array<char, 16 * 1024> discarded;
    error_code error;
    while (!error)
        co_await socket.async_read_some(asio::buffer(discarded), asio::redirect_error(use_awaitable, error));
}

// A client that is still sending would lose the answer to a reset if the socket were closed at once.
awaitable<void> close_gently(std::shared_ptr<tcp_socket> socket)
{
    error_code ignored;
    socket->shutdown(tcp_socket::shutdown_send, ignored);
    timer alarm(socket->get_executor(), linger);
    alarm.async_wait([socket](error_code cancelled) {
        if (!cancelled)
            socket->close();
    });
    co_await discard_until_closed(*socket);
}

void render(const response& answer, std::string_view connection_header, std::size_t announced, std::string& text)
{
    const auto reason = http::obsolete_reason(static_cast<http::status>(answer.status));
    text.clear();
    fmt::format_to(std::back_inserter(text), "HTTP/1.1 {} {}\r\nContent-Type: {}\r\nContent-Length: {}\r\n{}{}\r\n",
                   answer.status, std::string_view(reason.data(), reason.size()), answer.content_type, announced,
                   connection_header, answer.headers);
    text += answer.body;
}

awaitable<bool> write_output(connection& client)
{
    error_code error;
    co_await asio::async_write(*client.socket, asio::buffer(client.output), asio::redirect_error(use_awaitable, error));
    co_return !error;
}

unsigned status_of_parse_error(error_code error)
{
    if (error == http::error::body_limit)
        return 413;
    if (error == http::error::header_limit)
        return 431;
    return 400;
}

bool is_http_error(error_code error)
{
    return error.category() == http::make_error_code(http::error::end_of_stream).category() &&
           error != http::error::end_of_stream && error != http::error::partial_message;
}

// False when there is no request: the client has gone, or was told that what it sent is none.
awaitable<bool> read_request(connection& client, request_parser& parser)
{
    parser.body_limit(body_limit);
    parser.header_limit(header_limit);
    error_code error;
    co_await http::async_read_header(*client.socket, client.input, parser, asio::redirect_error(use_awaitable, error));
    if (!error && !parser.is_done()) {
        if (beast::iequals(parser.get()[http::field::expect], "100-continue")) {
            client.output = "HTTP/1.1 100 Continue\r\n\r\n";
            const auto written = co_await write_output(client);
            if (!written)
                co_return false;
        }
        co_await http::async_read(*client.socket, client.input, parser, asio::redirect_error(use_awaitable, error));
    }
    if (is_http_error(error)) {
        const auto refusal = problem(status_of_parse_error(error), "the request cannot be read: " + error.message());
        render(refusal, close_header, refusal.body.size(), client.output);
        const auto written = co_await write_output(client);
        if (written)
            co_await close_gently(client.socket);
    }
    co_return !error;
}

response instead_of_work(const fault_plan& plan)
{
    if (plan.instead_of_work == fault::server_error)
        return problem(500, "a fault was asked for");
    auto refusal = problem(429, "a fault was asked for: too many requests");
    refusal.headers = fmt::format("Retry-After: {}\r\n", plan.retry_after);
    return refusal;
}

awaitable<after_request> send(connection& client, const response& answer, const request& asked, const fault_plan& plan)
{
    const bool truncated = plan.after_work == fault::truncate;
    const bool keep_alive = asked.keep_alive() && !truncated;
    // A client of HTTP/1.0 keeps the connection only if it is told so.
    const auto connection_header = !keep_alive ? close_header : asked.version() < 11 ? keep_header : "";
    render(answer, connection_header, answer.body.size() + (truncated ? missing_bytes : 0), client.output);
    const auto written = co_await write_output(client);
    const bool keep = written && keep_alive;
    co_return keep ? after_request::keep : after_request::close;
}

awaitable<after_request> answer_request(connection& client, const request& asked)
{
    auto& [handlers, faults, counted] = client.parts;
    const auto made = handlers.recognise(asked);
    ++counted.requests[static_cast<std::size_t>(made.which)];
    const auto plan = made.refusal ? fault_plan{} : faults.plan_for(made.which);
    if (plan.delay.count() > 0)
        co_await pause(client.socket->get_executor(), plan.delay);
    if (plan.instead_of_work == fault::drop_request)
        co_return after_request::close;
    response answer;
    if (plan.instead_of_work) {
        answer = instead_of_work(plan);
    } else {
        if (made.wait.count() > 0)
            co_await wait_for_change(client.socket->get_executor(), handlers, made);
        answer = handlers.answer(made, asked, plan.stale);
    }
    if (plan.after_work == fault::drop_response)
        co_return after_request::close;
    if (plan.after_work == fault::hang) {
        co_await discard_until_closed(*client.socket);
        co_return after_request::close;
    }
    if (plan.after_work == fault::garbage)
        answer.body = "]" + answer.body.substr(0, answer.body.size() / 2);
    const auto next = co_await send(client, answer, asked, plan);
    co_return next;
}

} // namespace

awaitable<void> serve_connection(std::shared_ptr<tcp_socket> socket, shared_parts parts)
{
    const counted_connection counted(parts.counted);
    connection client{std::move(socket), parts};
    auto next = after_request::keep;
    while (next == after_request::keep) {
        request_parser parser;
        const auto complete = co_await read_request(client, parser);
        if (!complete)
            co_return;
        next = co_await answer_request(client, parser.get());
    }
}

} // namespace job_service
