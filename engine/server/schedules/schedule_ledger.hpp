#pragma once
/// @file
/// What the ledger keeps of a DAG's schedule.

#include "engine/graph/dag.hpp"
#include "engine/schedule/cron.hpp"

#include <potoo/json.hpp>
#include <potoo/time.hpp>

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace potoo::server {

/// The times of a calendar that are later than `after` and not later than `until`.
struct time_range
{
    wall_time after{};
    wall_time until{};

    friend bool operator==(const time_range&, const time_range&) = default;
};

/// Of every time of the calendar up to `decided` it has been decided whether it is to have a run; those in `owed` are,
/// and have none yet, so far as is known.
struct calendar_state
{
    std::string calendar; ///< expression and time zone that this is about
    wall_time decided{};
    std::vector<time_range> owed; ///< in order, apart from each other
    std::optional<wall_time> last;

    friend bool operator==(const calendar_state&, const calendar_state&) = default;

    /// `at` comes after all that is owed.
    void owe(const time_range& at, const schedule::timetable& table);

    /// The first that is owed; drops ranges that hold none.
    [[nodiscard]] std::optional<wall_time> first_owed(const schedule::timetable& table);

    /// `at` is the first that is owed: it has its run, or gets none.
    void settle(wall_time at);
};

/// Of every run of the DAGs before it that succeeded earlier than `until` it is known that it has been followed, or is
/// not to be. Of those that succeeded later, `settled` have been.
struct trigger_state
{
    std::vector<std::string> after; ///< the DAGs that this is about
    wall_time until{};
    std::map<std::string, wall_time> settled; ///< ids of runs, and when they succeeded

    friend bool operator==(const trigger_state&, const trigger_state&) = default;

    /// Whether the run is settled that succeeded at `at`.
    [[nodiscard]] bool is_settled(const std::string& id, wall_time at, wall_time now) const;

    /// The run has been followed, or is not to be.
    /// @param at when it succeeded
    /// @param open the same of the oldest other one that has not been settled; nothing = there is none
    void settle(const std::string& id, wall_time at, std::optional<wall_time> open);
};

struct schedule_state
{
    std::optional<calendar_state> calendar;
    std::optional<trigger_state> trigger;

    friend bool operator==(const schedule_state&, const schedule_state&) = default;
};

[[nodiscard]] json::value to_json(const schedule_state& s);

/// What `to_json` wrote; members that are not known are ignored. @return nothing when it cannot be understood
[[nodiscard]] std::optional<schedule_state> parse_schedule_state(const json::value& v);

/// `0 2 * * * Europe/Berlin`
[[nodiscard]] std::string calendar_name(const graph::schedule_spec& s);

/// How much later than its time a run of that DAG begins: the same whenever it is asked, less than `jitter`.
[[nodiscard]] duration jitter_of(const graph::dag& d, wall_time at);

} // namespace potoo::server
