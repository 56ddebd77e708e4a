#pragma once
/// @file
/// Names that are made, not chosen: of runs, and of what attempts launch.

#include <potoo/ids.hpp>

#include <cstdint>
#include <functional>
#include <random>
#include <string>
#include <string_view>

namespace potoo::runtime {

/// Twelve random characters, `[a-z][a-z0-9]{11}`: 61 bits.
[[nodiscard]] run_id make_run_id(std::mt19937_64& entropy);

/// Launch tokens can begin with it, and are labels then: `[a-z]([a-z0-9-]{0,22}[a-z0-9])?`.
[[nodiscard]] bool is_usable_run_id(std::string_view id) noexcept;

/// The same for the same arguments, whenever it is asked; another for any others (128 bit FNV-1a of them). `item` is
/// the item's key, or its position where it has none, so that a token stays with its item when the order changes.
[[nodiscard]] launch_token make_launch_token(const run_id& run, std::string_view task, std::string_view item,
                                             attempt_number attempt);

/// What the launch tokens of a task's items have in common, for jobs that are launched together.
[[nodiscard]] launch_token make_group_token(const run_id& run, std::string_view task, attempt_number attempt);

/// A number that depends on nothing but its arguments, evenly spread in [0, 1): jitter that a replay draws again.
[[nodiscard]] double replayable_fraction(const run_id& run, task_index task, item_index item, attempt_number attempt);

/// A UUID (RFC 9562, version 8) that depends on nothing but its arguments: the `draw`th of a branch of an attempt,
/// which its launch token stands for.
[[nodiscard]] std::string make_replayable_uuid(const launch_token& attempt, std::string_view branch,
                                               std::uint32_t draw);

/// Likewise a number, evenly spread in [0, 1).
[[nodiscard]] double make_replayable_number(const launch_token& attempt, std::string_view branch, std::uint32_t draw);

/// `<run id>.` and 26 random characters: 130 bits.
[[nodiscard]] std::string make_callback_token(const run_id& run, const std::function<std::uint64_t()>& unguessable);

} // namespace potoo::runtime
