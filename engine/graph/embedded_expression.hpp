#pragma once
/// @file
/// Where `${{ … }}` stands in a text, seen without compiling it.

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace potoo::graph {

enum class embedding : std::uint8_t
{
    none,  ///< plain text
    part,  ///< text around at least one expression, or several: yields a string
    whole, ///< exactly one expression: yields whatever it yields
};

[[nodiscard]] embedding embedding_of(std::string_view text);

/// The text between `${{` and `}}` of a text whose embedding is `whole`.
[[nodiscard]] std::string_view inside_of(std::string_view whole_expression);

/// @return the position after the expression that holds byte `offset`; npos when that expression does not end
[[nodiscard]] std::size_t end_of_expression_at(std::string_view text, std::size_t offset);

} // namespace potoo::graph
