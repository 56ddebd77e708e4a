#pragma once
/// @file
/// Which times a replay has runs for. Knows no clock and begins nothing.

#include "engine/graph/dag.hpp"
#include "engine/schedule/cron.hpp"

#include <potoo/time.hpp>

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace potoo::server {

/// A replay that cannot be: its text says what and why, for the caller.
class replay_refused : public std::runtime_error
{
  public:
    enum class reason : std::uint8_t
    {
        no_such_dag,
        bad_range,
        needs_params, ///< a run of it begins only when somebody gives parameters
        no_such_replay,
        other_wish, ///< there is a replay of that id, and it is another
    };

    replay_refused(reason why, const std::string& text) : std::runtime_error(text), why_(why) {}

    [[nodiscard]] reason why() const noexcept { return why_; }

  private:
    reason why_;
};

/// The calendar whose times a replay of the DAG goes through. @param dag null = there is none of that name
/// @throws replay_refused
[[nodiscard]] const graph::schedule_spec& calendar_of(std::string_view name, const graph::dag* dag);

struct replay_range
{
    wall_time from{}; ///< both included
    wall_time to{};
};

struct replay_bounds
{
    wall_time now{}; ///< none of the times may be later
    std::size_t most_runs = 0;
};

/// The times of the calendar within the range. @throws replay_refused
[[nodiscard]] std::vector<wall_time> plan_replay(const graph::schedule_spec& calendar, const replay_range& range,
                                                 const replay_bounds& bounds, const schedule::zone_source& zones);

} // namespace potoo::server
