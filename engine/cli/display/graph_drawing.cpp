#include "engine/cli/display/graph_drawing.hpp"

#include "engine/cli/display/text_width.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

namespace potoo::cli {

namespace {

/// What sets a task apart from a plain one.
std::string marks_of(const graph::dag& d, const graph::task_spec& t)
{
    std::string out;
    const auto mark = [&](const std::string& text) { out += (out.empty() ? "" : ", ") + text; };
    if (t.foreach)
        mark("foreach");
    if (t.when)
        mark("when");
    if (t.rule != graph::trigger_rule::all_success)
        mark(std::string(to_string(t.rule)));
    if (t.allow_failure)
        mark("allow_failure");
    if (t.pool)
        mark("pool " + d.pools[t.pool->value()].name);
    return out;
}

std::string upstream_names(const graph::dag& d, const graph::task_spec& t)
{
    std::string out;
    for (const task_index u : t.upstream)
        out += (out.empty() ? "" : ", ") + d[u].name;
    return out;
}

std::string quoted(std::string_view text)
{
    std::string out = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\')
            out += '\\';
        out += c;
    }
    return out + '"';
}

struct cells
{
    std::string name;
    std::string op;
    std::string marks;
    std::string upstream;
};

} // namespace

std::vector<std::vector<task_index>> tasks_by_layer(const graph::dag& d)
{
    std::vector<std::uint32_t> layer_of(d.tasks.size(), 0);
    for (const task_index t : d.topological_order)
        for (const task_index u : d[t].upstream)
            layer_of[t.value()] = std::max(layer_of[t.value()], layer_of[u.value()] + 1);
    const auto last = layer_of.empty() ? 0 : *std::max_element(layer_of.begin(), layer_of.end());
    std::vector<std::vector<task_index>> layers(last + 1);
    for (std::uint32_t t = 0; t < layer_of.size(); ++t)
        layers[layer_of[t]].emplace_back(t);
    return layers;
}

std::string draw_text(const graph::dag& d, std::size_t width, bool utf8)
{
    const auto layers = tasks_by_layer(d);
    std::size_t name_width = 0;
    std::size_t op_width = 0;
    std::size_t marks_width = 0;
    for (const auto& spec : d.tasks) {
        name_width = std::max(name_width, width_of(spec.name));
        op_width = std::max(op_width, width_of(spec.operator_name));
        marks_width = std::max(marks_width, width_of(marks_of(d, spec)));
    }
    std::string out = fmt::format("{}: {} task{} in {} layer{}\n", d.name, d.tasks.size(),
                                  d.tasks.size() == 1 ? "" : "s", layers.size(), layers.size() == 1 ? "" : "s");
    for (std::size_t l = 0; l < layers.size(); ++l) {
        const auto& layer = layers[l];
        for (std::size_t i = 0; i < layer.size(); ++i) {
            const auto& spec = d[layer[i]];
            const std::string number = i == 0 ? fmt::format("{}", l + 1) : "";
            std::string line =
                fmt::format("{:>4} {} {}  {}  {}", number, utf8 ? "│" : "|", fit_padded(spec.name, name_width),
                            fit_padded(spec.operator_name, op_width), fit_padded(marks_of(d, spec), marks_width));
            if (!spec.upstream.empty())
                line += fmt::format("  {} {}", utf8 ? "←" : "<-", upstream_names(d, spec));
            line.erase(line.find_last_not_of(' ') + 1);
            out += (width > 0 ? fit(line, width, utf8) : line) + '\n';
        }
        if (l + 1 < layers.size())
            out += utf8 ? "     ↓\n" : "     v\n";
    }
    return out;
}

std::string draw_dot(const graph::dag& d)
{
    std::string out =
        fmt::format("digraph {} {{\n  rankdir=TB;\n  node [shape=box, fontname=\"sans-serif\"];\n", quoted(d.name));
    for (const auto& t : d.tasks) {
        std::string label = t.name + "\\n" + t.operator_name;
        if (const auto marks = marks_of(d, t); !marks.empty())
            label += "\\n(" + marks + ")";
        out += fmt::format("  {} [label=\"{}\"{}];\n", quoted(t.name), label, t.foreach ? ", peripheries=2" : "");
    }
    for (const auto& t : d.tasks)
        for (const task_index u : t.upstream)
            out += fmt::format("  {} -> {};\n", quoted(d[u].name), quoted(t.name));
    return out + "}\n";
}

std::string draw_mermaid(const graph::dag& d)
{
    // Names may hold `-` and words that mermaid keeps for itself, so nodes are numbered.
    std::string out = "flowchart TD\n";
    for (std::size_t t = 0; t < d.tasks.size(); ++t) {
        const auto& spec = d.tasks[t];
        out += fmt::format("  t{}{}\"{}<br/>{}\"{}\n", t, spec.foreach ? "[[" : "[", spec.name, spec.operator_name,
                           spec.foreach ? "]]" : "]");
    }
    for (std::size_t t = 0; t < d.tasks.size(); ++t)
        for (const task_index u : d.tasks[t].upstream)
            out += fmt::format("  t{} --> t{}\n", u.value(), t);
    return out;
}

} // namespace potoo::cli
