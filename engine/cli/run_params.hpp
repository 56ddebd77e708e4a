#pragma once
/// @file
/// The parameters of a run, from the command line.

#include "engine/graph/dag.hpp"

#include <potoo/json.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace potoo::cli {

/// Complete and checked: those of the file, over them those of `assignments`, defaults for the others.
/// @param assignments `name=value`; of several for one name the last counts
/// @param file a JSON or YAML map; empty = none; `-` is standard input
/// @throws usage_error with all problems
[[nodiscard]] json::object gather_params(const graph::dag& d, const std::vector<std::string>& assignments,
                                         const std::string& file);

/// Those that were given only, where no more than their schemas is known of the DAG; as `gather_params`.
/// @param schemas JSON Schemas by name
[[nodiscard]] json::object given_params(const json::object& schemas, const std::vector<std::string>& assignments,
                                        const std::string& file);

/// `name=value` as the schema of that name takes it; where there is none, JSON if it is that, otherwise text.
/// @param option that they were given with
/// @throws usage_error
[[nodiscard]] json::object parse_values(const json::object& schemas, const std::vector<std::string>& assignments,
                                        std::string_view option);

} // namespace potoo::cli
