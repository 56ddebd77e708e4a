#pragma once
/// @file
/// What an unquoted YAML scalar is, by the core schema of YAML 1.2, with two differences that avoid surprises: a number
/// written with leading zeros is a string, and `.inf` and `.nan`, which JSON has not, are refused.

#include "engine/graph/document.hpp"

#include <optional>
#include <string_view>

namespace potoo::graph {

/// @return a node of kind null, boolean or number; of kind string (its range not set) for any other text; nothing for
/// infinities, not-a-number, and numbers too large for a double
[[nodiscard]] std::optional<node> resolve_plain(std::string_view text);

} // namespace potoo::graph
