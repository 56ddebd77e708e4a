#include "engine/graph/document_builder.hpp"

#include "engine/graph/describe_value.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <unordered_map>
#include <unordered_set>

namespace potoo::graph {

namespace {

mark mark_of(const node& n)
{
    return {n.line, n.column};
}

/// Below this many members, comparing each with each is quicker than hashing.
constexpr std::size_t few_members = 12;

} // namespace

void document_builder::add(node n)
{
    if (open_.empty())
        document_.root = n;
    else
        pending_.push_back(n);
}

node document_builder::make_text(mark where, std::string_view text)
{
    node n;
    n.kind = node_kind::string;
    n.line = where.line;
    n.column = where.column;
    n.range = {static_cast<std::uint32_t>(document_.text.size()), static_cast<std::uint32_t>(text.size())};
    document_.text += text;
    return n;
}

void document_builder::add_text(mark where, std::string_view text)
{
    add(make_text(where, text));
}

void document_builder::open(node_kind kind, mark where)
{
    if (open_.size() == document::max_depth) {
        problems_.add(where, fmt::format("lists and maps are nested more than {} deep", document::max_depth));
        throw unreadable();
    }
    open_.push_back({kind, where, pending_.size()});
}

const node& document_builder::close()
{
    const auto closing = open_.back();
    if (closing.kind == node_kind::map) {
        merge(closing.first);
        find_repeated_keys(closing.first);
    }
    const auto count = pending_.size() - closing.first;
    node n;
    n.kind = closing.kind;
    n.line = closing.where.line;
    n.column = closing.where.column;
    n.range = {static_cast<std::uint32_t>(document_.children.size()),
               static_cast<std::uint32_t>(closing.kind == node_kind::map ? count / 2 : count)};
    const auto first = pending_.begin() + static_cast<std::ptrdiff_t>(closing.first);
    document_.children.insert(document_.children.end(), first, pending_.end());
    if (document_.children.size() > std::numeric_limits<std::uint32_t>::max()) {
        problems_.add(closing.where, "the file has too many values");
        throw unreadable();
    }
    pending_.erase(first, pending_.end());
    open_.pop_back();
    add(n);
    last_ = n;
    return last_;
}

void document_builder::merge_map(const node& source, std::unordered_set<std::string_view>& names)
{
    for (std::size_t i = 0; i < source.range.count; ++i) {
        const auto key = document_.children[source.range.begin + 2 * i];
        if (!names.insert(text_of(key)).second)
            continue;
        pending_.push_back(key);
        pending_.push_back(document_.children[source.range.begin + 2 * i + 1]);
    }
}

/// Members of the map itself win over merged ones, and earlier sources over later ones.
void document_builder::merge(std::size_t first)
{
    std::vector<node> sources;
    while (!merge_keys_.empty() && merge_keys_.back() >= first) {
        const auto at = pending_.begin() + static_cast<std::ptrdiff_t>(merge_keys_.back());
        const node_view source(document_, at[1]);
        bool good = source.is_map() || (source.is_list() && source.size() > 0);
        for (std::size_t i = 0; source.is_list() && i < source.size(); ++i)
            good = good && source.element(i).is_map();
        if (!good)
            problems_.add(mark_of(at[0]), "`<<` merges a map or a list of maps: `<<: *anchor`");
        else if (source.is_map())
            sources.insert(sources.begin(), source.raw());
        else
            for (std::size_t i = source.size(); i > 0; --i)
                sources.insert(sources.begin(), source.element(i - 1).raw());
        pending_.erase(at, at + 2);
        merge_keys_.pop_back();
    }
    if (sources.empty())
        return;
    std::unordered_set<std::string_view> names;
    for (std::size_t i = first; i < pending_.size(); i += 2)
        names.insert(text_of(pending_[i]));
    for (const auto& source : sources)
        merge_map(source, names);
}

void document_builder::report_repeat(const node& again, const node& before)
{
    problems_.add(mark_of(again), fmt::format("the key {} stands here twice; it was first at {}:{}",
                                              quoted(text_of(again)), before.line, before.column));
}

void document_builder::find_repeated_keys(std::size_t first)
{
    const auto count = (pending_.size() - first) / 2;
    if (count < few_members) {
        for (std::size_t i = 1; i < count; ++i)
            for (std::size_t j = 0; j < i; ++j)
                if (text_of(pending_[first + 2 * i]) == text_of(pending_[first + 2 * j])) {
                    report_repeat(pending_[first + 2 * i], pending_[first + 2 * j]);
                    break;
                }
        return;
    }
    std::unordered_map<std::string_view, std::size_t> seen;
    seen.reserve(count);
    for (std::size_t i = first; i < pending_.size(); i += 2)
        if (const auto [at, added] = seen.try_emplace(text_of(pending_[i]), i); !added)
            report_repeat(pending_[i], pending_[at->second]);
}

document document_builder::finish()
{
    return std::move(document_);
}

} // namespace potoo::graph
