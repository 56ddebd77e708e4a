#pragma once
/// @file
/// What the keys `overlap` and `catchup` of a schedule come to.

#include "engine/graph/dag.hpp"

#include <cstddef>
#include <cstdint>
#include <limits>

namespace potoo::server {

/// What becomes of a time of the calendar that has come.
enum class due_verdict : std::uint8_t
{
    owed,     ///< a run begins for it as soon as may be
    replaces, ///< likewise, and what was owed before gives way to it
    skipped,
};

/// How the DAG stands at that time.
struct due_facts
{
    bool owes = false;    ///< there are times before it whose runs have not begun
    bool failing = false; ///< of these the first cannot begin
    bool full = false;    ///< as many runs are under way as may be
};

[[nodiscard]] due_verdict judge_due(const graph::schedule_spec& spec, const due_facts& f);

inline constexpr std::size_t all_of_them = std::numeric_limits<std::size_t>::max();

/// Of what was missed, how many, the latest, are made up for.
[[nodiscard]] std::size_t made_up_for(const graph::schedule_spec& spec);

} // namespace potoo::server
