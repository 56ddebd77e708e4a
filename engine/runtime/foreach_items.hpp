#pragma once
/// @file
/// The items of a task with `foreach`.

#include "engine/graph/dag.hpp"

#include <potoo/expression.hpp>
#include <potoo/json.hpp>

#include <string>
#include <vector>

namespace potoo::runtime {

struct foreach_items
{
    json::array values;
    std::vector<std::string> keys; ///< by item; empty when the task gives none
};

/// @param run the names of the run, in which what is upstream of the task has ended
/// @throws expression_error
[[nodiscard]] foreach_items expand_foreach(const graph::task_spec& spec, const bindings& run);

} // namespace potoo::runtime
