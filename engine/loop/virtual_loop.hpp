#pragma once
/// @file
/// A loop whose clock stands still until everything has been done that can be done now, then jumps to the next timer.
/// For tests and simulations: hours pass in milliseconds, the same way every time.

#include "engine/loop/real_loop.hpp"

namespace potoo {

class virtual_loop final : public basic_loop
{
  public:
    /// Starts at a fixed point in time, 2026-01-01T00:00:00Z on the wall clock.
    explicit virtual_loop(boost::asio::io_context& context);

    /// Starts where another one stopped.
    virtual_loop(boost::asio::io_context& context, steady_time start, wall_time wall_start);
    ~virtual_loop();

    [[nodiscard]] steady_time now() noexcept override { return now_; }

    [[nodiscard]] wall_time wall_now() noexcept override;

    /// Runs until nothing is ready and no timer is armed, or until `limit` of virtual time has passed.
    void run(steady_clock::duration limit = std::chrono::hours(24 * 365));

    /// Runs what is ready at the present time, without moving the clock.
    void run_present();

    /// Runs one thing that is due at the present time, in the order in which `run` would: a timer, a node that is
    /// ready, or a handler of the io_context. @return false when there is none
    bool step();

    /// Moves the clock and runs nothing; `t` may lie beyond timers, which are then late. Never back.
    void advance_to(steady_time t) noexcept;

    /// Sets the wall clock forward or back; the clock of waits does not notice.
    void jump_wall(duration by) noexcept { wall_start_ += by; }

    /// No timer fires before this; `steady_time::max()` when none is armed.
    [[nodiscard]] steady_time next_due() const noexcept { return timers_.next_due(); }

    /// Virtual time since the start.
    [[nodiscard]] steady_clock::duration elapsed() const noexcept { return now_ - start_; }

  private:
    void timers_changed() override {}

    void timers_gone() noexcept override {}

    void request_turn() override;

    steady_time start_;
    steady_time now_;
    wall_time wall_start_;
    bool in_turn_ = false;
    bool firing_ = false;
};

} // namespace potoo
