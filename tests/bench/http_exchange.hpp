#pragma once
/// @file
/// One request to a server on the loopback address, on a connection of its own; blocks until the answer is there.

#include <cstdint>
#include <string>

namespace potoo::bench {

struct http_answer
{
    int status = 0;
    std::string body;
};

/// @param body JSON; none when it is empty
/// @throws std::system_error when there is no such server; std::runtime_error when what it says is no answer
[[nodiscard]] http_answer ask(std::uint16_t port, const std::string& method, const std::string& target,
                              const std::string& body = {});

/// A connected socket, closed by the destructor.
class loopback_socket
{
  public:
    /// @throws std::system_error
    explicit loopback_socket(std::uint16_t port);
    ~loopback_socket();
    loopback_socket(loopback_socket&& other) noexcept;
    loopback_socket(const loopback_socket&) = delete;
    loopback_socket& operator=(const loopback_socket&) = delete;
    loopback_socket& operator=(loopback_socket&&) = delete;

    [[nodiscard]] int descriptor() const noexcept { return descriptor_; }

    /// All of it. @throws std::system_error
    void send(const std::string& bytes) const;

  private:
    int descriptor_;
};

} // namespace potoo::bench
