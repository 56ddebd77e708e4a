#pragma once
/// @file
/// `secrets` and `connections`, as they stand in a DAG file and in the configuration.

#include "engine/graph/dag.hpp"
#include "engine/graph/document.hpp"
#include "engine/graph/field_reader.hpp"
#include "engine/graph/template_reader.hpp"

#include <string_view>
#include <vector>

namespace potoo::graph {

/// `secrets` of the map `root`, if it is there.
[[nodiscard]] std::vector<secret_source> read_secrets(node_view root, field_reader& fields);

/// `connections` of the map `root`, if it is there.
[[nodiscard]] std::vector<connection_spec> read_connections(node_view root, field_reader& fields,
                                                            template_reader& templates);

/// Both, where there is no DAG about them: connections may refer to these secrets, and to nothing else.
/// @param source the text that `d` was read from
[[nodiscard]] outside_spec read_outside(const document& d, std::string_view source, diagnostic_sink& problems);

} // namespace potoo::graph
