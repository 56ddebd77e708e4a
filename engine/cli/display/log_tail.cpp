#include "engine/cli/display/log_tail.hpp"

#include "engine/cli/display/text_width.hpp"

#include <algorithm>

namespace potoo::cli {

void log_tail::add(task_index t, item_index i, journal::log_stream stream, std::string_view text)
{
    const auto key = key_of(t, i);
    if (attempts_.size() >= attempts_kept && !attempts_.contains(key))
        return;
    tail& a = attempts_[key];
    std::string& open = a.open[static_cast<std::size_t>(stream) - 1];
    while (!text.empty()) {
        const auto end = text.find('\n');
        const auto piece = text.substr(0, end);
        open += piece.substr(0, line_length - std::min(line_length, open.size()));
        if (end == std::string_view::npos)
            return;
        end_line(a, open);
        text.remove_prefix(end + 1);
    }
}

void log_tail::end_line(tail& a, std::string& line)
{
    if (line.ends_with('\r'))
        line.pop_back();
    a.lines.push_back(printable(line));
    if (a.lines.size() > lines_kept)
        a.lines.pop_front();
    line.clear();
}

std::vector<std::string> log_tail::take(task_index t, item_index i)
{
    const auto found = attempts_.find(key_of(t, i));
    if (found == attempts_.end())
        return {};
    for (std::string& open : found->second.open)
        if (!open.empty())
            end_line(found->second, open);
    std::vector<std::string> lines(found->second.lines.begin(), found->second.lines.end());
    attempts_.erase(found);
    return lines;
}

} // namespace potoo::cli
