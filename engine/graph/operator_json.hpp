#pragma once
/// @file
/// What an operator says about itself, as one JSON document.

#include <potoo/json.hpp>
#include <potoo/operator.hpp>

namespace potoo::graph {

/// Name, kind, summary, schema, late properties, example.
[[nodiscard]] json::object describe_operator(const operator_entry& op);

} // namespace potoo::graph
