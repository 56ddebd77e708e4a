#pragma once
/// @file
/// What a run would do, for `run --dry-run`.

#include "engine/graph/dag.hpp"

#include <potoo/json.hpp>
#include <potoo/operator.hpp>

#include <string>

namespace potoo::cli {

/// One JSON document: the tasks by layer, their inputs as far as the parameters tell them; expressions over what is
/// known only while it runs stay as written. Secrets are `***`.
/// @param params complete and checked
[[nodiscard]] json::object plan_of(const graph::dag& d, const json::object& params, const operator_registry& operators);

/// The same for people.
[[nodiscard]] std::string plan_text(const json::object& plan);

} // namespace potoo::cli
