#pragma once
/// @file
/// The frames of RFC 6455 as a server reads and writes them.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace potoo::web {

/// How a WebSocket ends (RFC 6455, 7.4.1).
namespace close_code {
inline constexpr unsigned normal = 1000;
inline constexpr unsigned going_away = 1001;
inline constexpr unsigned protocol_error = 1002;
inline constexpr unsigned not_text = 1003;
inline constexpr unsigned bad_text = 1007;
inline constexpr unsigned too_big = 1009;
inline constexpr unsigned server_failed = 1011;
} // namespace close_code

enum class frame_code : std::uint8_t
{
    continuation = 0x0,
    text = 0x1,
    binary = 0x2,
    close = 0x8,
    ping = 0x9,
    pong = 0xa,
};

/// What the client said.
struct frame_event
{
    enum class kind : std::uint8_t
    {
        nothing,   ///< not enough bytes
        part,      ///< of a message, or something of no account: read on
        text,      ///< a whole message
        ping,      ///< to be answered with the same payload
        pong,      ///<
        closed,    ///< `code`, 0 if the client gave none
        violation, ///< of the protocol: `code`, and `payload` says which
    };

    kind what = kind::nothing;
    std::string payload;
    unsigned code = 0;
};

class frame_reader
{
  public:
    /// @param message_limit most bytes of a message, of all its frames together
    explicit frame_reader(std::size_t message_limit) : limit_(message_limit) {}

    /// Reads one frame from the front of `bytes`. @param used how many bytes it took
    [[nodiscard]] frame_event next(std::string_view bytes, std::size_t& used);

  private:
    [[nodiscard]] frame_event take(frame_code code, bool last, std::string payload);

    std::size_t limit_;
    std::string message_;
    bool in_message_ = false;
};

/// Head of a frame that a server sends whole.
[[nodiscard]] std::string frame_head(frame_code code, std::size_t payload_size);

/// A close frame; the reason is cut to what fits.
[[nodiscard]] std::string close_frame(unsigned code, std::string_view reason);

} // namespace potoo::web
