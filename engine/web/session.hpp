#pragma once
/// @file
/// One client's connection: requests and their answers, in turn, until one of the two has had enough.

#include "engine/web/refusal.hpp"
#include "engine/web/reply_head.hpp"
#include "engine/web/request_reader.hpp"
#include "engine/web/server_core.hpp"
#include "engine/web/transport.hpp"

#include <potoo/execution.hpp>
#include <potoo/task.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace potoo::web {

/// Destroying it closes the connection and destroys what answers there, where it waits.
class session final : public execution
{
  public:
    /// @param ended called when it has come to its end; may destroy it
    session(server_core& core, transport::socket_type socket, const net::tls_context* tls,
            boost::asio::ip::address peer, std::function<void(session&)> ended);

    void start();

    /// The server stops: a request that has come whole is the last, a stream goes on until it ends or is cut off.
    void take_leave() noexcept;

    /// Tells what has no end by itself to stop.
    void cut_off() noexcept;

    [[nodiscard]] const boost::asio::ip::address& peer() const noexcept { return peer_; }

    /// Since when it has waited for the head of a request; nothing while it is of use, and when it takes its leave.
    [[nodiscard]] std::optional<steady_time> waiting_since() const noexcept
    {
        return state_ == state::in_head && cancel_requested() == cancel_reason::none ? std::optional(waiting_since_)
                                                                                     : std::nullopt;
    }

  private:
    enum class state : unsigned char
    {
        in_head,    ///< of the next request, or before it
        in_body,    ///<
        busy,       ///< with a request that has come whole
        open_ended, ///< a stream or a WebSocket
    };

    /// What of a request matters to its answer.
    struct exchange_facts
    {
        bool head_only = false;
        bool modern = true;
        bool keep_alive = false;
        std::string websocket_key; ///< empty: it asked for none
    };

    struct reading
    {
        bool ended = false; ///< the client has gone, or was idle for too long
        std::optional<refusal> refused;
    };

    class chunks;
    class body_share;

    void on_end() noexcept override;

    [[nodiscard]] task<> serve();
    [[nodiscard]] task<bool> exchange();
    [[nodiscard]] task<reading> read_head(request_reader& reader);
    [[nodiscard]] task<reading> read_body(request_reader& reader, body_share& share);
    [[nodiscard]] std::optional<refusal> put(request_reader& reader);
    [[nodiscard]] std::optional<reply> refuse(request_reader& reader);
    [[nodiscard]] task<reply> answer(request r);
    [[nodiscard]] task<bool> send_refusal(refusal why, exchange_facts facts);
    [[nodiscard]] task<bool> send(reply r, exchange_facts facts);
    [[nodiscard]] task<bool> send_whole(reply& r, exchange_facts facts);
    [[nodiscard]] task<bool> send_stream(reply& r, exchange_facts facts);
    [[nodiscard]] task<> talk(reply& r, exchange_facts facts);
    [[nodiscard]] task<> peer_gone();
    [[nodiscard]] task<> linger();
    [[nodiscard]] std::string head_of(reply& r, framing body, bool keep_alive);

    [[nodiscard]] bool stays_open(const exchange_facts& facts) const { return facts.keep_alive && !core_.draining; }

    [[nodiscard]] reply failure();

    [[nodiscard]] steady_time to_take() const { return core_.after(core_.options.limits.time_to_take); }

    server_core& core_;
    transport transport_;
    boost::asio::ip::address peer_;
    std::function<void(session&)> ended_;
    std::string input_; ///< read and not used
    state state_ = state::in_head;
    steady_time waiting_since_;
    bool first_ = true;    ///< nothing has been answered yet
    bool lingers_ = false; ///< the client may be sending what nobody reads
    task<> task_;
};

} // namespace potoo::web
