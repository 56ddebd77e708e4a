#include "engine/cli/run_params.hpp"

#include "engine/cli/file_text.hpp"
#include "engine/cli/usage_error.hpp"
#include "engine/graph/document.hpp"
#include "engine/graph/params.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace potoo::cli {

namespace {

constexpr std::size_t largest_params_file = 64u * 1024 * 1024;

json::object read_params_file(const std::string& file)
{
    const std::string text = read_text(file, largest_params_file);
    const std::string name = file == "-" ? "stdin" : file;
    graph::diagnostic_sink sink;
    const bool is_json = name.ends_with(".json");
    const auto document = is_json ? graph::read_json(text, sink) : graph::read_yaml(text, sink);
    if (!document) {
        std::string problems;
        const auto [shown, left_out] = sink.take(text);
        for (const auto& d : shown)
            problems += graph::format_diagnostic(name, d);
        throw usage_error(problems);
    }
    const graph::node_view root(*document, document->root);
    if (root.is_null())
        return {};
    if (!root.is_map())
        throw usage_error(
            fmt::format("{}:1:1: error: a map of parameters is wanted, such as `name: value`; here is {}\n", name,
                        root.describe()));
    return root.to_json().as_object();
}

void add_problems(std::string& text, const std::string& where, const std::vector<graph::param_problem>& problems)
{
    for (const auto& p : problems) {
        text += fmt::format("potoo: error: {}{}", where, p.message);
        if (!p.suggestion.empty())
            text += fmt::format("; did you mean `{}`?", p.suggestion);
        text += '\n';
    }
}

/// What was given, and what became of it when it was checked.
struct gathered_params
{
    json::object given;
    json::object complete;
};

gathered_params gather(const graph::dag& d, const std::vector<std::string>& assignments, const std::string& file)
{
    json::object given;
    if (!file.empty())
        given = read_params_file(file);
    std::string problems;
    for (const std::string& a : assignments) {
        const auto equals = a.find('=');
        if (equals == std::string::npos || equals == 0) {
            problems += fmt::format("potoo: error: -p {}: write -p name=value\n", a);
            continue;
        }
        const std::string name = a.substr(0, equals);
        graph::param_value value = graph::parse_param(d, name, std::string_view(a).substr(equals + 1));
        add_problems(problems, fmt::format("-p {}: ", a), value.problems);
        if (value.problems.empty())
            given[name] = std::move(value.value);
        else
            given.erase(name);
    }
    graph::params_result checked = graph::check_params(d, given);
    // One that was given wrongly is no missing one.
    std::erase_if(checked.problems, [&](const graph::param_problem& p) {
        return !given.contains(p.name) &&
               std::any_of(assignments.begin(), assignments.end(),
                           [&](const std::string& a) { return a.starts_with(p.name + "=") || a == p.name; });
    });
    add_problems(problems, {}, checked.problems);
    if (!problems.empty())
        throw usage_error(problems);
    return {std::move(given), std::move(checked.values)};
}

} // namespace

json::object gather_params(const graph::dag& d, const std::vector<std::string>& assignments, const std::string& file)
{
    return gather(d, assignments, file).complete;
}

json::object given_params(const json::object& schemas, const std::vector<std::string>& assignments,
                          const std::string& file)
{
    graph::dag d;
    d.params_schema = schemas;
    return gather(d, assignments, file).given;
}

json::object parse_values(const json::object& schemas, const std::vector<std::string>& assignments,
                          std::string_view option)
{
    graph::dag d;
    d.params_schema = schemas;
    json::object out;
    for (const std::string& a : assignments) {
        const auto equals = a.find('=');
        if (equals == std::string::npos || equals == 0)
            throw usage_error(fmt::format("{} {}: write {} name=value", option, a, option));
        const std::string name = a.substr(0, equals);
        const std::string text = a.substr(equals + 1);
        if (schemas.contains(name)) {
            graph::param_value v = graph::parse_param(d, name, text);
            std::string problems;
            add_problems(problems, fmt::format("{} {}: ", option, a), v.problems);
            if (!problems.empty())
                throw usage_error(problems);
            out[name] = std::move(v.value);
            continue;
        }
        boost::system::error_code ec;
        json::value v = json::parse(text, ec);
        out[name] = ec ? json::value(json::string(text)) : std::move(v);
    }
    return out;
}

} // namespace potoo::cli
