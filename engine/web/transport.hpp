#pragma once
/// @file
/// A client's connection, in the clear or inside TLS, with limits of time for either direction.

#include "engine/net/tls.hpp"

#include <potoo/loop.hpp>
#include <potoo/task.hpp>

#include <boost/asio/ip/tcp.hpp>

#include <memory>
#include <string>
#include <string_view>

namespace potoo::web {

/// One coroutine may read while another writes. What waits when it is destroyed is abandoned.
class transport
{
  public:
    using socket_type = boost::asio::basic_stream_socket<boost::asio::ip::tcp, loop::executor_type>;

    /// @param socket open
    /// @param server null for a connection in the clear
    transport(loop& l, socket_type socket, const net::tls_context* server);
    ~transport();
    transport(const transport&) = delete;
    transport& operator=(const transport&) = delete;

    /// False when the client does not get it done before the deadline. True at once in the clear.
    [[nodiscard]] task<bool> handshake(steady_time deadline);

    /// Appends what has come to `to`, waiting for it if there is nothing yet. `to` must outlive the reading.
    /// @return how much; 0 at the end of the connection, at the deadline (`read_late`), or after a failure
    [[nodiscard]] task<std::size_t> read(std::string& to, steady_time deadline);

    /// The last `read` ended for its deadline.
    [[nodiscard]] bool read_late() const noexcept { return reading_.passed; }

    /// False when not all of it has been taken before the deadline, or the client has gone. The views must outlive it.
    [[nodiscard]] task<bool> write(std::string_view head, std::string_view body, steady_time deadline);

    /// As much as can be taken at once.
    void write_now(std::string_view bytes) noexcept;

    /// Nothing more is written: tells the client so.
    void end_writing() noexcept;

    /// Ends what waits here: reads get 0, writes false.
    void close() noexcept;

    [[nodiscard]] bool secure() const noexcept { return tls_ != nullptr; }

    [[nodiscard]] const socket_type& socket() const noexcept { return socket_; }

  private:
    /// Of one direction.
    struct time_limit final : timer_node
    {
        explicit time_limit(transport& t) : owner(t) {}

        void on_due() override;

        transport& owner;
        steady_time deadline = steady_time::max();
        bool passed = false;
    };

    struct progress
    {
        net::tls_status status = net::tls_status::done;
        std::size_t bytes = 0;
    };

    void limit(time_limit& l, steady_time deadline);
    void lift(time_limit& l);
    [[nodiscard]] progress read_now(char* to, std::size_t size);
    [[nodiscard]] progress write_some(std::string_view head, std::string_view body);
    [[nodiscard]] task<> wait_for(net::tls_status wish);
    [[nodiscard]] bool turn_is_over(std::size_t bytes) noexcept;

    loop& loop_;
    socket_type socket_;
    std::unique_ptr<net::tls_session> tls_;
    time_limit reading_{*this};
    time_limit writing_{*this};
    std::size_t since_turn_ = 0; ///< bytes that came or went without anybody's waiting
    bool closed_ = false;
};

} // namespace potoo::web
