#pragma once
/// @file
/// When a schedule falls due. Pure: what a time zone does comes through an interface.
///
/// A schedule that does not name every hour (`0 2 * * *`, `*/10 1-4 * * *`) counts times as they stand on the local
/// calendar: each of them runs once. One that the clock jumps over in spring falls due at the moment of the jump, where
/// several meet in one; one that comes twice in autumn falls due the first time. A schedule that names every hour
/// (`30 * * * *`, `*/5 * * * *`) follows the clock on the wall: it falls due whenever that shows such a time, in a
/// repeated hour again, in a missing one not. `@every` counts from 1970-01-01T00:00Z and knows no time zone.

#include "engine/graph/schedule_syntax.hpp"

#include <potoo/time.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace potoo::schedule {

/// A stretch of time in which the local clock keeps one distance from UTC.
struct zone_period
{
    std::chrono::sys_seconds begin; ///< included
    std::chrono::sys_seconds end;   ///< not included
    std::chrono::seconds offset;    ///< local time minus UTC
};

class zone_rules
{
  public:
    zone_rules() = default;
    zone_rules(const zone_rules&) = delete;
    zone_rules& operator=(const zone_rules&) = delete;
    virtual ~zone_rules() = default;

    /// The period that `t` is in.
    [[nodiscard]] virtual zone_period at(std::chrono::sys_seconds t) const = 0;
};

/// The rules of a time zone by its name in the tz database. @throws std::exception for a name that it does not have
using zone_source = std::function<std::shared_ptr<const zone_rules>(const std::string& name)>;

/// UTC, and all who keep one distance from it.
[[nodiscard]] std::shared_ptr<const zone_rules> fixed_zone(std::chrono::seconds offset);

/// The times of a schedule.
class timetable
{
  public:
    /// @param zone never null
    timetable(graph::schedule_times times, std::shared_ptr<const zone_rules> zone)
        : times_(std::move(times)), zone_(std::move(zone))
    {}

    /// The first that is later than `after`; nothing when there is none before the year 10,000.
    [[nodiscard]] std::optional<wall_time> next(wall_time after) const;

    /// The last that is later than `after` and not later than `until`.
    [[nodiscard]] std::optional<wall_time> last(wall_time after, wall_time until) const;

    /// Those later than `after` and not later than `until`, at most `limit`.
    [[nodiscard]] std::vector<wall_time> between(wall_time after, wall_time until, std::size_t limit) const;

  private:
    graph::schedule_times times_;
    std::shared_ptr<const zone_rules> zone_;
};

/// @param expression as in a DAG file's `schedule` @throws std::runtime_error when it is none; what `zones` throws
[[nodiscard]] timetable timetable_of(const std::string& expression, const std::string& timezone,
                                     const zone_source& zones);

} // namespace potoo::schedule
