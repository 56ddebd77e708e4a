#pragma once
/// @file
/// Whether `schedule` and `timezone` are well formed. When they fall due is the scheduler's business.

#include <string>
#include <string_view>

namespace potoo::graph {

/// Five cron fields (`minute hour day-of-month month day-of-week`; `*`, numbers, names, `a-b`, `/step`, lists), one of
/// `@hourly @daily @weekly @monthly @yearly`, or `@every DURATION`.
/// @return what is wrong, or empty
[[nodiscard]] std::string schedule_refusal(std::string_view text);

/// @return what is wrong with the name of a time zone, or empty
[[nodiscard]] std::string timezone_refusal(const std::string& name);

} // namespace potoo::graph
