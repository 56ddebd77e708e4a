#pragma once
/// @file
/// An HTTP/1.1 server on the engine's loop, with WebSockets and optional TLS (Boost.Beast). Everything that a client
/// can make it keep is limited.

#include "engine/web/message.hpp"

#include <potoo/loop.hpp>
#include <potoo/time.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace potoo::web {

struct server_limits
{
    /// One more takes the place of the one that has asked nothing for longest, or is answered by 503 and closed.
    std::size_t connections = 4'096;
    std::size_t connections_of_one_peer = 1'024; ///< not of trusted proxies; 0 = as many as all
    /// Of the bodies of all requests under way. Of each, 16 KiB do not count, so that small ones always come through;
    /// the request that would exceed it is answered by 503.
    std::size_t body_bytes = 64UL * 1024 * 1024;
    std::size_t head_bytes = 16UL * 1024;    ///< request line and fields
    std::size_t message_bytes = 64UL * 1024; ///< of one WebSocket message of the client
    std::chrono::milliseconds time_for_head{10'000};
    std::chrono::milliseconds time_for_body{60'000};
    std::chrono::milliseconds time_to_take{30'000}; ///< a piece of an answer, before the client counts as gone
    std::chrono::milliseconds idle{75'000};         ///< between two requests
    std::chrono::milliseconds ping{30'000};         ///< of a silent WebSocket
};

struct server_options
{
    std::string listen = "127.0.0.1:8080"; ///< `address:port`, `[address]:port`; port 0 = any free one
    std::string certificate_file;          ///< PEM chain; with `key_file` the server speaks TLS only
    std::string key_file;
    std::vector<std::string> trusted_proxies; ///< addresses whose X-Forwarded-For and -Proto count
    server_limits limits;
    /// Told of what went wrong here, in a line (a handler that threw); may be empty. Must not throw.
    std::function<void(std::string_view)> say;
};

/// What has happened since it was made.
struct server_stats
{
    std::uint64_t accepted = 0;
    std::uint64_t refused = 0; ///< connections beyond the limit
    std::uint64_t requests = 0;
    std::uint64_t malformed = 0;
    std::array<std::uint64_t, 6> replies{}; ///< by the first digit of the status
    std::size_t open = 0;
    std::size_t websockets = 0;
    std::size_t body_bytes = 0; ///< that count for `server_limits::body_bytes`
};

class http_server
{
  public:
    /// Listens at once. `l` and `h` must outlive it.
    /// @throws std::system_error (the address is taken), std::runtime_error (the certificate, what is no address) with
    /// a text that says what to do
    http_server(potoo::loop& l, handler& h, server_options options);

    /// Closes all connections at once.
    ~http_server();

    http_server(const http_server&) = delete;
    http_server& operator=(const http_server&) = delete;

    /// Where it listens, as in `server_options::listen`, with the real port.
    [[nodiscard]] std::string address() const;

    [[nodiscard]] server_stats stats() const noexcept;

    /// Reads the certificate anew; connections that are open keep theirs. @throws std::runtime_error and keeps the old
    void reload_certificate();

    /// Accepts no more, lets requests end that have come whole, gives streams and WebSockets a second to end by
    /// themselves and then tells them to go, and returns when all are closed or the deadline has passed.
    [[nodiscard]] task<> drain(steady_time deadline);

  private:
    struct parts;

    std::shared_ptr<parts> parts_;
};

} // namespace potoo::web
