#pragma once
/// @file
/// HTTP as operators use it. The client behind it keeps connections open and never makes a new one per request.

#include <potoo/branch.hpp>
#include <potoo/task.hpp>
#include <potoo/time.hpp>

#include <boost/system/error_code.hpp>
#include <boost/system/result.hpp>

#include <compare>
#include <cstddef>
#include <functional>
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

/// Takes a body piece by piece, in pieces of any size, on the loop. May not block or throw.
/// @return false to have no more: the exchange is broken off
using http_body_sink = std::function<bool(std::string_view piece)>;

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
    /// If set, the body of a 2xx response goes here as it comes, after decompression: `max_body` does not limit it, and
    /// `http_response::body` stays empty. For streams that last, and bodies too large to be kept.
    http_body_sink body_sink;
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
    stopped, ///< `http_request::body_sink` wanted no more
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
    std::string ca_pem;           ///< the certificates themselves, instead of a file
    std::string certificate_pem;  ///< likewise
    std::string key_pem;          ///< likewise
    std::string server_name;      ///< that the certificate must be for; empty = the URL's host
    duration connect_timeout{10'000};
    duration idle_timeout{90'000}; ///< unused connections are closed after

    friend auto operator<=>(const http_options&, const http_options&) = default;
};

class http_ask;

/// A request that is sent again and again with one word in it that changes: what is always the same has been worked
/// out. Made by a client and used with it alone.
class http_prepared
{
  public:
    virtual ~http_prepared() = default;

  protected:
    http_prepared() = default;
    http_prepared(const http_prepared&) = default;
    http_prepared& operator=(const http_prepared&) = default;
};

/// Safe to use from many coroutines of one loop. A request that waits for a free connection keeps its place in line.
class http_client
{
  public:
    virtual ~http_client() = default;

    /// One exchange. A response of any status is a success here. `value().status` says what the other side thinks.
    /// Throws `cancelled` when the branch is told to stop; the connection is then closed, not reused.
    [[nodiscard]] virtual task<boost::system::result<http_response>> send(http_request request) = 0;

    /// Prepares a request for `ask`. Wherever `blank` stands in its URL's path or query, the word comes in; `deadline`
    /// is of no account.
    /// @param blank letters and digits that occur nowhere else
    /// @return null when the client has no shorter way for such a request: it is to be sent by `send`
    [[nodiscard]] virtual std::shared_ptr<const http_prepared> prepare(const http_request& pattern,
                                                                       std::string_view blank);

    /// Begins an exchange that may be repeated without harm, on a connection that is open and unused, without a
    /// coroutine and without memory that survives it.
    /// @return false when that cannot be done at the moment; then nothing was begun, and `send` is the way
    [[nodiscard]] virtual bool ask(http_ask& question);

    /// A client with other options, as services need that have a certificate authority of their own. For equal options
    /// it is the same as long as it is in use: ask for it before each request rather than keep it. One that has sent
    /// nothing for an hour, has no open connection, and of which nothing prepared is held, may be destroyed when
    /// another is asked for, and in any case with this one. The default has no other and returns itself.
    [[nodiscard]] virtual http_client& with(const http_options& options);

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

/// One exchange of a prepared request, begun by `http_client::ask` and awaited then: `if (client.ask(a)) co_await a;`
/// Destroying it breaks the exchange off. Used once.
class http_ask final : public leaf
{
  public:
    /// What a client does with it.
    class carrier
    {
      public:
        /// Nobody waits for the answer any more.
        virtual void abandon() noexcept = 0;

      protected:
        ~carrier() = default;
    };

    /// @param what outlives it
    /// @param word what comes in the place of the blank
    /// @param room its memory is used for the response
    http_ask(const http_prepared& what, std::string_view word, steady_time now, steady_time deadline,
             http_response room) noexcept
        : prepared(what), word(word), begun(now), deadline(deadline), response(std::move(room))
    {}

    ~http_ask();

    /// Throws `cancelled`. Otherwise `error` and `response` say how it went.
    void await_resume() const { throw_if_cancelled(); }

    const http_prepared& prepared;
    std::string_view word;
    steady_time begun;
    steady_time deadline;
    boost::system::error_code error; ///< why there is no response
    http_response response;          ///< of its headers only `Retry-After`

    /// For the client: it has been begun, and when it ends `finish` is called.
    void carried_by(carrier& c) noexcept { carrier_ = &c; }

    /// For the client: goes on with whoever waits, at once; the last thing to be done in a handler.
    void finish();

  private:
    bool start() override { return carrier_ != nullptr; }

    bool withdraw() noexcept override;

    carrier* carrier_ = nullptr;
};

} // namespace potoo

template <>
struct boost::system::is_error_code_enum<potoo::http_error> : std::true_type
{};
