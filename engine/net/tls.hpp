#pragma once
/// @file
/// TLS over a non-blocking socket, by OpenSSL. The socket's owner waits; nothing here does.

#include "engine/net/problem.hpp"

#include <openssl/types.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace potoo::net {

/// What a step of a session ended with.
enum class tls_status : std::uint8_t
{
    done,
    wants_read,  ///< again when the socket is readable
    wants_write, ///< again when it is writable
    closed,      ///< the peer said goodbye
    failed,      ///< see `tls_session::failure`
};

struct tls_step
{
    tls_status status;
    std::size_t bytes = 0; ///< read or written, when done
};

/// Certificates and rules for all sessions of a client, or of a server.
class tls_context
{
  public:
    ~tls_context();
    tls_context(const tls_context&) = delete;
    tls_context& operator=(const tls_context&) = delete;

    /// Reads the files that `options` names, or the texts in it. Problems are `tls_failed` and name which.
    [[nodiscard]] static or_problem<std::unique_ptr<tls_context>> make(const http_options& options);

    /// Of a server, which must have a certificate and a key in `options` and asks its clients for none.
    [[nodiscard]] static or_problem<std::unique_ptr<tls_context>> make_server(const http_options& options);

  private:
    friend class tls_session;

    tls_context() = default;

    SSL_CTX* context_ = nullptr;
    bool verify_ = true;
};

/// One side of a TLS connection. The socket may not go before it, nor the context before the end of the constructor.
class tls_session
{
  public:
    /// @param socket open, non-blocking
    tls_session(const tls_context& context, int socket, const std::string& host);

    /// The server's side.
    tls_session(const tls_context& server, int socket);
    ~tls_session();
    tls_session(const tls_session&) = delete;
    tls_session& operator=(const tls_session&) = delete;

    [[nodiscard]] tls_step handshake();
    [[nodiscard]] tls_step read(char* to, std::size_t size);
    [[nodiscard]] tls_step write(std::string_view bytes);

    /// Says goodbye, without waiting for the answer, if that is still possible.
    void close() noexcept;

    /// Nothing but news about the session itself has come from the peer.
    [[nodiscard]] bool quiet();

    /// Bytes that went out through the socket since the start, encryption and all.
    [[nodiscard]] std::uint64_t bytes_out() const noexcept { return bytes_out_; }

    /// Why a step failed: `certificate verify failed: self-signed certificate (host x)`.
    [[nodiscard]] const std::string& failure() const noexcept { return failure_; }

    /// The peer refused this client's certificate, which it may say after the client's part of the handshake is over.
    [[nodiscard]] bool refused_by_peer() const noexcept { return refused_; }

  private:
    [[nodiscard]] tls_step step(int result, std::size_t bytes);
    void note_failure(int ssl_error, int system_error);

    void use_socket();

    static int send_through(BIO* bio, const char* data, int size);
    static int receive_through(BIO* bio, char* data, int size);
    static long control(BIO* bio, int command, long number, void* pointer);
    static BIO_METHOD* method();

    SSL* ssl_ = nullptr;
    int socket_;
    std::string host_;
    std::uint64_t bytes_out_ = 0;
    std::string failure_;
    bool refused_ = false;
    bool broken_ = false;
};

} // namespace potoo::net
