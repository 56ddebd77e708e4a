#pragma once
/// @file
/// The parameters of runs that begin by themselves: nobody is there to give any.

#include "engine/graph/dag.hpp"

#include <potoo/json.hpp>

#include <string>

namespace potoo::server {

/// The defaults. @throws std::runtime_error as `unattended_problem` says
[[nodiscard]] json::object usual_params(const graph::dag& d);

/// Why no run of the DAG can begin by itself: parameters without a default. Empty = nothing is in the way.
[[nodiscard]] std::string unattended_problem(const graph::dag& d);

} // namespace potoo::server
