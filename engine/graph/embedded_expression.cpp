#include "engine/graph/embedded_expression.hpp"

#include <cstddef>

namespace potoo::graph {

namespace {

constexpr std::string_view opening = "${{";
constexpr std::string_view closing = "}}";

/// Position after the `}}` that ends the expression whose text begins at `at`; npos when it does not end.
std::size_t end_of_expression(std::string_view text, std::size_t at)
{
    bool quoted = false;
    for (; at < text.size(); ++at) {
        if (text[at] == '\'')
            quoted = !quoted;
        else if (!quoted && text.substr(at).starts_with(closing))
            return at + closing.size();
    }
    return std::string_view::npos;
}

} // namespace

embedding embedding_of(std::string_view text)
{
    const auto first = text.find(opening);
    if (first == std::string_view::npos)
        return embedding::none;
    if (first == 0 && end_of_expression(text, opening.size()) == text.size())
        return embedding::whole;
    return embedding::part;
}

std::string_view inside_of(std::string_view whole_expression)
{
    return whole_expression.substr(opening.size(), whole_expression.size() - opening.size() - closing.size());
}

std::size_t end_of_expression_at(std::string_view text, std::size_t offset)
{
    const auto begin = text.rfind(opening, offset);
    return begin == std::string_view::npos ? begin : end_of_expression(text, begin + opening.size());
}

} // namespace potoo::graph
