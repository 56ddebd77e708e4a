#pragma once
/// @file
/// The bytes of an answer before its body.

#include "engine/web/message.hpp"

#include <potoo/time.hpp>

#include <optional>
#include <string>

namespace potoo::web {

/// How the end of a body is found.
enum class framing
{
    none,   ///< there is no body, nor a length of one
    length, ///< of `reply::body`
    chunked,
    to_end, ///< of the connection
};

struct reply_traits
{
    framing body = framing::length;
    bool keep_alive = true;
    wall_time now;
};

/// Appends status line and fields, up to and including the empty line, to `out`. The server's own fields are left out
/// of those of the reply.
/// @return false, with `out` as it was, when a field would not arrive as one: its name is no token, its value has a
/// control character
[[nodiscard]] bool write_reply_head(const reply& r, const reply_traits& traits, std::string& out);

/// Value of `Sec-WebSocket-Accept` for a `Sec-WebSocket-Key`.
[[nodiscard]] std::string websocket_accept(const std::string& key);

} // namespace potoo::web
