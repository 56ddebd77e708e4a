#pragma once
/// @file
/// How many calls a watcher makes at once, and when the next may begin: fewer when the remote side asks for that or
/// becomes slow (half), more while all goes well (one a round).

#include <potoo/time.hpp>
#include <potoo/watcher.hpp>

#include <cstddef>

namespace potoo::remote {

class call_pace
{
  public:
    explicit call_pace(const watcher::limits& l);

    /// Calls at once.
    [[nodiscard]] std::size_t allowed() const noexcept { return allowed_; }

    /// No call before this.
    [[nodiscard]] steady_time next_call() const noexcept { return std::max(paused_until_, free_at_); }

    /// The remote side has asked to be left alone, and is.
    [[nodiscard]] bool paused(steady_time now) const noexcept { return now < paused_until_; }

    void call_begins(steady_time now) noexcept;
    void call_succeeded(steady_time begun, steady_time now) noexcept;
    void throttle(steady_time now, steady_time until) noexcept;

  private:
    void halve() noexcept;

    std::size_t concurrency_;
    std::size_t allowed_;
    std::size_t successes_ = 0;      ///< since `allowed_` changed
    steady_clock::duration spacing_; ///< between two calls
    steady_clock::duration best_{};  ///< time of a call, as good as it gets; rises slowly
    steady_clock::duration usual_{}; ///< smoothed
    steady_time free_at_{};          ///< when the rate allows the next
    steady_time paused_until_ = steady_time::min();
    steady_time slow_since_ = steady_time::min(); ///< calls that began before say nothing of the last halving
};

} // namespace potoo::remote
