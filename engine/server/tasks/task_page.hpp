#pragma once
/// @file
/// Which tasks a list shows, and where its pages end.

#include "engine/server/tasks/task_view.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace potoo::server {

struct task_filter
{
    std::optional<bool> active{}; ///< true = not ended
    std::string state;            ///< empty = any, as for the others
    std::string key;
    std::string name;
    std::string owner;
    std::string cursor;      ///< `next` of the page before
    std::size_t limit = 100; ///< at least 1
};

struct task_page
{
    std::vector<task_view> tasks; ///< the latest first
    std::string next;             ///< empty = there are no more
};

/// Whether the filter lets it through, wherever it is in the list.
[[nodiscard]] bool matches(const task_filter& f, const task_view& v);

/// Where a task is in the list: by when it was created, then by its id.
using task_place = std::pair<wall_time, std::string>;

[[nodiscard]] task_place place_of(const task_view& v);

/// `TIME.ID`
[[nodiscard]] std::string cursor_of(const task_place& p);

/// What `cursor_of` made. @throws task_refused (`invalid`) when it is none
[[nodiscard]] task_place parse_cursor(const std::string& cursor);

} // namespace potoo::server
