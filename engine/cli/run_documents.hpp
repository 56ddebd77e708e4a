#pragma once
/// @file
/// Documents of runs and tasks (`host::run_json`, the API's) as people read them.

#include "engine/cli/display/exit_code.hpp"
#include "engine/cli/display/table.hpp"

#include <potoo/ids.hpp>
#include <potoo/json_members.hpp>
#include <potoo/time.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace potoo::cli {

/// A member that is a number, not negative; 0 when there is none.
[[nodiscard]] std::uint64_t number_in(const json::object& o, std::string_view name);

/// A member that is a list; an empty one when there is none.
[[nodiscard]] const json::array& list_in(const json::object& o, std::string_view name);

/// A member that is an instant as `2026-11-21 08:00:00` in UTC; empty when there is none.
[[nodiscard]] std::string instant_in(const json::object& o, std::string_view name);

/// How long it took from `started` to `ended`; empty when it has not ended.
[[nodiscard]] std::string took_text(const json::object& o);

/// What began the run, and for whom: `schedule`, `trigger k3v9z01abcde`, `replay november-1 by ann`, `task NAME`. Empty
/// when it is not known, or there is nothing to it: the command line of the same machine.
[[nodiscard]] std::string origin_text(const json::object& run);

/// The time of the calendar that the run is for, as of `instant_in`.
[[nodiscard]] std::string scheduled_text(const json::object& run);

/// The `message` of an error, or its text.
[[nodiscard]] std::string error_text(const json::value& error);

/// `4 success, 1 failed`
[[nodiscard]] std::string counts_text(const json::object& counts);

/// @param task a task's document @param listing the command that shows its items
/// @throws usage_error when the task has no such item; of one that has not ended and has one item so far, more may come
void check_item(const json::object& task, item_index item, const std::string& listing);

/// Final states only. Of a state that nobody knows: `failed`.
[[nodiscard]] exit_code exit_code_of_state(std::string_view state) noexcept;

/// As wide as the window where standard output is one.
[[nodiscard]] std::string table_text(const table& t);

/// On standard output, at once.
void print_text(std::string_view text);

/// One document on one line.
void print_json(const json::value& document);

} // namespace potoo::cli
