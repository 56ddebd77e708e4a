#include "engine/graph/spelling.hpp"

#include "engine/text/ascii.hpp"

#include <algorithm>
#include <array>
#include <cstddef>

namespace potoo::graph {

namespace {

constexpr std::size_t longest_word = 64;

char fold(char c)
{
    if (c == '-') {
        return '_';
    }
    return text::lower(c);
}

/// Optimal string alignment distance; both words at most `longest_word` long.
std::size_t distance(std::string_view a, std::string_view b)
{
    using row = std::array<std::size_t, longest_word + 1>;
    row before_last{};
    row last{};
    row current{};
    for (std::size_t j = 0; j <= b.size(); ++j) {
        last[j] = j;
    }
    for (std::size_t i = 1; i <= a.size(); ++i) {
        current[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t change = fold(a[i - 1]) == fold(b[j - 1]) ? 0 : 1;
            current[j] = std::min({last[j] + 1, current[j - 1] + 1, last[j - 1] + change});
            if (i > 1 && j > 1 && fold(a[i - 1]) == fold(b[j - 2]) && fold(a[i - 2]) == fold(b[j - 1])) {
                current[j] = std::min(current[j], before_last[j - 2] + 1);
            }
        }
        before_last = last;
        last = current;
    }
    return last[b.size()];
}

} // namespace

std::string nearest_spelling(std::string_view word, std::span<const std::string_view> candidates,
                             std::span<const synonym> synonyms)
{
    for (const auto& s : synonyms) {
        if (s.word == word && std::ranges::find(candidates, s.meaning) != candidates.end()) {
            return std::string(s.meaning);
        }
    }
    if (word.empty() || word.size() > longest_word) {
        return {};
    }
    std::string_view best;
    std::size_t best_distance = longest_word;
    for (const auto candidate : candidates) {
        if (candidate.empty() || candidate.size() > longest_word) {
            continue;
        }
        const auto [shorter, longer] = std::minmax({word.size(), candidate.size()});
        const auto allowed = shorter < 2 ? 0 : std::max<std::size_t>(1, longer / 3);
        if (longer - shorter > allowed) {
            continue;
        }
        const auto d = distance(word, candidate);
        if (d <= allowed && d < best_distance) {
            best = candidate;
            best_distance = d;
        }
    }
    return std::string(best);
}

} // namespace potoo::graph
