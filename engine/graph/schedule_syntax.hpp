#pragma once
/// @file
/// How `schedule` and `timezone` are written. When they fall due is schedule/cron.hpp's business.

#include <potoo/time.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace potoo::graph {

/// The five fields of a cron expression, each a set of numbers: number n is bit n.
struct cron_fields
{
    std::uint64_t minutes = 0;
    std::uint32_t hours = 0;
    std::uint32_t days = 0;    ///< of the month, from 1
    std::uint16_t months = 0;  ///< from 1
    std::uint8_t weekdays = 0; ///< Sunday is 0
    bool either_day = false;   ///< neither field of days begins with `*`: a date that fits one of them will do

    friend bool operator==(const cron_fields&, const cron_fields&) = default;
};

/// What `schedule` says: fields, or the period of `@every`.
using schedule_times = std::variant<cron_fields, duration>;

struct parsed_schedule
{
    std::optional<schedule_times> times; ///< nothing exactly when it was refused
    std::string refusal;                 ///< what is wrong
};

/// Five cron fields (`minute hour day-of-month month day-of-week`; `*`, numbers, names, `a-b`, `/step`, lists), one of
/// `@hourly @daily @weekly @monthly @yearly`, or `@every DURATION` of at least a second. `a/n` is `a-LAST/n`. Refused,
/// too, are fields that no date fits.
[[nodiscard]] parsed_schedule parse_schedule(std::string_view text);

/// @return what is wrong, or empty
[[nodiscard]] std::string schedule_refusal(std::string_view text);

/// @return what is wrong with the name of a time zone, or empty
[[nodiscard]] std::string timezone_refusal(const std::string& name);

} // namespace potoo::graph
