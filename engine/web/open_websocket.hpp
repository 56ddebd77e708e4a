#pragma once
/// @file
/// One WebSocket over a connection whose handshake is done.

#include "engine/web/server_core.hpp"
#include "engine/web/transport.hpp"
#include "engine/web/websocket_frames.hpp"

#include <potoo/wait.hpp>

#include <deque>
#include <functional>
#include <optional>
#include <string>

namespace potoo::web {

class open_websocket final : public websocket
{
  public:
    /// @param input what the client has sent already
    open_websocket(server_core& core, transport& t, std::string input);

    /// Lets `talk` talk until either side has had enough, then says goodbye. Throws `cancelled` only where the server
    /// itself stops.
    [[nodiscard]] task<> run(const std::function<task<>(websocket&)>& talk);

    [[nodiscard]] task<> send(std::shared_ptr<const std::string> message) override;
    [[nodiscard]] task<std::optional<std::string>> receive() override;
    [[nodiscard]] task<> close(unsigned code, std::string reason) override;

  private:
    [[nodiscard]] task<> send_frame(std::string head, std::shared_ptr<const std::string> payload, bool last);
    [[nodiscard]] task<frame_event> next_frame(steady_time deadline);
    [[nodiscard]] task<> read_all();
    [[nodiscard]] task<> take_frames();
    [[nodiscard]] task<> watch_silence();
    [[nodiscard]] task<> say_goodbye(unsigned code, std::string reason);

    [[nodiscard]] steady_time to_take() const { return core_.after(core_.options.limits.time_to_take); }

    server_core& core_;
    transport& transport_;
    std::string input_;
    std::size_t begin_ = 0; ///< of what was read and not used
    frame_reader reader_;
    std::deque<std::string> inbox_;
    counter arrived_; ///< messages, and the end of them
    counter taken_;
    semaphore writing_{1};
    steady_time heard_;
    bool receiving_ = false;
    bool over_ = false;      ///< nothing more comes
    bool understood_ = true; ///< false after a violation of the protocol
    bool torn_ = false;      ///< a frame is on its way, or was left in the middle
    bool close_sent_ = false;
    bool close_received_ = false;
    bool gone_ = false; ///< the connection itself has ended
    unsigned end_code_ = close_code::normal;
    std::string end_reason_;
};

} // namespace potoo::web
