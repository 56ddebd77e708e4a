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
    ~virtual_loop();

    [[nodiscard]] steady_time now() noexcept override { return now_; }

    [[nodiscard]] wall_time wall_now() noexcept override;

    /// Runs until nothing is ready and no timer is armed, or until `limit` of virtual time has passed.
    void run(steady_clock::duration limit = std::chrono::hours(24 * 365));

    /// Runs what is ready at the present time, without moving the clock.
    void run_present();

    /// Virtual time since the start.
    [[nodiscard]] steady_clock::duration elapsed() const noexcept { return now_ - start_; }

  private:
    void timers_changed() override {}

    void timers_gone() noexcept override {}

    void request_turn() override;

    steady_time start_;
    steady_time now_;
};

} // namespace potoo
