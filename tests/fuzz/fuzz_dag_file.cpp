/// Any bytes as a DAG file. The first one chooses the format: `j` is JSON, `n` leaves it to the content, any other is
/// YAML.

#include "claim.hpp"

#include "engine/graph/load.hpp"
#include "engine/graph/params.hpp"

#include <potoo/operator.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

using namespace potoo;
using fuzz::claim;

namespace {

graph::source_format format_of(std::uint8_t first)
{
    using enum graph::source_format;
    return first == 'j' ? json : first == 'n' ? by_name : yaml;
}

std::vector<std::string_view> lines_of(std::string_view text)
{
    if (text.starts_with("\xEF\xBB\xBF"))
        text.remove_prefix(3);
    std::vector<std::string_view> lines;
    for (;;) {
        const auto end = text.find('\n');
        lines.push_back(text.substr(0, end));
        if (end == std::string_view::npos)
            return lines;
        text.remove_prefix(end + 1);
    }
}

/// One more than the characters of the line: behind its end stands what is missing there.
std::size_t last_column(std::string_view line)
{
    return 1 +
           static_cast<std::size_t>(std::count_if(line.begin(), line.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

void claim_places_are_in_the_file(const graph::load_result& loaded, std::string_view source)
{
    const auto lines = lines_of(source);
    for (const auto& p : loaded.problems) {
        const auto shown = graph::format_diagnostic("file", p);
        claim(!p.message.empty(), "a problem says what it is", shown);
        claim(p.where.line <= lines.size(), "a problem's line is one of the file's", shown);
        if (p.where.line == 0)
            continue;
        claim(p.where.column >= 1, "columns count from 1", shown);
        claim(p.where.column <= last_column(lines[p.where.line - 1]), "a problem's column is within its line", shown);
        claim(p.caret <= last_column(p.excerpt_line), "the caret stands under the excerpt", shown);
    }
}

void claim_tasks_are_sound(const graph::dag& d)
{
    claim(!d.name.empty(), "a dag has a name");
    claim(d.topological_order.size() == d.tasks.size(), "the topological order has every task");
    std::vector<bool> seen(d.tasks.size());
    for (const auto i : d.topological_order) {
        for (const auto up : d[i].upstream)
            claim(seen[up.value()], "upstream tasks come first", d[i].name);
        claim(!seen[i.value()], "a task comes once", d[i].name);
        seen[i.value()] = true;
    }
    for (const auto& t : d.tasks) {
        claim(operators().find(t.operator_name) != nullptr, "a task's operator is known", t.operator_name);
        claim(t.retry != nullptr, "a task has a retry policy");
        claim(!t.pool || t.pool->value() < d.pools.size(), "a task's pool is one of the file's");
        const auto found = d.find(t.name);
        claim(found && &d[*found] == &t, "a task is found by its name", t.name);
    }
}

void claim_same_shape(const graph::dag& a, const graph::dag& b)
{
    claim(a.hash == b.hash && a.name == b.name, "the same file gives the same dag");
    claim(a.topological_order == b.topological_order, "the same file gives the same order");
    claim(a.params_schema == b.params_schema, "the same file gives the same parameters");
    claim(a.tasks.size() == b.tasks.size(), "the same file gives the same tasks");
    for (std::size_t i = 0; i < a.tasks.size(); ++i) {
        claim(a.tasks[i].name == b.tasks[i].name && a.tasks[i].upstream == b.tasks[i].upstream,
              "the same file gives the same tasks");
        claim(a.tasks[i].with.source() == b.tasks[i].with.source(), "the same file gives the same inputs");
    }
}

void use_params(const graph::dag& d)
{
    const auto defaults = graph::check_params(d, {});
    for (const auto& [name, schema] : d.params_schema) {
        for (const char* text : {"1", "text", "[1]", "{}"}) {
            const auto given = graph::parse_param(d, name, text);
            if (!given.problems.empty())
                continue;
            json::object values = defaults.values;
            values[name] = given.value;
            for (const auto& p : graph::check_params(d, values).problems)
                claim(!p.message.empty(), "a problem says what it is");
        }
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    if (size == 0)
        return -1;
    const auto format = format_of(data[0]);
    const std::string source(reinterpret_cast<const char*>(data) + 1, size - 1);
    const auto loaded = graph::load_dag(source, "file", operators(), {.format = format});
    claim((loaded.value == nullptr) == !loaded.problems.empty(), "there is a dag, or a problem, and not both");
    claim_places_are_in_the_file(loaded, source);
    static_cast<void>(graph::plugins_of(source, "file", format));
    if (!loaded.value)
        return 0;
    claim_tasks_are_sound(*loaded.value);
    use_params(*loaded.value);
    const auto again =
        graph::load_dag(loaded.value->source, loaded.value->source_name, operators(), {.format = format});
    claim(again.value != nullptr, "a file that loads loads again", graph::format_diagnostics(again));
    claim_same_shape(*loaded.value, *again.value);
    return 0;
}
