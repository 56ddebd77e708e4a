#pragma once
/// @file
/// Text of an expression → program, checked as far as the names and the types known tell.

#include "engine/graph/expression_program.hpp"

#include <string_view>

namespace potoo::graph {

/// @throws expression_error
[[nodiscard]] detail::expression_program parse_expression(std::string_view source, const expression_names& names);

} // namespace potoo::graph
