#include "engine/graph/field_reader.hpp"

#include "engine/graph/describe_value.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace potoo::graph {

namespace {

constexpr std::size_t longest_name = 128;

bool starts_name(char c)
{
    return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool continues_name(char c)
{
    return starts_name(c) || c == '-' || (c >= '0' && c <= '9');
}

} // namespace

void field_reader::problem(mark where, std::string message, std::string suggestion)
{
    problems_.add(where, std::move(message), std::move(suggestion));
}

void field_reader::wrong(std::string_view field, node_view n, std::string_view wanted)
{
    problem(n.where(), fmt::format("`{}` must be {}, not {}", field, wanted, n.describe()));
}

bool field_reader::is_map(std::string_view field, node_view n, std::string_view form)
{
    if (n.is_map())
        return true;
    problem(n.where(), fmt::format("`{}` must be a map, not {}: `{}`", field, n.describe(), form));
    return false;
}

void field_reader::check_keys(node_view map, std::string_view place, std::span<const std::string_view> known,
                              std::span<const synonym> synonyms)
{
    for (std::size_t i = 0; i < map.size(); ++i) {
        const auto key = map.key(i).text();
        if (std::find(known.begin(), known.end(), key) != known.end())
            continue;
        auto suggestion = nearest_spelling(key, known, synonyms);
        auto message = fmt::format("unknown key {} in {}", quoted(key), place);
        if (suggestion.empty())
            message += fmt::format("; known here: {}", fmt::join(known, ", "));
        problem(map.key(i).where(), std::move(message), std::move(suggestion));
    }
}

std::optional<std::string> field_reader::text(std::string_view field, node_view n)
{
    if (n.is_string() && !n.text().empty())
        return std::string(n.text());
    if (n.is_string())
        problem(n.where(), fmt::format("`{}` must not be empty", field));
    else if (n.is_list() || n.is_map() || n.is_null())
        wrong(field, n, "a string");
    else
        problem(n.where(), fmt::format("`{}` must be a string, not {}: put it in quotes", field, n.describe()));
    return std::nullopt;
}

std::optional<bool> field_reader::boolean(std::string_view field, node_view n)
{
    if (n.kind() == node_kind::boolean)
        return n.boolean();
    wrong(field, n, "true or false");
    return std::nullopt;
}

std::optional<std::int64_t> field_reader::whole(std::string_view field, node_view n, std::int64_t least,
                                                std::int64_t most)
{
    if (n.kind() == node_kind::integer && n.raw().integer >= least && n.raw().integer <= most)
        return n.raw().integer;
    wrong(field, n, fmt::format("a whole number from {} to {}", least, most));
    return std::nullopt;
}

std::optional<double> field_reader::number(std::string_view field, node_view n, double least, double most)
{
    std::optional<double> v;
    if (n.kind() == node_kind::integer)
        v = static_cast<double>(n.raw().integer);
    if (n.kind() == node_kind::real)
        v = n.raw().real;
    if (v && *v >= least && *v <= most)
        return v;
    wrong(field, n, fmt::format("a number from {} to {}", least, most));
    return std::nullopt;
}

std::optional<duration> field_reader::time_span(std::string_view field, node_view n, duration least)
{
    const auto d = n.is_string() ? parse_duration(n.text()) : std::nullopt;
    if (d && *d >= least)
        return d;
    if (d)
        problem(n.where(), fmt::format("`{}` must be at least {}", field, format_duration(least)));
    else if (n.kind() == node_kind::integer && n.raw().integer >= 0)
        problem(n.where(), fmt::format("`{}` must be a duration with its unit, not {}", field, n.describe()),
                fmt::format("{}s", n.raw().integer));
    else
        wrong(field, n, "a duration such as 500ms, 30s, 1h30m or 2d");
    return std::nullopt;
}

std::optional<std::vector<std::string>> field_reader::texts(std::string_view field, node_view n)
{
    if (!n.is_list() && !n.is_string()) {
        wrong(field, n, "a list of strings");
        return std::nullopt;
    }
    std::vector<std::string> out;
    bool good = true;
    for (std::size_t i = 0; i < (n.is_list() ? n.size() : 1); ++i) {
        auto word = text(field, n.is_list() ? n.element(i) : n);
        good = good && word;
        out.push_back(word.value_or(""));
    }
    return good ? std::optional(std::move(out)) : std::nullopt;
}

bool field_reader::check_name(std::string_view what, node_view key)
{
    const auto name = key.text();
    if (!name.empty() && name.size() <= longest_name && starts_name(name[0]) &&
        std::all_of(name.begin(), name.end(), continues_name))
        return true;
    if (name.size() > longest_name)
        problem(key.where(), fmt::format("the name of a {} has at most {} characters, this has {}", what, longest_name,
                                         name.size()));
    else
        problem(key.where(), fmt::format("{} is no name of a {}: it begins with a letter or `_`, then come letters, "
                                         "digits, `_` and `-`",
                                         quoted(name), what));
    return false;
}

} // namespace potoo::graph
