#pragma once
/// @file
/// How many calls a watcher makes at once, and when the next may begin: fewer when the remote side asks for that or
/// becomes slow under them (half), more while all goes well (one a round).

#include <potoo/time.hpp>
#include <potoo/watcher.hpp>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <vector>

namespace potoo::remote {

class call_pace
{
  public:
    explicit call_pace(const watcher::limits& l);

    /// Calls at once.
    [[nodiscard]] std::size_t allowed() const noexcept { return allowed_; }

    /// No call before this.
    [[nodiscard]] steady_time next_call() const noexcept
    {
        const steady_time next = std::max(paused_until_, free_at_);
        return last_second_.empty() ? next : std::max(next, last_second_[oldest_] + std::chrono::seconds(1));
    }

    /// The remote side has asked to be left alone, and is.
    [[nodiscard]] bool paused(steady_time now) const noexcept { return now < paused_until_; }

    [[nodiscard]] steady_time paused_until() const noexcept { return paused_until_; }

    void call_begins(steady_time now) noexcept;
    void call_succeeded(steady_time begun, steady_time now) noexcept;
    void throttle(steady_time now, steady_time until) noexcept;

  private:
    using span = steady_clock::duration;

    void halve(std::size_t least) noexcept;
    void note(span took, steady_time now) noexcept;
    void judge_round(steady_time now) noexcept;

    std::size_t concurrency_;
    std::size_t allowed_;
    std::size_t successes_ = 0; ///< since `allowed_` changed

    span spacing_;                         ///< between two calls
    steady_time free_at_{};                ///< when the rate allows the next
    std::vector<steady_time> last_second_; ///< when as many calls began as a second may see, a ring
    std::size_t oldest_ = 0;               ///< in `last_second_`
    steady_time paused_until_ = steady_time::min();

    /// Calls that ended one after the other, long enough that every one of those at once may be among them.
    struct round
    {
        steady_time from;
        std::size_t calls = 0;
        std::size_t slow = 0;
        span took{}; ///< all together
        span longest{};
    };

    round round_;
    steady_time halved_at_ = steady_time::min(); ///< calls that began until then say nothing of the last halving
    std::optional<span> usual_;                  ///< what calls take; follows slowly
    bool slow_ = false;                          ///< the last round was, by far
    std::size_t halved_from_ = 0;                ///< calls at once before a halving on trial; 0 = there is none
    span slow_took_{};                           ///< what a call took before it
};

} // namespace potoo::remote
