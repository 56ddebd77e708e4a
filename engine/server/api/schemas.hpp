#pragma once
/// @file
/// The shapes of what the API takes and gives.

#include "engine/graph/schema_check.hpp"

#include <potoo/json.hpp>

#include <string>
#include <string_view>

namespace potoo::server {

/// JSON Schema by name, as under `components/schemas` of the document.
[[nodiscard]] const json::object& schemas();

/// One of them, compiled once. @throws std::out_of_range when there is none of that name
[[nodiscard]] const graph::compiled_schema& schema_named(std::string_view name);

} // namespace potoo::server
