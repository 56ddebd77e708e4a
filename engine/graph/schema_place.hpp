#pragma once
/// @file
/// Where in a file a schema problem stands.

#include "engine/graph/document.hpp"
#include "engine/graph/schema_check.hpp"

namespace potoo::graph {

/// @param key_of_root place of the key whose value was checked
/// @param root the node whose JSON value was checked
/// @return the place of the scalar that the problem speaks of; for a list or map, or when the key is the problem, that
/// of its key; when a member is missing, that of the map which should have it
[[nodiscard]] mark place_of(mark key_of_root, node_view root, const schema_problem& p);

} // namespace potoo::graph
