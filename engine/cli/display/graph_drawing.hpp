#pragma once
/// @file
/// A DAG as a picture.

#include "engine/graph/dag.hpp"

#include <cstddef>
#include <string>
#include <vector>

namespace potoo::cli {

/// Layers from top to bottom: a task stands one layer below the lowest of its upstream tasks.
/// @param width of the window, which lines are cut to; 0 = nothing is cut
[[nodiscard]] std::string draw_text(const graph::dag& d, std::size_t width, bool utf8);

/// For `dot -Tsvg`.
[[nodiscard]] std::string draw_dot(const graph::dag& d);

/// For Markdown pages.
[[nodiscard]] std::string draw_mermaid(const graph::dag& d);

/// The tasks of each layer, in the order of the file.
[[nodiscard]] std::vector<std::vector<task_index>> tasks_by_layer(const graph::dag& d);

} // namespace potoo::cli
