#include "tests/integration/net/scripted_server.hpp"

#include <fmt/format.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace potoo::test {
namespace {

[[noreturn]] void fail(const char* what)
{
    throw std::system_error(errno, std::generic_category(), what);
}

sockaddr_in loopback(std::uint16_t port)
{
    sockaddr_in a{};
    a.sin_family = AF_INET;
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    a.sin_port = htons(port);
    return a;
}

int listen_on_loopback(std::uint16_t& port)
{
    const int s = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in a = loopback(0);
    socklen_t size = sizeof(a);
    if (s < 0 || ::bind(s, reinterpret_cast<sockaddr*>(&a), size) != 0 || ::listen(s, SOMAXCONN) != 0 ||
        ::getsockname(s, reinterpret_cast<sockaddr*>(&a), &size) != 0)
        fail("listen");
    port = ntohs(a.sin_port);
    return s;
}

int listen_on_unix(const std::string& path)
{
    const int s = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un a{};
    a.sun_family = AF_UNIX;
    path.copy(a.sun_path, sizeof(a.sun_path) - 1);
    if (s < 0 || ::bind(s, reinterpret_cast<sockaddr*>(&a), sizeof(a)) != 0 || ::listen(s, SOMAXCONN) != 0)
        fail("listen on unix socket");
    return s;
}

std::size_t content_length(std::string_view head)
{
    constexpr std::string_view name = "\r\nContent-Length: ";
    const auto at = head.find(name);
    return at == std::string_view::npos
               ? 0
               : std::strtoul(std::string(head.substr(at + name.size(), 20)).c_str(), nullptr, 10);
}

} // namespace

peer::peer(int socket, SSL_CTX* tls) : socket_(socket)
{
    if (tls)
        start_tls(tls);
}

peer::~peer()
{
    if (ssl_ && polite_)
        SSL_shutdown(ssl_);
    ERR_clear_error();
    SSL_free(ssl_);
}

void peer::start_tls(SSL_CTX* tls)
{
    ssl_ = SSL_new(tls);
    SSL_set_fd(ssl_, socket_);
    if (SSL_accept(ssl_) != 1) {
        // Without TLS from here on: a script that reads takes what is there, so that the client sees an alert and no
        // reset.
        ERR_clear_error();
        SSL_free(std::exchange(ssl_, nullptr));
    }
}

std::size_t peer::receive(char* to, std::size_t n)
{
    if (ssl_) {
        const int got = SSL_read(ssl_, to, static_cast<int>(n));
        ERR_clear_error();
        return got > 0 ? static_cast<std::size_t>(got) : 0;
    }
    const auto got = ::recv(socket_, to, n, 0);
    return got > 0 ? static_cast<std::size_t>(got) : 0;
}

bool peer::more_comes()
{
    std::array<char, 4096> piece;
    if (!input_.empty())
        return true;
    input_.append(piece.data(), receive(piece.data(), piece.size()));
    return !input_.empty();
}

std::string peer::read_bytes(std::size_t n)
{
    std::array<char, 4096> piece;
    while (input_.size() < n) {
        const std::size_t got = receive(piece.data(), piece.size());
        if (got == 0)
            throw connection_ended();
        input_.append(piece.data(), got);
    }
    std::string out = input_.substr(0, n);
    input_.erase(0, n);
    return out;
}

std::string peer::read_request()
{
    std::array<char, 4096> piece;
    std::size_t end = 0;
    while ((end = input_.find("\r\n\r\n")) == std::string::npos) {
        const std::size_t got = receive(piece.data(), piece.size());
        if (got == 0)
            throw connection_ended();
        input_.append(piece.data(), got);
    }
    end += 4;
    return read_bytes(end + content_length(input_.substr(0, end)));
}

void peer::send(std::string_view bytes)
{
    while (!bytes.empty()) {
        const auto n = ssl_ ? static_cast<ssize_t>(SSL_write(ssl_, bytes.data(), static_cast<int>(bytes.size())))
                            : ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        ERR_clear_error();
        if (n <= 0)
            throw connection_ended();
        bytes.remove_prefix(static_cast<std::size_t>(n));
    }
}

void peer::answer(std::string_view body)
{
    send(fmt::format("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{}", body.size(), body));
}

void peer::wait_for_end()
{
    while (more_comes())
        input_.clear();
}

void peer::reset()
{
    const linger now{1, 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    polite_ = false;
}

void peer::relay_to(std::uint16_t port)
{
    const int other = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const sockaddr_in a = loopback(port);
    if (::connect(other, reinterpret_cast<const sockaddr*>(&a), sizeof(a)) != 0) {
        ::close(other);
        throw connection_ended();
    }
    std::array<pollfd, 2> ends{pollfd{socket_, POLLIN, 0}, pollfd{other, POLLIN, 0}};
    std::array<char, 4096> piece;
    bool open = true;
    while (open && ::poll(ends.data(), ends.size(), -1) > 0) {
        for (std::size_t i = 0; i < ends.size() && open; ++i) {
            if (ends[i].revents == 0)
                continue;
            const auto n = ::recv(ends[i].fd, piece.data(), piece.size(), 0);
            open = n > 0 && ::send(ends[1 - i].fd, piece.data(), static_cast<std::size_t>(n), MSG_NOSIGNAL) == n;
        }
    }
    ::close(other);
}

scripted_server::scripted_server(script s, SSL_CTX* tls, std::string unix_path)
    : script_(std::move(s)), tls_(tls), unix_path_(std::move(unix_path))
{
    std::signal(SIGPIPE, SIG_DFL); // the client must not need it ignored
    listener_ = unix_path_.empty() ? listen_on_loopback(port_) : listen_on_unix(unix_path_);
    acceptor_ = std::thread([this] { accept_all(); });
}

scripted_server::~scripted_server()
{
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
        for (const int s : open_)
            ::shutdown(s, SHUT_RDWR);
    }
    ::shutdown(listener_, SHUT_RDWR);
    acceptor_.join();
    ::close(listener_);
    for (std::thread& t : threads_)
        t.join();
}

std::string scripted_server::url(std::string_view target) const
{
    if (!unix_path_.empty())
        return fmt::format("unix:{}:{}", unix_path_, target);
    return fmt::format("{}://127.0.0.1:{}{}", tls_ ? "https" : "http", port_, target);
}

void scripted_server::accept_all()
{
    for (;;) {
        const int s = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
        if (s < 0)
            return;
        const std::lock_guard lock(mutex_);
        if (stopping_) {
            ::close(s);
            return;
        }
        open_.push_back(s);
        const int number = ++accepted_;
        threads_.emplace_back([this, s, number] { serve(s, number); });
    }
}

void scripted_server::serve(int socket, int number)
{
    // OpenSSL writes to the socket by write().
    sigset_t pipe;
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe, nullptr);
    {
        peer p(socket, tls_);
        try {
            script_(p, number);
        } catch (const connection_ended&) {}
    }
    const std::lock_guard lock(mutex_);
    std::erase(open_, socket);
    ::close(socket);
    ++ended_;
    changed_.notify_all();
}

void scripted_server::wait_for_ended(int n)
{
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return ended_ >= n; });
}

std::uint16_t unused_port()
{
    std::uint16_t port = 0;
    ::close(listen_on_loopback(port));
    return port;
}

} // namespace potoo::test
