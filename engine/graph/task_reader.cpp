#include "engine/graph/dag_reader.hpp"

#include "engine/graph/describe_value.hpp"
#include "engine/graph/schema_check.hpp"
#include "engine/graph/schema_place.hpp"
#include "engine/graph/topology.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace potoo::graph {

namespace {

constexpr std::array<std::string_view, 15> task_keys{
    "operator", "with",    "depends_on", "foreach",  "key",           "max_active", "when",        "trigger_rule",
    "retry",    "timeout", "pool",       "priority", "allow_failure", "env",        "description",
};

constexpr synonym task_synonyms[] = {
    {"needs", "depends_on"},
    {"requires", "depends_on"},
    {"upstream", "depends_on"},
    {"after", "depends_on"},
    {"dependencies", "depends_on"},
    {"dependsOn", "depends_on"},
    {"depends", "depends_on"},
    {"retries", "retry"},
    {"type", "operator"},
    {"uses", "operator"},
    {"kind", "operator"},
    {"op", "operator"},
    {"args", "with"},
    {"params", "with"},
    {"config", "with"},
    {"parameters", "with"},
    {"inputs", "with"},
    {"arguments", "with"},
    {"options", "with"},
    {"if", "when"},
    {"condition", "when"},
    {"loop", "foreach"},
    {"for_each", "foreach"},
    {"matrix", "foreach"},
    {"with_items", "foreach"},
    {"map", "foreach"},
    {"each", "foreach"},
    {"env_vars", "env"},
    {"environment", "env"},
    {"variables", "env"},
    {"concurrency", "max_active"},
    {"parallelism", "max_active"},
    {"max_parallel", "max_active"},
    {"trigger", "trigger_rule"},
    {"rule", "trigger_rule"},
    {"execution_timeout", "timeout"},
    {"deadline", "timeout"},
    {"queue", "pool"},
    {"weight", "priority"},
    {"priority_weight", "priority"},
    {"continue_on_error", "allow_failure"},
    {"ignore_errors", "allow_failure"},
    {"name", "description"},
    {"doc", "description"},
};

constexpr std::array<std::string_view, 6> retry_keys{"limit", "delay", "backoff", "max_delay", "jitter", "on"};

constexpr synonym retry_synonyms[] = {
    {"max", "limit"},
    {"retries", "limit"},
    {"count", "limit"},
    {"attempts", "limit"},
    {"times", "limit"},
    {"max_attempts", "limit"},
    {"max_retries", "limit"},
    {"wait", "delay"},
    {"interval", "delay"},
    {"factor", "backoff"},
    {"multiplier", "backoff"},
    {"exponential", "backoff"},
    {"max_interval", "max_delay"},
    {"errors", "on"},
    {"when", "on"},
};

constexpr std::int64_t most_retries = 10'000;
constexpr std::int64_t most_active = 1'000'000;
constexpr std::int64_t most_priority = 1'000'000;
constexpr double largest_backoff = 1000;
constexpr duration usual_max_delay = std::chrono::hours(1);

bool is_variable_name(std::string_view name)
{
    const auto good = [](char c) {
        return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    };
    return !name.empty() && !(name[0] >= '0' && name[0] <= '9') && std::all_of(name.begin(), name.end(), good);
}

std::string first_few(const std::vector<std::string_view>& names)
{
    constexpr std::size_t few = 12;
    const auto shown = std::span(names).first(std::min(few, names.size()));
    return fmt::format("{}{}", fmt::join(shown, ", "), names.size() > few ? ", …" : "");
}

/// An expression that yields a literal: `from_json('…')`.
std::string literal_expression(const json::value& v)
{
    std::string out = "from_json('";
    for (const char c : json::serialize(v)) {
        out += c;
        if (c == '\'')
            out += c;
    }
    return out + "')";
}

} // namespace

std::optional<task_index> dag_reader::find_task(std::string_view name) const
{
    const auto found = tasks_.find(name);
    return found == tasks_.end() ? std::nullopt : std::optional(found->second);
}

/// A file of very many tasks and very many errors gets suggestions for the first ones only.
std::string dag_reader::nearest_task(std::string_view name)
{
    if (spelling_budget_ < tasks_.size())
        return {};
    spelling_budget_ -= tasks_.size();
    std::vector<std::string_view> candidates;
    candidates.reserve(dag_.tasks.size());
    for (const auto& task : dag_.tasks)
        candidates.emplace_back(task.name);
    return nearest_spelling(name, candidates);
}

void dag_reader::index_tasks(node_view tasks)
{
    dag_.tasks.resize(tasks.size());
    tasks_.reserve(tasks.size());
    for (std::uint32_t i = 0; i < tasks.size(); ++i) {
        const auto name = tasks.key(i);
        fields_.check_name("task", name);
        dag_.tasks[i].name = name.text();
        dag_.tasks[i].where = name.where();
        tasks_.emplace(name.text(), task_index(i));
        dag_.by_name.emplace(name.text(), task_index(i));
    }
    listed_by_.resize(tasks.size());
}

void dag_reader::read_tasks(node_view tasks)
{
    if (tasks.size() == 0)
        fields_.problem(tasks.where(), "`tasks` must not be empty");
    for (std::uint32_t i = 0; i < tasks.size(); ++i)
        read_task(task_index(i), tasks.value(i));
    const auto cycles = order_tasks(dag_);
    for (const auto& cycle : cycles)
        report_cycle(cycle);
    if (cycles.empty())
        check_references();
}

void dag_reader::read_task(task_index i, node_view body)
{
    auto& task = dag_.tasks[i.value()];
    const auto form = fmt::format("{}: {{operator: shell, with: {{command: …}}}}", task.name);
    if (!body.is_map()) {
        fields_.is_map("tasks." + task.name, body, form);
        return;
    }
    fields_.check_keys(body, "a task", task_keys, task_synonyms);

    const auto items = body.find("foreach");
    templates_->enter_task(i, items.has_value());
    if (const auto n = body.find("description"))
        task.description = fields_.text("description", *n).value_or("");
    if (const auto n = body.find("depends_on"))
        read_upstream(task, i, *n);

    task_defaults policy = defaults_;
    read_policy(body, policy, items.has_value());
    if (const auto n = body.find("env"))
        policy.env = read_env(*n, std::move(policy.env), expression_place::task_env);
    task.timeout = policy.timeout;
    task.retry = std::move(policy.retry);
    task.pool = policy.pool;
    task.priority = policy.priority;
    task.max_active = items ? policy.max_active : 0;
    task.allow_failure = policy.allow_failure;
    task.rule = policy.rule;
    task.env = std::move(policy.env);

    if (const auto n = body.find("when"))
        task.when = templates_->read_expression("when", *n, expression_place::when, {value_type::boolean});
    if (items)
        read_foreach(task, *items);
    if (const auto n = body.find("key")) {
        if (!items)
            fields_.problem(body.place_of_key("key"), "`key` has no effect without `foreach`");
        else
            task.key =
                templates_->read_expression("key", *n, expression_place::key, {value_type::string, value_type::number});
    }

    const operator_entry* op = nullptr;
    auto operator_place = task.where;
    if (const auto n = body.find("operator")) {
        operator_place = n->where();
        op = read_operator(task, *n);
    } else
        fields_.problem(task.where, fmt::format("the task {} has no `operator`: `{}`", quoted(task.name), form));
    const auto with = body.find("with");
    // Which names a `with` may use is known only when its operator is.
    if (op)
        read_with(task, with, with ? body.place_of_key("with") : operator_place);
}

const operator_entry* dag_reader::read_operator(task_spec& task, node_view name)
{
    auto text = fields_.text("operator", name);
    if (!text)
        return nullptr;
    task.operator_name = std::move(*text);
    const auto* op = operators_.find(task.operator_name);
    if (!op) {
        auto suggestion = nearest_spelling(task.operator_name, operator_names_);
        fields_.problem(
            name.where(),
            fmt::format("unknown operator {}; known: {}", quoted(task.operator_name), first_few(operator_names_)),
            std::move(suggestion));
    }
    return op;
}

void dag_reader::read_policy(node_view from, task_defaults& into, bool has_items)
{
    if (const auto n = from.find("timeout"))
        into.timeout = fields_.time_span("timeout", *n, duration(1));
    if (const auto n = from.find("retry"))
        into.retry = std::make_shared<retry_policy>(read_retry(*n, *into.retry));
    if (const auto n = from.find("pool"))
        into.pool = read_pool(*n);
    if (const auto n = from.find("priority"))
        into.priority =
            static_cast<std::int32_t>(fields_.whole("priority", *n, -most_priority, most_priority).value_or(0));
    if (const auto n = from.find("allow_failure"))
        into.allow_failure = fields_.boolean("allow_failure", *n).value_or(false);
    if (const auto n = from.find("trigger_rule"))
        into.rule = read_rule(*n).value_or(into.rule);
    if (const auto n = from.find("max_active")) {
        if (!has_items)
            fields_.problem(from.place_of_key("max_active"), "`max_active` has no effect without `foreach`");
        else
            into.max_active = static_cast<std::uint32_t>(fields_.whole("max_active", *n, 1, most_active).value_or(1));
    }
}

void dag_reader::read_upstream(task_spec& task, task_index i, node_view names)
{
    if (!names.is_string() && !names.is_list()) {
        fields_.problem(names.where(),
                        fmt::format("`depends_on` must be a list of names of tasks, not {}", names.describe()));
        return;
    }
    for (std::size_t k = 0; k < (names.is_list() ? names.size() : 1); ++k) {
        const auto name = names.is_list() ? names.element(k) : names;
        if (!name.is_string()) {
            fields_.problem(name.where(), fmt::format("`depends_on` must be a list of names of tasks, and this is {}",
                                                      name.describe()));
            continue;
        }
        const auto found = find_task(name.text());
        if (!found) {
            fields_.problem(name.where(),
                            fmt::format("`depends_on` names {}, and there is no such task", quoted(name.text())),
                            nearest_task(name.text()));
            continue;
        }
        if (std::exchange(listed_by_[found->value()], i.value() + 1) != i.value() + 1)
            task.upstream.push_back(*found);
    }
}

void dag_reader::read_foreach(task_spec& task, node_view items)
{
    if (!items.is_list() && !items.is_map()) {
        task.foreach = templates_->read_expression("foreach", items, expression_place::foreach,
                                                   {value_type::array, value_type::object});
        return;
    }
    if (templates_->holds_expression(items)) {
        fields_.problem(items.where(),
                        "a list or map in `foreach` is taken as it stands and holds no `${{ }}`: make `foreach` "
                        "one expression that yields the whole list");
        return;
    }
    try {
        task.foreach = expression::compile(literal_expression(items.to_json()), expression_names());
    } catch (const expression_error&) {
        fields_.problem(items.where(),
                        "this list is too long to stand in the file: let a task make it, or a parameter");
    }
}

void dag_reader::read_with(task_spec& task, std::optional<node_view> with, mark place_of_with)
{
    static const value_template nothing = value_template::constant(json::object());
    const auto* op = operators_.find(task.operator_name);
    if (with && !with->is_map()) {
        fields_.problem(with->where(), fmt::format("`with` must be a map, not {}", with->describe()));
        return;
    }
    auto value = with ? with->to_json() : json::value(json::object());
    try {
        for (const auto& p : schema_of(*op).check(value, expressions::present)) {
            const auto place = with ? place_of(place_of_with, *with, p) : place_of_with;
            const auto path = format_path("with", p.path);
            fields_.problem(place,
                            p.at_key && p.message.starts_with("unknown key")
                                ? fmt::format("{} in `{}` of {}", p.message,
                                              format_path("with", {p.path.begin(), p.path.end() - 1}), quoted(op->name))
                                : fmt::format("`{}`: {}", path, p.message),
                            p.suggestion);
        }
    } catch (const schema_error& e) {
        fields_.problem(place_of_with,
                        fmt::format("the operator {} has a broken JSON Schema: {}", quoted(op->name), e.what()));
    }
    if (!with)
        task.with = nothing;
    else if (templates_->holds_expression(*with))
        task.with = templates_->read_with(*with, op);
    else
        task.with = value_template::constant(std::move(value));
}

retry_policy dag_reader::read_retry(node_view n, retry_policy base)
{
    if (n.kind() == node_kind::integer) {
        base.limit = static_cast<std::uint32_t>(fields_.whole("retry", n, 0, most_retries).value_or(0));
        return base;
    }
    if (!n.is_map()) {
        fields_.problem(
            n.where(),
            fmt::format("`retry` must be a number or a map, not {}: `retry: {{limit: 3, delay: 30s}}`", n.describe()));
        return base;
    }
    fields_.check_keys(n, "`retry`", retry_keys, retry_synonyms);
    if (const auto v = n.find("limit"))
        base.limit = static_cast<std::uint32_t>(fields_.whole("retry.limit", *v, 0, most_retries).value_or(0));
    if (const auto v = n.find("delay"))
        base.delay = fields_.time_span("retry.delay", *v, duration(0)).value_or(duration(0));
    if (const auto v = n.find("backoff"))
        base.backoff = fields_.number("retry.backoff", *v, 1, largest_backoff).value_or(1);
    if (const auto v = n.find("jitter"))
        base.jitter = fields_.number("retry.jitter", *v, 0, 1).value_or(0);
    if (const auto v = n.find("on"))
        base.on = fields_.texts("retry.on", *v).value_or(std::vector<std::string>());
    if (const auto v = n.find("max_delay")) {
        base.max_delay = fields_.time_span("retry.max_delay", *v, duration(0)).value_or(base.max_delay);
        if (base.max_delay < base.delay)
            fields_.problem(v->where(),
                            fmt::format("`retry.max_delay` must not be less than `retry.delay`, which is {}",
                                        format_duration(base.delay)));
    }
    // A long delay that was asked for is not cut by a limit that was not.
    else if (base.max_delay < base.delay)
        base.max_delay = std::max(usual_max_delay, base.delay);
    return base;
}

dag_reader::environment dag_reader::read_env(node_view n, environment base, expression_place place)
{
    if (!fields_.is_map("env", n, "env: {NAME: value}"))
        return base;
    for (std::size_t i = 0; i < n.size(); ++i) {
        const auto name = n.key(i).text();
        const auto value = n.value(i);
        if (!is_variable_name(name))
            fields_.problem(
                n.key(i).where(),
                fmt::format("{} is no name of an environment variable: letters, digits and `_`, no digit first",
                            quoted(name)));
        value_template text;
        if (value.is_string())
            text = templates_->read_value(value, place);
        else if (value.kind() == node_kind::boolean || value.kind() == node_kind::integer)
            text = value_template::constant(json::value(json::serialize(value.to_json())));
        else
            fields_.problem(value.where(), fmt::format("`env.{}` must be a string, not {}{}", name, value.describe(),
                                                       value.kind() == node_kind::real ? ": put it in quotes" : ""));
        const auto same = std::find_if(base.begin(), base.end(), [&](const auto& e) { return e.first == name; });
        if (same != base.end())
            same->second = std::move(text);
        else
            base.emplace_back(name, std::move(text));
    }
    return base;
}

std::optional<pool_index> dag_reader::read_pool(node_view n)
{
    const auto name = fields_.text("pool", n);
    if (!name)
        return std::nullopt;
    std::vector<std::string_view> names;
    for (std::uint32_t i = 0; i < dag_.pools.size(); ++i) {
        if (dag_.pools[i].name == *name)
            return pool_index(i);
        names.emplace_back(dag_.pools[i].name);
    }
    fields_.problem(
        n.where(), fmt::format("there is no pool {}: declare it at the top, `pools: {{{}: 10}}`", quoted(*name), *name),
        nearest_spelling(*name, names));
    return std::nullopt;
}

std::optional<trigger_rule> dag_reader::read_rule(node_view n)
{
    const auto name = fields_.text("trigger_rule", n);
    if (!name)
        return std::nullopt;
    const auto rule = parse_trigger_rule(*name);
    if (!rule)
        fields_.problem(
            n.where(),
            fmt::format("{} is no trigger rule; known: {}", quoted(*name), fmt::join(trigger_rule_names(), ", ")),
            nearest_spelling(*name, trigger_rule_names()));
    return rule;
}

void dag_reader::report_cycle(const std::vector<task_index>& cycle)
{
    constexpr std::size_t shown_at_most = 20;
    std::vector<std::string_view> names;
    for (const auto t : cycle)
        names.emplace_back(dag_[t].name);
    if (names.size() > shown_at_most) {
        names.erase(names.begin() + shown_at_most / 2, names.end() - shown_at_most / 2);
        names.insert(names.begin() + shown_at_most / 2, "…");
    }
    names.emplace_back(dag_[cycle.front()].name);
    auto where = dag_[cycle.front()].where;
    const auto body = root_.find("tasks")->value(cycle.front().value());
    if (const auto upstream = body.find("depends_on"))
        for (std::size_t k = 0; k < (upstream->is_list() ? upstream->size() : 1); ++k) {
            const auto name = upstream->is_list() ? upstream->element(k) : *upstream;
            if (name.is_string() && name.text() == dag_[cycle.back()].name)
                where = name.where();
        }
    fields_.problem(where, fmt::format("tasks wait for each other: {}", fmt::join(names, " → ")));
}

void dag_reader::check_references()
{
    const auto& references = templates_->references();
    std::vector<ancestry_question> questions;
    questions.reserve(references.size());
    for (const auto& r : references)
        questions.emplace_back(r.from, r.to);
    for (const auto i : find_non_ancestors(dag_, questions)) {
        const auto& r = references[i];
        const auto& to = dag_[r.to].name;
        const auto& from = dag_[r.from].name;
        fields_.problem(
            templates_->place_of(r, to),
            r.from == r.to ? fmt::format("{} cannot refer to its own result", quoted(from))
                           : fmt::format("{} is not upstream of {}: add it to `depends_on`", quoted(to), quoted(from)));
    }
}

} // namespace potoo::graph
