#pragma once
/// @file
/// Our types as columns: times are milliseconds since 1970, and what a record does not use is NULL.

#include "engine/journal/record.hpp"
#include "engine/journal/sqlite_connection.hpp"

#include <potoo/time.hpp>

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

namespace potoo::journal {

inline std::int64_t to_integer(wall_time t) noexcept
{
    return t.time_since_epoch().count();
}

inline wall_time to_time(std::int64_t ms) noexcept
{
    return wall_time(std::chrono::milliseconds(ms));
}

inline std::uint32_t to_u32(std::int64_t value) noexcept
{
    return static_cast<std::uint32_t>(value);
}

inline void bind_or_null(sqlite_statement& statement, int place, std::string_view text)
{
    if (text.empty())
        statement.bind_null(place);
    else
        statement.bind(place, text);
}

inline void bind_or_null(sqlite_statement& statement, int place, std::optional<wall_time> t)
{
    if (t)
        statement.bind(place, to_integer(*t));
    else
        statement.bind_null(place);
}

inline void bind_or_null(sqlite_statement& statement, int place, std::int64_t value, std::int64_t missing)
{
    if (value == missing)
        statement.bind_null(place);
    else
        statement.bind(place, value);
}

/// The counted states, in the order of their columns in `task_snapshot`.
inline constexpr std::array counted_states{
    recorded_state::pending,   recorded_state::queued,     recorded_state::running, recorded_state::deferred,
    recorded_state::retrying,  recorded_state::cancelling, recorded_state::success, recorded_state::failed,
    recorded_state::timed_out, recorded_state::cancelled,  recorded_state::skipped, recorded_state::upstream_failed};

inline constexpr int first_count_column = 4;

} // namespace potoo::journal
