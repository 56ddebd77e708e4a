#include "http_exchange.hpp"

#include <array>
#include <cerrno>
#include <cstdlib>
#include <netinet/in.h>
#include <stdexcept>
#include <sys/socket.h>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace potoo::bench {
namespace {

[[noreturn]] void raise(const char* what)
{
    throw std::system_error(errno, std::generic_category(), what);
}

std::string receive_all(int descriptor)
{
    std::string text;
    std::array<char, 16384> piece;
    for (ssize_t n = 0; (n = ::recv(descriptor, piece.data(), piece.size(), 0)) > 0;)
        text.append(piece.data(), static_cast<std::size_t>(n));
    return text;
}

} // namespace

loopback_socket::loopback_socket(std::uint16_t port) : descriptor_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0))
{
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (descriptor_ >= 0 && ::connect(descriptor_, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0)
        return;
    const int problem = errno;
    if (descriptor_ >= 0)
        ::close(descriptor_);
    errno = problem;
    raise("connecting to a server of this bench");
}

loopback_socket::~loopback_socket()
{
    if (descriptor_ >= 0)
        ::close(descriptor_);
}

loopback_socket::loopback_socket(loopback_socket&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1))
{}

void loopback_socket::send(const std::string& bytes) const
{
    if (::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(bytes.size()))
        raise("asking a server of this bench");
}

http_answer ask(std::uint16_t port, const std::string& method, const std::string& target, const std::string& body)
{
    std::string request =
        method + " " + target + " HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(port) + "\r\nConnection: close\r\n";
    if (!body.empty())
        request += "Content-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) + "\r\n";
    const loopback_socket socket(port);
    socket.send(request + "\r\n" + body);
    const std::string response = receive_all(socket.descriptor());
    const auto head_end = response.find("\r\n\r\n");
    if (!response.starts_with("HTTP/1.1 ") || head_end == std::string::npos)
        throw std::runtime_error("no answer to " + method + " " + target);
    return {std::atoi(response.c_str() + std::string("HTTP/1.1 ").size()), response.substr(head_end + 4)};
}

} // namespace potoo::bench
