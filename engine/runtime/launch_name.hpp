#pragma once
/// @file
/// Names that are made, not chosen: of runs, and of what attempts launch.

#include <potoo/ids.hpp>

#include <cstdint>
#include <random>
#include <string_view>

namespace potoo::runtime {

/// Twelve random characters, `[a-z][a-z0-9]{11}`: 61 bits.
[[nodiscard]] run_id make_run_id(std::mt19937_64& entropy);

/// The same for the same arguments, whenever it is asked; another for any others (128 bit FNV-1a of them). `item` is
/// the item's key, or its position where it has none, so that a token stays with its item when the order changes.
[[nodiscard]] launch_token make_launch_token(const run_id& run, std::string_view task, std::string_view item,
                                             attempt_number attempt);

/// A number that depends on nothing but its arguments, evenly spread in [0, 1): jitter that a replay draws again.
[[nodiscard]] double replayable_fraction(const run_id& run, task_index task, item_index item, attempt_number attempt);

} // namespace potoo::runtime
