#include "engine/graph/diagnostic.hpp"

#include "engine/text/characters.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

namespace potoo::graph {

namespace {

constexpr std::size_t excerpt_width = 120;
constexpr std::size_t excerpt_before = 80; ///< characters kept to the left of the place in a long line

/// Goes through a source line by line, forwards only.
class line_finder
{
  public:
    explicit line_finder(std::string_view source) : source_(source) {}

    std::string_view line(std::uint32_t number)
    {
        while (number_ < number) {
            const auto end = source_.find('\n', begin_);
            if (end == std::string_view::npos)
                return {};
            begin_ = end + 1;
            ++number_;
        }
        auto found = source_.substr(begin_, source_.find('\n', begin_) - begin_);
        if (found.ends_with('\r'))
            found.remove_suffix(1);
        return found;
    }

  private:
    std::string_view source_;
    std::size_t begin_ = 0;
    std::uint32_t number_ = 1;
};

/// Tabs become single spaces, so that the caret stands under its place; other control characters and broken UTF-8
/// become `?`.
std::string printable(std::string_view text)
{
    std::string out(text);
    for (auto& c : out)
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F)
            c = c == '\t' ? ' ' : '?';
    return out;
}

void fill_in_place(diagnostic& d, std::string_view line)
{
    const std::size_t bytes = std::min<std::size_t>(d.where.column - 1, line.size());
    const auto characters = text::count_characters(line.substr(0, bytes));
    d.where.column = static_cast<std::uint32_t>(characters + (d.where.column - 1 - bytes) + 1);
    std::size_t from = 0;
    if (line.size() > excerpt_width && bytes > excerpt_before)
        from = bytes - excerpt_before;
    while (from > 0 && from < line.size() && text::continues_character(line[from]))
        --from;
    auto to = std::min(line.size(), from + excerpt_width);
    while (to < line.size() && text::continues_character(line[to]))
        ++to;
    const auto window = line.substr(from, to - from);
    d.excerpt_line = (from > 0 ? "…" : "") + printable(window) + (to < line.size() ? "…" : "");
    d.caret =
        static_cast<std::uint32_t>(text::count_characters(line.substr(from, bytes - from)) + (from > 0 ? 1 : 0) + 1);
}

} // namespace

std::string format_diagnostic(std::string_view source_name, const diagnostic& d)
{
    std::string out(source_name);
    if (d.where.line > 0)
        out += fmt::format(":{}:{}", d.where.line, d.where.column);
    out += ": error: " + d.message;
    if (!d.suggestion.empty())
        out += fmt::format("; did you mean `{}`?", d.suggestion);
    out += "\n";
    if (d.caret > 0)
        out += fmt::format("  {}\n  {:>{}}\n", d.excerpt_line, "^", d.caret);
    return out;
}

void diagnostic_sink::add(mark where, std::string message, std::string suggestion)
{
    problems_.push_back({where, std::move(message), std::move(suggestion), {}, 0});
}

std::pair<std::vector<diagnostic>, std::size_t> diagnostic_sink::take(std::string_view source)
{
    const auto order = [](const diagnostic& d) {
        return std::tie(d.where.line, d.where.column, d.message, d.suggestion);
    };
    std::sort(problems_.begin(), problems_.end(), [&](const auto& a, const auto& b) { return order(a) < order(b); });
    problems_.erase(std::unique(problems_.begin(), problems_.end(),
                                [&](const auto& a, const auto& b) { return order(a) == order(b); }),
                    problems_.end());
    const auto left_out = problems_.size() - std::min(problems_.size(), shown_at_most);
    problems_.resize(problems_.size() - left_out);
    line_finder lines(source);
    for (auto& d : problems_)
        if (d.where.line > 0 && d.where.column > 0)
            fill_in_place(d, lines.line(d.where.line));
    return {std::exchange(problems_, {}), left_out};
}

} // namespace potoo::graph
