#pragma once
/// @file
/// Rows about one task of a run: its items, and the attempts of one of them.

#include "engine/journal/record.hpp"

#include <potoo/ids.hpp>
#include <potoo/time.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace potoo::journal {

/// A place in the list of a task's items: those that failed or timed out come first, then the others, each by index.
struct item_cursor
{
    bool failed = false;
    item_index item;

    friend bool operator==(const item_cursor&, const item_cursor&) = default;
};

/// Whether items in such a state come first.
[[nodiscard]] constexpr bool is_first(recorded_state s) noexcept
{
    return s == recorded_state::failed || s == recorded_state::timed_out;
}

/// Which items of a task to list.
struct item_filter
{
    task_index task;
    std::optional<recorded_state> state{}; ///< only items in this state
    std::optional<item_cursor> after{};    ///< only what follows: the place of the last one of the page before
    std::size_t limit = 0;                 ///< at most so many; 0 = all
};

/// An item, whether it has started or not.
struct item_row
{
    item_index item;
    std::string key; ///< that the task gives it, once it has started; empty = none
    recorded_state state = recorded_state::pending;
    std::uint32_t attempts = 0;
    std::optional<wall_time> started;
    std::optional<wall_time> ended;
    std::string output; ///< JSON text, if it succeeded; else empty
    std::string error;  ///< JSON text of the last error, if it has not succeeded since; else empty

    [[nodiscard]] item_cursor place() const noexcept { return {is_first(state), item}; }

    friend bool operator==(const item_row&, const item_row&) = default;
};

/// What an attempt launched.
struct launched_job
{
    std::string token; ///< launch token
    std::string job;   ///< JSON text of its id; empty = the remote side has not said it yet

    friend bool operator==(const launched_job&, const launched_job&) = default;
};

struct attempt_row
{
    attempt_number attempt;
    recorded_state state = recorded_state::running; ///< `none`: it died with its engine
    std::optional<wall_time> started;
    std::optional<wall_time> ended;
    std::optional<wall_time> deferred; ///< since when it waits on something remote, while it does
    std::optional<wall_time> retry;    ///< when the next is due, if one was scheduled
    std::vector<launched_job> jobs;
    std::string output; ///< JSON text, if it succeeded; else empty
    std::string error;  ///< JSON text; empty = none

    friend bool operator==(const attempt_row&, const attempt_row&) = default;
};

} // namespace potoo::journal
