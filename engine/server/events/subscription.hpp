#pragma once
/// @file
/// One who follows the events.

#include "engine/server/events/event_filter.hpp"

#include <potoo/task.hpp>
#include <potoo/wait.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace potoo::server {

/// One message to a subscriber: a WebSocket text frame, or one `data:` of server-sent events with `cursor` as its
/// `id:`.
struct event_batch
{
    std::shared_ptr<const std::string> text; ///< JSON, one line; shared with other subscribers
    journal::record_seq cursor;              ///< to go on after this message
    std::string end; ///< why it is the last one (`lagging`, `stopping`, `broken`); empty = it is not
};

class event_feed;

/// Must not outlive its feed. Gives every event once, in the order of the journal, and after the last one waits for
/// more. A subscriber that reads too slowly to keep up is told so and must come again with its cursor.
class subscription
{
  public:
    ~subscription();

    subscription(const subscription&) = delete;
    subscription& operator=(const subscription&) = delete;

    /// The next message; the first comes at once, without events, so that the subscriber has a cursor. One call at a
    /// time; not after the last message.
    [[nodiscard]] task<event_batch> next();

    /// Everything up to here was given out, or did not interest.
    [[nodiscard]] journal::record_seq cursor() const noexcept { return cursor_; }

  private:
    friend class event_feed;

    subscription(event_feed& feed, std::uint64_t number, event_filter filter, journal::record_seq cursor,
                 bool incomplete);

    [[nodiscard]] event_batch greeting() const;
    [[nodiscard]] event_batch last_message(std::string reason) const;
    [[nodiscard]] task<std::optional<event_batch>> catch_up();
    [[nodiscard]] bool is_interested();
    [[nodiscard]] std::optional<event_batch> from_window();

    event_feed& feed_;
    std::uint64_t number_;
    event_filter filter_;
    std::string key_; ///< of the filter
    journal::record_seq cursor_;
    bool incomplete_;
    bool greeted_ = false;
    bool waiting_ = false;
    std::optional<std::uint64_t> next_group_; ///< of the window; none while it catches up
    counter woken_;
};

} // namespace potoo::server
