#include "engine/graph/source_places.hpp"

#include <algorithm>

namespace potoo::graph {

namespace {

mark moved(mark where, std::size_t columns)
{
    return {where.line, where.column + static_cast<std::uint32_t>(columns)};
}

} // namespace

std::string_view source_places::line(std::size_t number)
{
    if (line_starts_.empty()) {
        line_starts_.push_back(0);
        for (auto at = source_.find('\n'); at != std::string_view::npos; at = source_.find('\n', at + 1))
            line_starts_.push_back(at + 1);
    }
    if (number == 0 || number > line_starts_.size())
        return {};
    const auto begin = line_starts_[number - 1];
    const auto end = number < line_starts_.size() ? line_starts_[number] - 1 : source_.size();
    return source_.substr(begin, end - begin);
}

mark source_places::within_quotes(node_view text, std::size_t offset, std::string_view from) const
{
    const char quote = from[0];
    std::size_t at = 1;
    for (std::size_t seen = 0; seen < offset; ++seen) {
        if (at + 1 >= from.size())
            return text.where();
        const bool escape = quote == '"' && from[at] == '\\';
        if (escape && (from[at + 1] == 'u' || from[at + 1] == 'U' || from[at + 1] == 'x'))
            return text.where();
        at += escape || (quote == '\'' && from[at] == '\'') ? 2 : 1;
    }
    return moved(text.where(), at);
}

mark source_places::within_block(node_view text, std::size_t offset)
{
    const auto before = text.text().substr(0, offset);
    const auto line_begin = before.rfind('\n') + 1;
    const auto content = text.text().substr(line_begin, text.text().find('\n', line_begin) - line_begin);
    const auto number =
        text.where().line + 1 + static_cast<std::uint32_t>(std::count(before.begin(), before.end(), '\n'));
    const auto found = line(number).find(content);
    if (found == std::string_view::npos)
        return text.where();
    return {number, static_cast<std::uint32_t>(found + (offset - line_begin)) + 1};
}

mark source_places::within(node_view text, std::size_t offset)
{
    const auto here = text.where();
    const auto whole = line(here.line);
    if (here.column == 0 || here.column > whole.size())
        return here;
    const auto from = whole.substr(here.column - 1);
    if (from[0] == '"' || from[0] == '\'')
        return within_quotes(text, offset, from);
    if (from[0] == '|')
        return within_block(text, offset);
    if (from.starts_with(text.text().substr(0, offset)))
        return moved(here, offset);
    return here;
}

} // namespace potoo::graph
