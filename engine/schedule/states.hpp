#pragma once
/// @file
/// The states of tasks, items and runs, and how an attempt can end.

#include <array>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <string_view>

namespace potoo::schedule {

/// State of a task, and of one item of it. From `success` on they are terminal: never left again.
enum class task_state : std::uint8_t
{
    pending,    ///< upstream not done, or `when` and `foreach` not evaluated yet
    queued,     ///< wants a slot
    running,    ///< an attempt is under way
    deferred,   ///< an attempt is suspended on something remote; holds its slot
    retrying,   ///< between two attempts; holds no slot
    cancelling, ///< the attempt was asked to stop and has not ended yet; holds its slot
    success,
    failed,
    timed_out,
    cancelled,
    skipped,
    upstream_failed,
};

inline constexpr std::size_t task_state_count = 12;

/// In the order of the enumeration.
inline constexpr std::array<std::string_view, task_state_count> task_state_names{
    "pending", "queued", "running",   "deferred",  "retrying", "cancelling",
    "success", "failed", "timed_out", "cancelled", "skipped",  "upstream_failed"};

[[nodiscard]] constexpr std::string_view to_string(task_state s) noexcept
{
    return task_state_names[static_cast<std::size_t>(s)];
}

[[nodiscard]] constexpr bool is_terminal(task_state s) noexcept
{
    return s >= task_state::success;
}

/// It ended, and neither well nor because there was nothing to do.
[[nodiscard]] constexpr bool is_unsuccessful(task_state s) noexcept
{
    return is_terminal(s) && s != task_state::success && s != task_state::skipped;
}

/// An attempt is under way, and holds what it was admitted to.
[[nodiscard]] constexpr bool is_in_flight(task_state s) noexcept
{
    return s == task_state::running || s == task_state::deferred || s == task_state::cancelling;
}

/// State of a run. From `success` to `timed_out` they are terminal.
enum class run_state : std::uint8_t
{
    queued, ///< not started
    running,
    paused, ///< starts no attempt; those under way go on
    success,
    failed,
    cancelled,
    timed_out,
};

[[nodiscard]] constexpr std::string_view to_string(run_state s) noexcept
{
    constexpr std::array<std::string_view, 7> names{"queued", "running",   "paused",   "success",
                                                    "failed", "cancelled", "timed_out"};
    return names[static_cast<std::size_t>(s)];
}

[[nodiscard]] constexpr bool is_terminal(run_state s) noexcept
{
    return s >= run_state::success;
}

/// How an attempt ended.
enum class attempt_outcome : std::uint8_t
{
    success,
    failed,
    timed_out,   ///< its own timeout passed
    cancelled,   ///< it stopped because it was asked to, or the remote side says that its job was cancelled
    skipped,     ///< there was nothing to do
    interrupted, ///< broken off by a crash or stop of the engine, and cannot be watched on
};

[[nodiscard]] constexpr std::string_view to_string(attempt_outcome o) noexcept
{
    constexpr std::array<std::string_view, 6> names{"success",   "failed",  "timed_out",
                                                    "cancelled", "skipped", "interrupted"};
    return names[static_cast<std::size_t>(o)];
}

/// How many are in each state.
class state_counts
{
  public:
    [[nodiscard]] constexpr std::uint32_t operator[](task_state s) const noexcept
    {
        return counts_[static_cast<std::size_t>(s)];
    }

    [[nodiscard]] constexpr std::uint32_t& operator[](task_state s) noexcept
    {
        return counts_[static_cast<std::size_t>(s)];
    }

    [[nodiscard]] constexpr std::uint32_t total() const noexcept
    {
        return std::accumulate(counts_.begin(), counts_.end(), std::uint32_t{0});
    }

    /// Running, deferred and cancelling.
    [[nodiscard]] constexpr std::uint32_t in_flight() const noexcept
    {
        return (*this)[task_state::running] + (*this)[task_state::deferred] + (*this)[task_state::cancelling];
    }

    constexpr void move(task_state from, task_state to, std::uint32_t n = 1) noexcept
    {
        (*this)[from] -= n;
        (*this)[to] += n;
    }

    friend constexpr bool operator==(const state_counts&, const state_counts&) = default;

  private:
    std::array<std::uint32_t, task_state_count> counts_{};
};

[[nodiscard]] constexpr bool has_unsuccessful(const state_counts& counts) noexcept
{
    return counts[task_state::failed] + counts[task_state::timed_out] + counts[task_state::cancelled] +
               counts[task_state::upstream_failed] >
           0;
}

} // namespace potoo::schedule
