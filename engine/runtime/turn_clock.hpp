#pragma once
/// @file
/// The clocks of the loop, looked at once where little time passes between two looks: thousands of attempts begin and
/// end in one turn of the loop, and a look costs as much as a tenth of such an attempt.

#include <potoo/loop.hpp>
#include <potoo/time.hpp>

#include <chrono>
#include <utility>

namespace potoo::runtime {

/// Shows the loop's time; while it is held, that of the last look.
class turn_clock
{
  public:
    explicit turn_clock(potoo::loop& l) noexcept : loop_(l) {}

    [[nodiscard]] steady_time now() const noexcept { return held_ ? steady_ : loop_.now(); }

    [[nodiscard]] wall_time wall_now() const noexcept { return held_ ? wall_ : loop_.wall_now(); }

    /// Looks at both clocks, and is held from here on.
    void hold() noexcept
    {
        first_steady_ = steady_ = loop_.now();
        first_wall_ = wall_ = loop_.wall_now();
        held_ = true;
    }

    /// Something runs now that may take long.
    void let_go() noexcept { held_ = looked_ = false; }

    /// Looks, on behalf of what runs: it does nothing more that takes long.
    steady_time look() noexcept
    {
        steady_ = loop_.now();
        looked_ = true;
        return steady_;
    }

    /// What ran has returned. Only after `hold` and `let_go` of the same turn.
    void hold_again() noexcept
    {
        if (!std::exchange(looked_, false))
            steady_ = loop_.now();
        wall_ = first_wall_ + std::chrono::floor<duration>(steady_ - first_steady_);
        held_ = true;
    }

  private:
    potoo::loop& loop_;
    steady_time first_steady_; ///< when it was held first
    wall_time first_wall_;
    steady_time steady_;
    wall_time wall_;
    bool held_ = false;
    bool looked_ = false;
};

} // namespace potoo::runtime
