#pragma once
/// @file
/// A compiled expression: its nodes in one vector, children before parents.

#include "engine/graph/expression_functions.hpp"
#include <potoo/expression.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace potoo::graph {

using node_index = std::uint32_t;

struct literal_node
{
    json::value value;
};

/// `.name`, `['name']`, `[3]` or `[expression]`.
struct path_step
{
    std::variant<std::string, std::int64_t, node_index> what;
    std::size_t begin = 0;
    std::size_t end = 0;
};

/// A name, or any other expression, with steps into its value.
struct path_node
{
    std::string root; ///< empty: the path starts at `base`
    node_index base = 0;
    std::size_t base_end = 0;
    std::vector<path_step> steps;
};

/// `a && b && c` is one node, so that a long condition is not a deep one.
struct logical_node
{
    bool conjunction = false;
    std::vector<node_index> operands;
};

struct negation_node
{
    node_index operand = 0;
};

enum class comparison : std::uint8_t
{
    equal,
    not_equal,
    less,
    less_equal,
    greater,
    greater_equal,
};

[[nodiscard]] constexpr std::string_view spelling(comparison op) noexcept
{
    switch (op) {
    case comparison::equal:
        return "==";
    case comparison::not_equal:
        return "!=";
    case comparison::less:
        return "<";
    case comparison::less_equal:
        return "<=";
    case comparison::greater:
        return ">";
    case comparison::greater_equal:
        return ">=";
    }
    return "?";
}

struct comparison_node
{
    comparison op = comparison::equal;
    node_index left = 0;
    node_index right = 0;
};

struct call_node
{
    const function_entry* function = nullptr;
    std::vector<node_index> arguments;
};

struct expression_node
{
    std::variant<literal_node, path_node, logical_node, negation_node, comparison_node, call_node> what;
    value_type type = value_type::any;
    std::size_t begin = 0; ///< place in the source
    std::size_t end = 0;
    std::size_t depth = 1; ///< of the tree below, this node included
};

} // namespace potoo::graph

struct potoo::detail::expression_program
{
    std::string source;
    std::vector<graph::expression_node> nodes;
    graph::node_index root = 0;
};
