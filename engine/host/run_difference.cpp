#include "engine/host/run_difference.hpp"

#include "engine/graph/document.hpp"
#include "engine/host/run_json.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <set>

namespace potoo::host {
namespace {

json::string_view sv(std::string_view text)
{
    return {text.data(), text.size()};
}

void put_change(json::object& out, std::string_view name, const json::value& before, const json::value& after)
{
    if (before != after)
        out[sv(name)] = json::object{{"before", before}, {"after", after}};
}

json::value member(const json::object& o, std::string_view name)
{
    const json::value* v = o.if_contains(sv(name));
    return v ? *v : json::value();
}

std::set<std::string> names_of(const json::object& a, const json::object& b)
{
    std::set<std::string> names;
    for (const auto* o : {&a, &b})
        for (const auto& m : *o)
            names.emplace(m.key());
    return names;
}

/// Members that differ.
json::object changes(const json::object& before, const json::object& after)
{
    json::object out;
    for (const std::string& name : names_of(before, after))
        put_change(out, name, member(before, name), member(after, name));
    return out;
}

json::value elapsed_json(const std::optional<wall_time>& started, const std::optional<wall_time>& ended)
{
    return started && ended ? json::value((*ended - *started).count()) : json::value();
}

json::object object_of(const std::string& text)
{
    json::value v = recorded_json(text);
    return v.is_object() ? std::move(v.as_object()) : json::object();
}

/// The file as JSON; nothing when it cannot be read.
json::object file_of(const std::string& source)
{
    graph::diagnostic_sink problems;
    const auto text = source.find_first_not_of(" \t\r\n");
    const bool is_json = text != std::string::npos && source[text] == '{';
    const auto document = is_json ? graph::read_json(source, problems) : graph::read_yaml(source, problems);
    if (!document)
        return {};
    json::value v = graph::node_view(*document, document->root).to_json();
    return v.is_object() ? std::move(v.as_object()) : json::object();
}

/// One of the two runs.
struct side
{
    side(journal::reader& journal, const journal::run_row& r)
        : row(r), dag(journal.dag_of(r.number)), file(file_of(dag.source)), tasks(journal.tasks(r.number))
    {
        const json::value definitions = member(file, "tasks");
        if (definitions.is_object())
            defined = definitions.get_object();
        file.erase("tasks");
    }

    [[nodiscard]] const journal::task_row* find(const std::string& task) const
    {
        const auto found = std::find_if(tasks.begin(), tasks.end(), [&](const auto& t) { return t.name == task; });
        return found == tasks.end() ? nullptr : &*found;
    }

    const journal::run_row& row;
    journal::dag_document dag;
    json::object file;    ///< without its tasks
    json::object defined; ///< the tasks as the file has them
    std::vector<journal::task_row> tasks;
};

json::object run_facts(const side& s)
{
    json::object out{{"state", sv(to_string(s.row.state))}, {"elapsed_ms", elapsed_json(s.row.started, s.row.ended)}};
    for (const auto& m : object_of(s.row.origin))
        out[std::string("origin.") + std::string(m.key())] = m.value();
    return out;
}

json::object dag_facts(const side& s)
{
    json::object out = s.file;
    out["name"] = s.dag.name;
    out["hash"] = fmt::format("{:016x}", s.dag.hash);
    return out;
}

json::value input_of_task(const side& s, const std::string& task, journal::reader& journal, const input_lookup& look)
{
    const journal::task_row* row = s.find(task);
    if (!look || !row || row->attempts == 0)
        return nullptr;
    const auto attempts = journal.attempts(s.row.number, row->task, item_index(0));
    return attempts.empty() ? json::value() : look(s.row, task, item_index(0), attempts.back().attempt);
}

json::object task_facts(const side& s, const std::string& task)
{
    json::object out{{"definition", member(s.defined, task)}};
    const journal::task_row* row = s.find(task);
    if (!row)
        return out;
    json::object shown = task_json(*row);
    shown.erase("task");
    shown.erase("counts");
    shown.erase("started");
    shown.erase("ended");
    for (auto& m : shown)
        out[m.key()] = std::move(m.value());
    out["elapsed_ms"] = elapsed_json(row->started, row->ended);
    return out;
}

std::set<std::string> tasks_of(const side& before, const side& after)
{
    std::set<std::string> names;
    for (const side* s : {&before, &after})
        names.insert(s->dag.tasks.begin(), s->dag.tasks.end());
    return names;
}

} // namespace

json::object run_difference(journal::reader& journal, const journal::run_row& before, const journal::run_row& after,
                            const input_lookup& input_of)
{
    const side a(journal, before);
    const side b(journal, after);
    json::object tasks;
    for (const std::string& name : tasks_of(a, b)) {
        json::object differs = changes(task_facts(a, name), task_facts(b, name));
        put_change(differs, "input", input_of_task(a, name, journal, input_of),
                   input_of_task(b, name, journal, input_of));
        if (!differs.empty())
            tasks[name] = std::move(differs);
    }
    return {{"before", before.id.value()},
            {"after", after.id.value()},
            {"run", changes(run_facts(a), run_facts(b))},
            {"dag", changes(dag_facts(a), dag_facts(b))},
            {"params", changes(object_of(before.params), object_of(after.params))},
            {"tasks", std::move(tasks)}};
}

} // namespace potoo::host
