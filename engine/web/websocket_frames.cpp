#include "engine/web/websocket_frames.hpp"

#include <potoo/utf8.hpp>

#include <algorithm>
#include <utility>

namespace potoo::web {
namespace {

constexpr std::size_t most_control_payload = 125;
constexpr std::size_t mask_size = 4;

frame_event violation(unsigned code, std::string text)
{
    return {frame_event::kind::violation, std::move(text), code};
}

unsigned byte(std::string_view bytes, std::size_t i)
{
    return static_cast<std::uint8_t>(bytes[i]);
}

std::uint64_t number(std::string_view bytes)
{
    std::uint64_t n = 0;
    for (std::size_t i = 0; i < bytes.size(); ++i)
        n = n << 8 | byte(bytes, i);
    return n;
}

bool is_known(unsigned code)
{
    return code <= 0x2 || (code >= 0x8 && code <= 0xa);
}

/// That may be sent in a close frame.
bool is_close_code(unsigned code)
{
    return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) || (code >= 3000 && code <= 4999);
}

frame_event closed(std::string payload)
{
    if (payload.empty())
        return {frame_event::kind::closed, {}, 0};
    if (payload.size() < 2)
        return violation(close_code::protocol_error, "a close frame of one byte");
    const auto code = static_cast<unsigned>(number(std::string_view(payload).substr(0, 2)));
    payload.erase(0, 2);
    if (!is_close_code(code))
        return violation(close_code::protocol_error, "a close code that must not be sent");
    if (!is_utf8(payload))
        return violation(close_code::bad_text, "the reason is not UTF-8");
    return {frame_event::kind::closed, std::move(payload), code};
}

} // namespace

frame_event frame_reader::next(std::string_view bytes, std::size_t& used)
{
    used = 0;
    if (bytes.size() < 2)
        return {};
    const bool last = (byte(bytes, 0) & 0x80U) != 0;
    const unsigned code = byte(bytes, 0) & 0x0fU;
    const bool control = code >= 0x8;
    if ((byte(bytes, 0) & 0x70U) != 0 || !is_known(code))
        return violation(close_code::protocol_error, "a frame of an extension that was not agreed upon");
    if ((byte(bytes, 1) & 0x80U) == 0)
        return violation(close_code::protocol_error, "a frame of a client must be masked");
    std::uint64_t size = byte(bytes, 1) & 0x7fU;
    if (control && (size > most_control_payload || !last))
        return violation(close_code::protocol_error, "a control frame that is too long, or in pieces");
    const std::size_t extra = size == 126 ? 2 : size == 127 ? 8 : 0;
    if (bytes.size() < 2 + extra)
        return {};
    if (extra != 0)
        size = number(bytes.substr(2, extra));
    if ((extra == 2 && size < 126) || (extra == 8 && (size <= 0xffff || size >> 63 != 0)))
        return violation(close_code::protocol_error, "a frame whose length is not written as short as it can be");
    if (!control && size > limit_ - message_.size())
        return violation(close_code::too_big, "the message is too long");
    const std::size_t head = 2 + extra + mask_size;
    if (bytes.size() < head || bytes.size() - head < size)
        return {};
    std::string payload(bytes.substr(head, static_cast<std::size_t>(size)));
    for (std::size_t i = 0; i < payload.size(); ++i)
        payload[i] = static_cast<char>(payload[i] ^ bytes[head - mask_size + i % mask_size]);
    used = head + payload.size();
    return take(static_cast<frame_code>(code), last, std::move(payload));
}

frame_event frame_reader::take(frame_code code, bool last, std::string payload)
{
    switch (code) {
    case frame_code::ping:
        return {frame_event::kind::ping, std::move(payload), 0};
    case frame_code::pong:
        return {frame_event::kind::pong, std::move(payload), 0};
    case frame_code::close:
        return closed(std::move(payload));
    case frame_code::binary:
        return violation(close_code::not_text, "only text is understood here");
    case frame_code::text:
    case frame_code::continuation:
        break;
    }
    if (in_message_ != (code == frame_code::continuation))
        return violation(close_code::protocol_error, "the pieces of a message are out of order");
    in_message_ = !last;
    message_ += payload;
    if (!last)
        return {frame_event::kind::part, {}, 0};
    std::string message = std::exchange(message_, {});
    if (!is_utf8(message))
        return violation(close_code::bad_text, "the message is not UTF-8");
    return {frame_event::kind::text, std::move(message), 0};
}

std::string frame_head(frame_code code, std::size_t payload_size)
{
    std::string head(1, static_cast<char>(0x80U | static_cast<unsigned>(code)));
    const unsigned extra = payload_size < 126 ? 0 : payload_size <= 0xffff ? 2 : 8;
    head += static_cast<char>(extra == 0 ? payload_size : extra == 2 ? 126 : 127);
    for (unsigned i = extra; i > 0; --i)
        head += static_cast<char>(static_cast<std::uint64_t>(payload_size) >> (8 * (i - 1)) & 0xffU);
    return head;
}

std::string close_frame(unsigned code, std::string_view reason)
{
    std::size_t size = std::min(reason.size(), most_control_payload - 2);
    while (size > 0 && !is_utf8(reason.substr(0, size)))
        --size;
    std::string frame = frame_head(frame_code::close, 2 + size);
    frame += static_cast<char>(code >> 8 & 0xffU);
    frame += static_cast<char>(code & 0xffU);
    frame += reason.substr(0, size);
    return frame;
}

} // namespace potoo::web
