#pragma once
/// @file
/// From a position within the text of a node to a place in the source.

#include "engine/graph/document.hpp"

#include <cstddef>
#include <string_view>
#include <vector>

namespace potoo::graph {

class source_places
{
  public:
    explicit source_places(std::string_view source) : source_(source) {}

    /// The place of byte `offset` of a string node's text; the node's own place when quoting or folding hides it.
    [[nodiscard]] mark within(node_view text, std::size_t offset);

  private:
    [[nodiscard]] std::string_view line(std::size_t number);
    [[nodiscard]] mark within_quotes(node_view text, std::size_t offset, std::string_view from) const;
    [[nodiscard]] mark within_block(node_view text, std::size_t offset);

    std::string_view source_;
    std::vector<std::size_t> line_starts_; ///< made when first asked for
};

} // namespace potoo::graph
