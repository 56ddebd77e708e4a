#pragma once
/// @file
/// HTTP as operators use it. The client behind it keeps connections open and never makes a new one per request.

#include <potoo/task.hpp>
#include <potoo/time.hpp>

#include <boost/system/error_code.hpp>
#include <boost/system/result.hpp>

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace potoo {

struct http_header
{
    std::string name;
    std::string value;
};

struct http_request
{
    std::string method = "GET";
    /// `http://`, `https://`, or `unix:/path/to.sock:/target` for a Unix domain socket.
    std::string url;
    std::vector<http_header> headers;
    std::string body;
    /// For the whole exchange: waiting for a connection, connecting, sending, receiving.
    steady_time deadline = steady_time::max();
    /// A longer body ends the exchange with `http_error::body_too_large`. After decompression.
    std::size_t max_body = std::size_t{16} << 20;
    /// How many redirects to follow; 0 = a 3xx is a response like any other.
    unsigned max_redirects = 0;
};

struct http_response
{
    unsigned status = 0;
    std::vector<http_header> headers;
    std::string body;

    /// The first header of that name, case-insensitively; empty when there is none.
    [[nodiscard]] std::string_view header(std::string_view name) const noexcept;

    /// `Retry-After` in seconds or as a date, as a duration from `now`.
    [[nodiscard]] std::optional<duration> retry_after(wall_time now) const;
};

/// Why an exchange brought no response.
enum class http_error
{
    bad_url = 1,           ///< the URL or a header cannot be sent
    resolve_failed,        ///< no address for the host
    connect_failed,        ///< refused or unreachable
    tls_failed,            ///< handshake or certificate
    proxy_failed,          ///< the proxy refused
    not_sent,              ///< the connection was lost before anything of the request went out: safe to repeat
    timed_out_before_send, ///< the deadline passed before anything of the request went out: safe to repeat
    connection_lost,       ///< lost after the request, or part of it, went out: outcome unknown
    timed_out,             ///< the deadline passed after the request, or part of it, went out: outcome unknown
    body_too_large,        ///< the response's body exceeds the limit
    malformed,             ///< the response is not HTTP, or its encoding is broken
    too_many_redirects,
};

[[nodiscard]] const boost::system::error_category& http_category() noexcept;
[[nodiscard]] boost::system::error_code make_error_code(http_error e) noexcept;

/// Nothing of the request reached the other side, so sending it again cannot do its work twice.
[[nodiscard]] bool surely_not_sent(boost::system::error_code ec) noexcept;

/// Certificates and limits for one kind of connection.
struct http_options
{
    std::size_t connections_per_origin = 64;
    bool verify_certificate = true;
    std::string ca_file;          ///< PEM; empty = the system's
    std::string certificate_file; ///< PEM, for client authentication
    std::string key_file;         ///< PEM
    duration connect_timeout{10'000};
    duration idle_timeout{90'000}; ///< unused connections are closed after
};

/// Safe to use from many coroutines of one loop. A request that waits for a free connection keeps its place in line.
class http_client
{
  public:
    virtual ~http_client() = default;

    /// One exchange. A response of any status is a success here. `value().status` says what the other side thinks.
    /// Throws `cancelled` when the branch is told to stop; the connection is then closed, not reused.
    [[nodiscard]] virtual task<boost::system::result<http_response>> send(http_request request) = 0;

    /// Connections opened since the start, for tests and metrics.
    [[nodiscard]] virtual std::size_t connections_opened() const noexcept = 0;

    /// A sentence for people about the `send` that ended last with an error: where and why, such as `https://x:443:
    /// certificate verify failed: self-signed certificate (host x)`. Never contains headers, bodies, queries or
    /// credentials. To be read before the next wait; empty if the client has nothing to add to the error code.
    [[nodiscard]] virtual const std::string& last_error_detail() const noexcept
    {
        static const std::string nothing;
        return nothing;
    }
};

} // namespace potoo

template <>
struct boost::system::is_error_code_enum<potoo::http_error> : std::true_type
{};
