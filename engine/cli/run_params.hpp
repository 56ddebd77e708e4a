#pragma once
/// @file
/// The parameters of a run, from the command line.

#include "engine/graph/dag.hpp"

#include <potoo/json.hpp>

#include <string>
#include <vector>

namespace potoo::cli {

/// Complete and checked: those of the file, over them those of `assignments`, defaults for the others.
/// @param assignments `name=value`; of several for one name the last counts
/// @param file a JSON or YAML map; empty = none; `-` is standard input
/// @throws usage_error with all problems
[[nodiscard]] json::object gather_params(const graph::dag& d, const std::vector<std::string>& assignments,
                                         const std::string& file);

} // namespace potoo::cli
