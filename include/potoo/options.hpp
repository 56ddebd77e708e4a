#pragma once
/// @file
/// Members of `with` that many operators have, read in one way.

#include <potoo/json.hpp>
#include <potoo/time.hpp>
#include <potoo/watcher.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace potoo {

/// The longest duration that an option may have, so that a sum of some cannot overflow.
inline constexpr duration longest_option{std::chrono::hours(24) * 3650};

/// The longest interval between two looks.
inline constexpr duration longest_poll_interval{std::chrono::hours(24) * 40};

/// A member such as `timeout: 30s`, if it is there. @param place what stands before the name in messages, as in `poll.`
/// @throws fatal naming it when it is no duration, or longer than ten years
[[nodiscard]] std::optional<duration> duration_option(const json::object& with, std::string_view name,
                                                      std::string_view place = {});

/// The same with a default, and never zero: for what something may take.
/// @throws fatal also for a duration of nothing
[[nodiscard]] duration time_option(const json::object& with, std::string_view name, duration usual);

/// `poll: {interval, max_interval, backoff}`. An interval beyond the usual `max_interval` is one itself.
/// @throws fatal naming the member that is wrong
[[nodiscard]] poll_pace poll_option(const json::object& with, poll_pace usual = {});

/// A scalar as it is written where there are no types, such as an environment variable: text is itself, 0.5 is `0.5`.
/// Anything else is its JSON.
[[nodiscard]] std::string text_of(const json::value& v);

} // namespace potoo
