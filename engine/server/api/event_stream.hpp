#pragma once
/// @file
/// Events on their way to one client.

#include "engine/server/access/token_book.hpp"
#include "engine/server/events/subscription.hpp"
#include "engine/web/message.hpp"

#include <potoo/loop.hpp>
#include <potoo/task.hpp>

#include <memory>
#include <string>

namespace potoo::server {

/// Who listens, and as what it was let in.
struct event_listener
{
    std::shared_ptr<subscription> events;
    token_book& tokens;
    potoo::loop& loop;
    std::string token; ///< its id; when it is not good any more, the stream ends. Empty = none was needed so far
};

/// Until either side ends it. @throws cancelled
[[nodiscard]] task<> talk_events(event_listener listener, web::websocket& socket);

/// As server-sent events, with a comment now and then so that the connection is known to live.
[[nodiscard]] task<> write_events(event_listener listener, web::body_writer& out);

} // namespace potoo::server
