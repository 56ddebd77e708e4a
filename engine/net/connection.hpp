#pragma once
/// @file
/// One connection to a server or proxy: TCP, TLS over it, or a unix socket.

#include "engine/net/resolver.hpp"
#include "engine/net/response_reader.hpp"
#include "engine/net/tls.hpp"

#include <potoo/loop.hpp>
#include <potoo/task.hpp>

#include <boost/asio/basic_stream_socket.hpp>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace potoo::net {

/// Told how an exchange went that was begun without a coroutine.
class exchange_listener
{
  public:
    /// The connection may be destroyed from here; the last thing that it does.
    virtual void on_exchanged() noexcept = 0;

  protected:
    ~exchange_listener() = default;
};

/// Used by one coroutine or listener at a time. Destroying it closes it and ends, unheard, what it waits for.
class connection final : private timer_node, private ready_node
{
  public:
    explicit connection(loop& l);
    ~connection();
    connection(const connection&) = delete;
    connection& operator=(const connection&) = delete;

    /// From now on nothing is waited for beyond `deadline`. `steady_time::max()`: no limit.
    void limit(steady_time deadline);

    /// The limit has passed while something was waited for. The connection is of no use any more.
    [[nodiscard]] bool timed_out() const noexcept { return timed_out_; }

    /// Makes the connection, or tells why not. May be called again after a failure.
    [[nodiscard]] task<boost::system::error_code> connect(endpoint to);

    /// Puts TLS on it. `tls_failed`, or `timed_out_before_send`.
    [[nodiscard]] task<or_problem<void>> secure(const tls_context& context, std::string host);

    /// Sends a request and reads its response. `head` and `body` must outlive it. Which problem it is says whether
    /// anything went out.
    [[nodiscard]] task<or_problem<http_response>> exchange(std::string_view head, std::string_view body,
                                                           reading_rules rules);

    /// Sends a request at once and reads into `reader` as bytes arrive, until `l` is told. For a connection that speaks
    /// to its server in the clear. `reader` must outlive the connection, or the exchange.
    /// @return false when not all could be sent at once: the connection is of no use any more
    [[nodiscard]] bool begin_exchange(std::string_view head, response_reader& reader, exchange_listener& l);

    /// Of such an exchange that has ended: why there is no response; empty when there is one.
    [[nodiscard]] const std::optional<problem>& failure() const noexcept { return failure_; }

    /// Not inside TLS.
    [[nodiscard]] bool in_the_clear() const noexcept { return tls_ == nullptr; }

    /// The last exchange put bytes on the wire.
    [[nodiscard]] bool sent() const noexcept { return sent_; }

    /// The last exchange got bytes back.
    [[nodiscard]] bool answered() const noexcept { return answered_; }

    /// The last exchange left it ready for another.
    [[nodiscard]] bool reusable() const noexcept { return reusable_; }

    /// The other side has neither closed it nor sent anything that nobody asked for.
    [[nodiscard]] bool still_open();

  private:
    using socket_type = boost::asio::basic_stream_socket<boost::asio::generic::stream_protocol, loop::executor_type>;

    /// Bytes read, zero at the end of the stream.
    using bytes_or_failure = boost::system::result<std::size_t, std::string>;

    void on_due() override;
    void on_ready() override;

    [[nodiscard]] task<std::string> write(std::string_view bytes);
    [[nodiscard]] task<or_problem<void>> read_response(response_reader& reader);
    [[nodiscard]] task<bytes_or_failure> read_tls(boost::asio::mutable_buffer room);
    [[nodiscard]] boost::asio::mutable_buffer room_for_more();
    [[nodiscard]] std::string write_some(std::string_view& rest, tls_status& status);
    [[nodiscard]] problem lost(std::string why) const;

    class arrival;

    /// What a read in flight has of the connection, which it may outlive.
    struct read_link
    {
        connection* owner;
        bool in_flight = false;
    };

    void read_on();
    void on_read(boost::system::error_code ec, std::size_t n);
    void end_exchange(std::optional<problem> failure);

    loop& loop_;
    socket_type socket_;
    std::unique_ptr<tls_session> tls_;
    std::vector<char> input_;
    std::size_t begin_ = 0; ///< of what was read and not used
    std::size_t end_ = 0;
    steady_time deadline_ = steady_time::max();
    steady_time due_ = steady_time::max();
    bool timed_out_ = false;
    bool sent_ = false;
    bool answered_ = false;
    bool reusable_ = false;
    bool fresh_ = true; ///< no exchange has begun
    read_link* link_ = nullptr;
    response_reader* reader_ = nullptr;
    exchange_listener* listener_ = nullptr;
    std::optional<problem> failure_;
};

} // namespace potoo::net
