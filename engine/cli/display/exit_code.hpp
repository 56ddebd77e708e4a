#pragma once
/// @file
/// What the program tells its caller.

#include <algorithm>
#include <array>

namespace potoo::cli {

/// Numbers are part of the interface.
enum class exit_code : int
{
    success = 0,
    failed = 1,      ///< the run failed or timed out
    usage = 2,       ///< bad arguments, or a bad DAG file
    interrupted = 3, ///< the run was cancelled, or the program was stopped
    unreachable = 4, ///< the state cannot be read or written
};

/// Of several runs: what could not be done at all counts most, then failure, then interruption.
[[nodiscard]] constexpr exit_code worse_of(exit_code a, exit_code b) noexcept
{
    constexpr std::array order{exit_code::success, exit_code::interrupted, exit_code::failed, exit_code::usage,
                               exit_code::unreachable};
    return *std::max(std::find(order.begin(), order.end(), a), std::find(order.begin(), order.end(), b));
}

} // namespace potoo::cli
