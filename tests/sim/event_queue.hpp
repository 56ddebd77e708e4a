#pragma once
// Virtual time, and what happens in the world at given times whether or not an engine runs.

#include <potoo/time.hpp>

#include <cstdint>
#include <functional>
#include <map>
#include <utility>

namespace potoo::sim {

/// Where every simulation begins on the clock of waits.
inline constexpr steady_time beginning{std::chrono::hours(1)};

class event_queue
{
  public:
    [[nodiscard]] steady_time now() const noexcept { return now_; }

    /// Virtual time since the beginning.
    [[nodiscard]] duration elapsed() const noexcept
    {
        return std::chrono::floor<std::chrono::milliseconds>(now_ - beginning);
    }

    void at(steady_time when, std::function<void()> what)
    {
        events_.emplace(std::pair(std::max(when, now_), next_++), std::move(what));
    }

    void after(duration d, std::function<void()> what) { at(now_ + d, std::move(what)); }

    [[nodiscard]] steady_time next() const noexcept
    {
        return events_.empty() ? steady_time::max() : events_.begin()->first.first;
    }

    void advance_to(steady_time t) noexcept { now_ = std::max(now_, t); }

    /// Does the first of those that are due. @return false when there is none
    bool run_one()
    {
        if (next() > now_)
            return false;
        const auto first = events_.begin();
        const auto what = std::move(first->second);
        events_.erase(first);
        what();
        return true;
    }

  private:
    steady_time now_ = beginning;
    std::uint64_t next_ = 0;
    std::map<std::pair<steady_time, std::uint64_t>, std::function<void()>> events_;
};

} // namespace potoo::sim
