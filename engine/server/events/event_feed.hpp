#pragma once
/// @file
/// Tells subscribers what happens: reads each record of the journal once, however many there are, and makes messages
/// that they share.

#include "engine/journal/store.hpp"
#include "engine/server/events/event_source.hpp"
#include "engine/server/events/event_window.hpp"
#include "engine/server/events/notice_gate.hpp"
#include "engine/server/events/subscription.hpp"
#include "engine/server/runs/run_carrier.hpp"

#include <potoo/loop.hpp>
#include <potoo/time.hpp>
#include <potoo/wait.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace potoo::server {

struct feed_limits
{
    std::size_t subscribers = 4'096;
    std::size_t window_bytes = 16UL * 1024 * 1024;      ///< of events kept: who is further behind is told to come again
    std::size_t message_bytes = 256UL * 1024;           ///< about so much goes into one message
    std::size_t records_at_once = 256;                  ///< of the journal, between two looks at other work
    std::size_t woken_at_once = 64;                     ///< subscribers, likewise
    std::size_t bytes_at_once = 512UL * 1024;           ///< for all of these together, likewise
    std::chrono::microseconds pace_per_subscriber{100}; ///< between two rounds of messages, times subscribers
    std::chrono::milliseconds pause_of_notices{250};    ///< between two progress events of one attempt
    std::chrono::milliseconds pause_after_error{500};   ///< before the journal is read again
};

/// What has happened since it was made.
struct feed_stats
{
    std::size_t subscribers = 0;
    std::uint64_t events = 0;  ///< told, whether anybody wanted them or not
    std::uint64_t rounds = 0;  ///< groups of events that went to everybody
    std::uint64_t lagging = 0; ///< subscribers that were told to come again
};

/// On the loop, as all that it calls.
class event_feed
{
  public:
    /// All must outlive it. `journal` is for the loop's thread.
    event_feed(potoo::loop& l, journal::reader& journal, feed_limits limits = {});

    /// There must be no subscription.
    ~event_feed();

    event_feed(const event_feed&) = delete;
    event_feed& operator=(const event_feed&) = delete;

    /// More of the journal is durable (`host::engine_host::when_durable`). Cheap; costs next to nothing without
    /// subscribers.
    void journal_grown();

    /// Something happened that the journal does not have (`run_carrier::listen`).
    void tell(const run_notice& notice);

    /// A pool has so many slots from now on (`host::engine_host::when_resized`).
    void pool_resized(std::string_view pool, std::uint32_t slots);

    /// @param since cursor after which to begin; nothing = with what happens from now on
    /// @throws std::invalid_argument when the cursor is not of this journal; std::length_error when there are too many
    /// subscribers; journal::store_error
    [[nodiscard]] std::unique_ptr<subscription> subscribe(event_filter filter,
                                                          std::optional<journal::record_seq> since);

    /// Ends all subscriptions, and those that are still to come, with reason `stopping`.
    void close();

    [[nodiscard]] feed_stats stats() const noexcept;

  private:
    friend class subscription;
    class pump;

    void leave(std::uint64_t number) noexcept;
    void request_round();
    void step();
    void read_some();
    void seal();
    void wake_some();
    [[nodiscard]] std::size_t fit_at_once();
    void tell_what_is_due();
    void end_all(std::string reason);

    potoo::loop& loop_;
    journal::reader& journal_;
    const feed_limits limits_;
    event_source source_;
    event_window window_;
    notice_gate gate_;
    std::map<std::uint64_t, subscription*> subscribers_;
    std::uint64_t next_number_ = 0;
    std::vector<event> open_;             ///< read, but not yet a group
    journal::record_seq read_{0};         ///< so far, into `open_`
    bool grown_ = false;                  ///< there may be records that were not read
    std::optional<std::uint64_t> waking_; ///< the next subscriber to be told of the last group
    steady_time next_round_{};
    std::string end_;      ///< why all is over; empty = it is not
    semaphore history_{1}; ///< who reads what happened before
    feed_stats stats_;
    std::unique_ptr<pump> pump_;
};

} // namespace potoo::server
