#pragma once
/// @file
/// What follows from the edges of a DAG: order, cycles, who is upstream of whom.

#include "engine/graph/dag.hpp"

#include <cstddef>
#include <span>
#include <utility>
#include <vector>

namespace potoo::graph {

/// Fills in every task's `downstream`, and the DAG's `topological_order`; ties are in file order.
/// @return the cycles, each in the order in which its tasks would run, from the one that stands first in the file. No
/// two share a task. When there are any, the order is not complete.
[[nodiscard]] std::vector<std::vector<task_index>> order_tasks(dag& d);

/// A question: is `second` upstream of `first`, directly or not?
using ancestry_question = std::pair<task_index, task_index>;

/// Answers many at once. Needs the topological order.
/// @return positions in `questions` of those whose answer is no, ascending
[[nodiscard]] std::vector<std::size_t> find_non_ancestors(const dag& d, std::span<const ancestry_question> questions);

} // namespace potoo::graph
