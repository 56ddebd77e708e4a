#pragma once
/// @file
/// A server that says what a test tells it to, byte by byte, on threads of its own.

#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

typedef struct ssl_ctx_st SSL_CTX;
typedef struct ssl_st SSL;

namespace potoo::test {

/// Thrown in a script whose client, or server, is gone: ends the script.
struct connection_ended
{};

/// The server's end of one connection, in a script.
class peer
{
  public:
    peer(int socket, SSL_CTX* tls);
    ~peer();
    peer(const peer&) = delete;
    peer& operator=(const peer&) = delete;

    /// The next request, head and body, as it came.
    std::string read_request();

    /// Exactly so many bytes.
    std::string read_bytes(std::size_t n);

    /// Whether bytes, not the end of the connection, come next.
    bool more_comes();

    void send(std::string_view bytes);

    /// Status 200, a length and the body; the connection stays open.
    void answer(std::string_view body);

    /// Until the client closes.
    void wait_for_end();

    /// Closes so that the client sees a reset.
    void reset();

    /// No goodbye of TLS before the end of the connection.
    void cut() { polite_ = false; }

    /// Passes bytes both ways until one side ends.
    void relay_to(std::uint16_t port);

    /// TLS handshake; the constructor has done it for servers that have a context.
    void start_tls(SSL_CTX* tls);

  private:
    friend class scripted_server;

    std::size_t receive(char* to, std::size_t n);

    int socket_;
    SSL* ssl_ = nullptr;
    bool polite_ = true;
    std::string input_;
};

class scripted_server
{
  public:
    /// Runs for each connection on a thread of its own; its end closes the connection. The number counts from 1.
    using script = std::function<void(peer&, int number)>;

    /// Listens on 127.0.0.1, or on a unix socket at `unix_path`. With `tls`, which it does not own, over TLS.
    explicit scripted_server(script s, SSL_CTX* tls = nullptr, std::string unix_path = {});

    /// Ends all connections and waits for the scripts.
    ~scripted_server();
    scripted_server(const scripted_server&) = delete;
    scripted_server& operator=(const scripted_server&) = delete;

    std::uint16_t port() const { return port_; }

    std::string url(std::string_view target = "/") const;

    /// Accepted so far.
    int connections() const { return accepted_; }

    /// Blocks until so many scripts have ended.
    void wait_for_ended(int n);

  private:
    void accept_all();
    void serve(int socket, int number);

    script script_;
    SSL_CTX* tls_;
    int listener_ = -1;
    std::uint16_t port_ = 0;
    std::string unix_path_;
    std::atomic<int> accepted_{0};
    std::mutex mutex_;
    std::condition_variable changed_;
    int ended_ = 0;
    bool stopping_ = false;
    std::vector<int> open_;
    std::vector<std::thread> threads_;
    std::thread acceptor_;
};

/// A port of 127.0.0.1 on which nobody listens.
std::uint16_t unused_port();

} // namespace potoo::test
