#pragma once
/// @file
/// Clocks and durations of the interfaces, and how durations are written in files.

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace potoo {

/// The clock of waits and deadlines. Never read directly by code that a simulation runs: ask `context::now_steady`.
using steady_clock = std::chrono::steady_clock;

/// A point on the clock of waits. A deadline is one of these; `steady_time::max()` means "none".
using steady_time = steady_clock::time_point;

/// A point in calendar time, in UTC, as recorded in the journal.
using wall_time = std::chrono::time_point<std::chrono::system_clock, std::chrono::milliseconds>;

/// Durations in files and on the command line: milliseconds are the finest.
using duration = std::chrono::milliseconds;

/// Reads `150ms`, `30s`, `1.5h`, `2d`, `1h30m` (units `ms s m h d`, largest first, each at most once, no spaces).
/// A bare number has no meaning and is refused, as is a negative one, more than 10,000 days, or a fraction of a
/// millisecond.
/// @return nothing when `text` is not such a duration.
[[nodiscard]] std::optional<duration> parse_duration(std::string_view text);

/// The exact spelling in whole units that `parse_duration` reads back: `90s` is written `1m30s`, `1.5s` `1s500ms`, zero
/// `0ms`. A negative duration, which cannot be read back, gets a `-`.
[[nodiscard]] std::string format_duration(duration d);

/// Reads RFC 3339, `2026-11-21T08:00:00Z`, fraction (cut to milliseconds) and offset allowed. A leap second is the
/// first of the next minute.
/// @return nothing when `text` is not such a time.
[[nodiscard]] std::optional<wall_time> parse_time(std::string_view text);

/// Writes RFC 3339 in UTC with milliseconds: `2026-11-21T08:00:00.000Z`. Times outside the years 0 to 9999, which it
/// cannot express, are written as the nearest that it can.
[[nodiscard]] std::string format_time(wall_time t);

} // namespace potoo
