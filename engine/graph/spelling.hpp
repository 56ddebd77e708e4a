#pragma once
/// @file
/// "Did you mean …?"

#include <span>
#include <string>
#include <string_view>

namespace potoo::graph {

/// A word that people know from elsewhere, and what it is called here.
struct synonym
{
    std::string_view word;
    std::string_view meaning;
};

/// The candidate that `word` most likely stands for: what a synonym says, else the nearest by Damerau-Levenshtein
/// distance, the first of equals. Letter case and `-` for `_` do not count as differences. A synonym whose meaning is
/// no candidate is ignored.
/// @return empty when nothing is near: more than a third of the longer word would have to change.
[[nodiscard]] std::string nearest_spelling(std::string_view word, std::span<const std::string_view> candidates,
                                           std::span<const synonym> synonyms = {});

} // namespace potoo::graph
