#pragma once
/// @file
/// The JSON Schema of a DAG file, for editors.

#include <potoo/json.hpp>
#include <potoo/operator.hpp>

namespace potoo::graph {

/// The schema (draft 7) of a DAG file that may use the given operators: `with` is described by operator.
[[nodiscard]] json::value dag_json_schema(const operator_registry& operators);

} // namespace potoo::graph
