#include "engine/host/run_difference.hpp"

#include "engine/graph/document.hpp"
#include "engine/host/rendered_input.hpp"
#include "engine/host/run_json.hpp"

#include <potoo/error.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

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

/// Of a `foreach` with more items only the first so many are shown, and others are told apart by hash: all that they
/// were given need not fit in the memory.
constexpr std::size_t items_shown = 50;

struct item_input
{
    std::size_t hash = 0;
    std::optional<json::value> value; ///< of those that are shown
};

/// What the last attempts of a task's items were given.
struct task_input
{
    bool of_many = false;
    std::map<std::string, item_input> items;
};

using inputs_by_task = std::map<std::string, task_input>;

void keep_input(task_input& t, attempt_input given)
{
    t.of_many = given.of_many;
    const bool shown = t.items.size() < items_shown || t.items.contains(given.item);
    item_input& kept = t.items[given.item];
    const bool first = kept.hash == 0;
    kept.hash = std::hash<json::value>()(given.input);
    if (first ? shown : kept.value.has_value())
        kept.value = std::move(given.input);
}

/// @throws cancelled
inputs_by_task inputs_of(journal::reader& journal, const journal::run_row& run,
                         const std::vector<journal::task_row>& tasks, const std::atomic<bool>* stop)
{
    inputs_by_task out;
    const auto is_stopped = [stop] { return stop && stop->load(std::memory_order_relaxed); };
    try {
        visit_inputs(journal, run, [&](attempt_input given) {
            task_input& t = out[given.task];
            keep_input(t, std::move(given));
            return !is_stopped();
        });
    } catch (const journal::store_error&) {
        throw;
    } catch (const std::runtime_error& e) {
        // Its DAG does not load any more: then nothing can be said of any task.
        out.clear();
        for (const journal::task_row& t : tasks)
            if (t.attempts > 0)
                keep_input(out[t.name], {t.name, {}, false, json::object{{"problem", e.what()}}});
    }
    if (is_stopped())
        throw cancelled(cancel_reason::user);
    return out;
}

/// One of the two runs.
struct side
{
    side(journal::reader& journal, const journal::run_row& r, const std::atomic<bool>* stop)
        : row(r), dag(journal.dag_of(r.number)), file(file_of(dag.source)), tasks(journal.tasks(r.number)),
          inputs(inputs_of(journal, r, tasks, stop))
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

    [[nodiscard]] const task_input& input_of(const std::string& task) const
    {
        static const task_input none;
        const auto found = inputs.find(task);
        return found == inputs.end() ? none : found->second;
    }

    const journal::run_row& row;
    journal::dag_document dag;
    json::object file;    ///< without its tasks
    json::object defined; ///< the tasks as the file has them
    std::vector<journal::task_row> tasks;
    inputs_by_task inputs;
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

const item_input* find_item(const task_input& t, const std::string& item)
{
    const auto found = t.items.find(item);
    return found == t.items.end() ? nullptr : &found->second;
}

bool same(const item_input* a, const item_input* b)
{
    if (!a || !b)
        return a == b;
    return a->value && b->value ? *a->value == *b->value : a->hash == b->hash;
}

json::value shown(const item_input* i)
{
    return i && i->value ? *i->value : json::value();
}

/// Of a `foreach`. @return null when they do not differ
json::value changed_items(const task_input& before, const task_input& after)
{
    std::set<std::string> names;
    for (const task_input* t : {&before, &after})
        for (const auto& [name, input] : t->items)
            names.insert(name);
    json::object was;
    json::object is;
    std::uint64_t more = 0;
    for (const std::string& name : names) {
        const item_input* a = find_item(before, name);
        const item_input* b = find_item(after, name);
        if (same(a, b))
            continue;
        if ((a && !a->value) || (b && !b->value)) {
            ++more;
            continue;
        }
        was[name] = shown(a);
        is[name] = shown(b);
    }
    if (was.empty() && more == 0)
        return nullptr;
    json::object out{{"before", std::move(was)}, {"after", std::move(is)}};
    if (more > 0)
        out["more"] = more;
    return out;
}

void put_input_change(json::object& out, const task_input& before, const task_input& after)
{
    if (!before.of_many && !after.of_many) {
        put_change(out, "input", shown(find_item(before, "")), shown(find_item(after, "")));
        return;
    }
    json::value changed = changed_items(before, after);
    if (!changed.is_null())
        out["input"] = std::move(changed);
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
                            const std::atomic<bool>* stop)
{
    const side a(journal, before, stop);
    const side b(journal, after, stop);
    json::object tasks;
    for (const std::string& name : tasks_of(a, b)) {
        json::object differs = changes(task_facts(a, name), task_facts(b, name));
        put_input_change(differs, a.input_of(name), b.input_of(name));
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
