#pragma once
/// @file
/// The example job service as a child process, and a blocking client of it.

#include <potoo/json.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/fields.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/string_body.hpp>

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace potoo::test {

namespace http = boost::beast::http;

/// How a program ended that was run to its end.
struct program_end
{
    int exit_code = -1; // -1: by a signal
    std::string err;
};

/// Runs the job service with arguments that make it end by itself.
program_end run_job_service(const std::vector<std::string>& arguments);

/// A job service on a free port of the loopback address, ended with its jobs by the destructor.
class running_service
{
  public:
    /// Returns when the service listens. Throws std::runtime_error if it ends instead.
    explicit running_service(std::vector<std::string> arguments = {});
    ~running_service();
    running_service(const running_service&) = delete;
    running_service& operator=(const running_service&) = delete;

    std::uint16_t port() const { return port_; }

    pid_t pid() const { return pid_; }

    const std::string& url() const { return url_; }

    /// Sends a signal, waits for the end and returns the exit code (-1: ended by a signal).
    int stop(int signal);

  private:
    pid_t pid_ = -1;
    std::string url_;
    std::uint16_t port_ = 0;
};

struct reply
{
    unsigned status = 0;
    http::fields headers;
    std::string text;

    /// The body as JSON; throws if it is none.
    json::value body() const { return json::parse(text); }

    /// A member of the body, which is an object: `at("state")`.
    json::value at(std::string_view key) const { return body().as_object().at(key); }

    std::string string_at(std::string_view key) const { return std::string(at(key).as_string()); }
};

/// One connection to a service, kept from request to request. Errors are boost::system::system_error.
class service_connection
{
  public:
    using headers = std::vector<std::pair<std::string, std::string>>;

    explicit service_connection(std::uint16_t port);

    explicit service_connection(const running_service& service) : service_connection(service.port()) {}

    reply get(std::string_view target) { return exchange(http::verb::get, target); }

    reply post(std::string_view target, const json::value& body, const headers& more = {});
    reply put(std::string_view target, const json::value& body);

    reply remove(std::string_view target) { return exchange(http::verb::delete_, target); }

    reply exchange(http::verb method, std::string_view target, std::string body = {}, const headers& more = {});

    /// The two halves of exchange(), and bytes as they are.
    void send(http::verb method, std::string_view target, std::string body = {}, const headers& more = {});
    void send_raw(std::string_view bytes);
    reply receive();

    bool has_received_anything();
    void close();

  private:
    boost::asio::io_context loop_;
    boost::asio::ip::tcp::socket socket_;
    boost::beast::flat_buffer input_;
};

/// Asks again and again until it holds, for at most half a minute.
bool eventually(const std::function<bool()>& holds);

} // namespace potoo::test
