#pragma once
/// @file
/// How late the loop wakes who waits for a time: a timer of its own, ten times a second.

#include "engine/runtime/latency_histogram.hpp"

#include <potoo/loop.hpp>
#include <potoo/time.hpp>

#include <cstdint>

namespace potoo::server {

/// While it lives the loop has a timer.
class loop_probe final : private timer_node
{
  public:
    static constexpr std::chrono::milliseconds interval{100};
    /// A turn of the loop that lasts longer is a stall, as the watchdog sees it.
    static constexpr std::chrono::milliseconds stall{100};

    /// @param l must outlive it
    explicit loop_probe(potoo::loop& l);
    ~loop_probe();

    loop_probe(const loop_probe&) = delete;
    loop_probe& operator=(const loop_probe&) = delete;

    [[nodiscard]] const runtime::latency_histogram& lateness() const noexcept { return lateness_; }

    [[nodiscard]] std::uint64_t stalls() const noexcept { return stalls_; }

    /// How long the timer has been overdue: what runs now keeps all timers waiting.
    [[nodiscard]] steady_clock::duration overdue() const;

  private:
    void on_due() override;
    void arm();

    potoo::loop& loop_;
    steady_time due_;
    runtime::latency_histogram lateness_;
    std::uint64_t stalls_ = 0;
};

} // namespace potoo::server
