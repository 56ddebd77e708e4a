#include "engine/schedule/cron.hpp"

#include <algorithm>
#include <bit>
#include <stdexcept>

namespace potoo::schedule {

namespace {

using namespace std::chrono;
using graph::cron_fields;

using local_minutes = local_time<minutes>;

constexpr std::uint32_t every_hour = (std::uint32_t{1} << 24) - 1;
constexpr year last_year{9999};

/// More than any two clocks of one place ever differ.
constexpr hours widest_jump{48};

class one_offset final : public zone_rules
{
  public:
    explicit one_offset(seconds offset) : offset_(offset) {}

    [[nodiscard]] zone_period at(sys_seconds) const override
    {
        return {sys_days(year(-9999) / 1 / 1), sys_days(year(20'000) / 1 / 1), offset_};
    }

  private:
    seconds offset_;
};

bool fits(const cron_fields& f, year_month_day day, weekday of_week)
{
    const bool by_month = (f.days >> static_cast<unsigned>(day.day()) & 1) != 0;
    const bool by_week = (f.weekdays >> of_week.c_encoding() & 1) != 0;
    return f.either_day ? by_month || by_week : by_month && by_week;
}

/// The first number of the set from `least` on; -1 for none.
int first_from(std::uint64_t set, int least)
{
    if (least > 63)
        return -1;
    const auto rest = set >> least << least;
    return rest == 0 ? -1 : std::countr_zero(rest);
}

/// The first time of day from `from` on, if there is one.
std::optional<minutes> first_of_day(const cron_fields& f, minutes from)
{
    const int hour = static_cast<int>(from.count() / 60);
    const int minute = static_cast<int>(from.count() % 60);
    if ((f.hours >> hour & 1) != 0)
        if (const int m = first_from(f.minutes, minute); m >= 0)
            return minutes(hour * 60 + m);
    const int later = first_from(f.hours, hour + 1);
    if (later < 0)
        return std::nullopt;
    return minutes(later * 60 + first_from(f.minutes, 0));
}

/// The first local time from `from` on that the fields name.
std::optional<local_minutes> first_named(const cron_fields& f, local_minutes from)
{
    auto day = floor<days>(from);
    minutes time = from - day;
    for (;;) {
        const year_month_day date(day);
        if (date.year() > last_year)
            return std::nullopt;
        if ((f.months >> static_cast<unsigned>(date.month()) & 1) == 0) {
            day = local_days((date.year() / date.month() + months(1)) / 1);
            time = minutes(0);
            continue;
        }
        if (fits(f, date, weekday(day)))
            if (const auto t = first_of_day(f, time))
                return day + *t;
        day += days(1);
        time = minutes(0);
    }
}

local_seconds local(sys_seconds t, seconds offset)
{
    return local_seconds(t.time_since_epoch() + offset);
}

sys_seconds utc(local_seconds t, seconds offset)
{
    return sys_seconds(t.time_since_epoch() - offset);
}

/// Whenever the clock on the wall shows a named time.
std::optional<sys_seconds> next_by_clock(const cron_fields& f, const zone_rules& zone, sys_seconds after)
{
    auto period = zone.at(after);
    auto from = floor<minutes>(local(after, period.offset)) + minutes(1);
    for (;;) {
        const auto named = first_named(f, from);
        if (!named)
            return std::nullopt;
        if (*named < local(period.end, period.offset))
            return utc(*named, period.offset);
        period = zone.at(period.end);
        from = ceil<minutes>(local(period.begin, period.offset));
    }
}

/// Each local time once: a period begins, on the local calendar, where the one before it has ended. What lies in a gap
/// between the two comes at its beginning, what was there already does not come again.
std::optional<sys_seconds> next_by_calendar(const cron_fields& f, const zone_rules& zone, sys_seconds after)
{
    auto period = zone.at(after);
    auto from = floor<minutes>(local(after, period.offset)) + minutes(1);
    if (after - period.begin < widest_jump) {
        const auto before = zone.at(period.begin - seconds(1));
        from = std::max(from, ceil<minutes>(local(before.end, before.offset)));
    }
    for (;;) {
        const auto named = first_named(f, from);
        if (!named)
            return std::nullopt;
        if (*named < local(period.end, period.offset))
            return std::max(utc(*named, period.offset), period.begin);
        from = ceil<minutes>(local(period.end, period.offset));
        period = zone.at(period.end);
    }
}

std::optional<wall_time> next_of(const cron_fields& f, const zone_rules& zone, wall_time after)
{
    const auto since = floor<seconds>(after);
    const auto next = f.hours == every_hour ? next_by_clock(f, zone, since) : next_by_calendar(f, zone, since);
    return next ? std::optional<wall_time>(*next) : std::nullopt;
}

std::optional<wall_time> next_of(duration period, const zone_rules&, wall_time after)
{
    const auto since = after.time_since_epoch();
    auto periods = since / period;
    if (since % period < duration(0))
        --periods;
    return wall_time((periods + 1) * period);
}

} // namespace

std::shared_ptr<const zone_rules> fixed_zone(seconds offset)
{
    return std::make_shared<one_offset>(offset);
}

std::optional<wall_time> timetable::next(wall_time after) const
{
    const auto t = std::visit([&](const auto& times) { return next_of(times, *zone_, after); }, times_);
    return t && *t < sys_days(year(10'000) / 1 / 1) ? t : std::nullopt;
}

std::optional<wall_time> timetable::last(wall_time after, wall_time until) const
{
    // Looks back further and further, so that the cost does not grow with the range.
    std::optional<wall_time> found;
    for (duration back = minutes(1); !found && after < until; back *= 4) {
        const auto from = until - after > back ? until - back : after;
        for (auto t = next(from); t && *t <= until; t = next(*t))
            found = t;
        if (from == after)
            break;
    }
    return found;
}

std::vector<wall_time> timetable::between(wall_time after, wall_time until, std::size_t limit) const
{
    std::vector<wall_time> times;
    for (auto t = next(after); t && *t <= until && times.size() < limit; t = next(*t))
        times.push_back(*t);
    return times;
}

timetable timetable_of(const std::string& expression, const std::string& timezone, const zone_source& zones)
{
    const auto parsed = graph::parse_schedule(expression);
    if (!parsed.times)
        throw std::runtime_error(parsed.refusal);
    return {*parsed.times, zones(timezone)};
}

} // namespace potoo::schedule
