#include "engine/graph/dag_reader.hpp"

#include "engine/graph/describe_value.hpp"
#include "engine/graph/outside_reader.hpp"
#include "engine/graph/schedule_syntax.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace potoo::graph {

namespace {

constexpr std::array<std::string_view, 19> top_keys{
    "name",      "description", "schedule",    "timezone", "trigger", "overlap", "catchup", "max_active_runs",
    "jitter",    "deadline",    "params",      "defaults", "tasks",   "env",     "pools",   "plugins",
    "fail_fast", "secrets",     "connections",
};

constexpr synonym top_synonyms[] = {
    {"id", "name"},
    {"dag", "name"},
    {"dag_id", "name"},
    {"title", "name"},
    {"cron", "schedule"},
    {"interval", "schedule"},
    {"schedule_interval", "schedule"},
    {"tz", "timezone"},
    {"time_zone", "timezone"},
    {"concurrency", "pools"},
    {"concurrency_policy", "overlap"},
    {"catch_up", "catchup"},
    {"max_runs", "max_active_runs"},
    {"triggers", "trigger"},
    {"triggered_by", "trigger"},
    {"timeout", "deadline"},
    {"inputs", "params"},
    {"parameters", "params"},
    {"arguments", "params"},
    {"args", "params"},
    {"variables", "params"},
    {"vars", "params"},
    {"default_args", "defaults"},
    {"jobs", "tasks"},
    {"steps", "tasks"},
    {"nodes", "tasks"},
    {"stages", "tasks"},
    {"environment", "env"},
    {"env_vars", "env"},
    {"failfast", "fail_fast"},
    {"doc", "description"},
    {"comment", "description"},
};

constexpr std::int64_t most_slots = 1'000'000;

bool is_dag_name(std::string_view name)
{
    return !name.empty() && name.size() <= 128 && std::all_of(name.begin(), name.end(), [](char c) {
        return c == '_' || c == '-' || c == '.' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
               (c >= '0' && c <= '9');
    });
}

/// Of `dir/nightly.yaml`: `nightly`.
std::string name_from_source(std::string_view source_name)
{
    auto stem = source_name.substr(source_name.find_last_of('/') + 1);
    if (const auto dot = stem.find_last_of('.'); dot != std::string_view::npos && dot > 0)
        stem = stem.substr(0, dot);
    std::string name(stem.substr(0, 128));
    for (auto& c : name)
        if (!is_dag_name(std::string_view(&c, 1)))
            c = '_';
    return name.empty() || name == "-" ? "dag" : name;
}

} // namespace

dag_reader::dag_reader(const document& d, std::string_view source, const operator_registry& operators,
                       const load_options& options, diagnostic_sink& problems, dag& out)
    : document_(d), root_(d, d.root), operators_(operators), options_(options), problems_(problems), fields_(problems),
      source_(source), dag_(out), spelling_budget_(2'000'000)
{
    for (const auto* op : operators.all())
        operator_names_.push_back(op->name);
}

void dag_reader::read()
{
    if (!root_.is_map()) {
        fields_.problem(root_.where(),
                        fmt::format("a DAG file is a map with the key `tasks`, not {}", root_.describe()));
        return;
    }
    fields_.check_keys(root_, "the DAG", top_keys, top_synonyms);
    read_header();
    read_schedule();
    if (const auto params = root_.find("params"))
        dag_.params_schema = read_params(*params, fields_);
    if (const auto pools = root_.find("pools"))
        read_pools(*pools);
    dag_.secrets = read_secrets(root_, fields_);

    const auto tasks = root_.find("tasks");
    if (tasks && tasks->is_map())
        index_tasks(*tasks);

    template_reader::known_names known;
    for (const auto& [name, schema] : dag_.params_schema)
        known.params.emplace_back(name, type_of_param(schema));
    for (const auto& secret : dag_.secrets)
        known.secrets.push_back(secret.name);
    for (const auto& name : options_.secrets)
        if (std::ranges::find(known.secrets, name) == known.secrets.end())
            known.secrets.push_back(name);
    known.any_secret = options_.any_secret;
    known.find_task = [this](std::string_view name) { return find_task(name); };
    known.nearest_task = [this](std::string_view name) { return nearest_task(name); };
    templates_.emplace(source_, document_, std::move(known), problems_);

    if (const auto env = root_.find("env"))
        defaults_.env = read_env(*env, {}, expression_place::dag_env);
    dag_.connections = read_connections(root_, fields_, *templates_);
    if (const auto defaults = root_.find("defaults"))
        read_defaults(*defaults);
    if (!tasks)
        fields_.problem(root_.where(), "`tasks` is missing: `tasks: {hello: {operator: noop}}` has the right form");
    else if (fields_.is_map("tasks", *tasks, "tasks: {hello: {operator: noop}}"))
        read_tasks(*tasks);
}

void dag_reader::read_header()
{
    dag_.name = name_from_source(dag_.source_name);
    if (const auto n = root_.find("name"))
        if (auto name = fields_.text("name", *n)) {
            if (!is_dag_name(*name))
                fields_.problem(n->where(),
                                fmt::format("{} is no name of a DAG: at most 128 letters, digits, `_`, `-` and `.`",
                                            quoted(*name)));
            dag_.name = std::move(*name);
        }
    if (const auto n = root_.find("description"))
        dag_.description = fields_.text("description", *n).value_or("");
    if (const auto n = root_.find("deadline"))
        dag_.deadline = fields_.time_span("deadline", *n, duration(1));
    if (const auto n = root_.find("fail_fast"))
        dag_.fail_fast = fields_.boolean("fail_fast", *n).value_or(false);
    if (const auto n = root_.find("plugins"))
        dag_.plugins = fields_.texts("plugins", *n).value_or(std::vector<std::string>());
}

void dag_reader::read_schedule()
{
    const auto schedule = root_.find("schedule");
    const auto trigger = root_.find("trigger");
    schedule_spec spec;
    if (schedule)
        read_calendar(*schedule, spec);
    if (trigger)
        read_trigger(*trigger, spec);
    if (trigger && !schedule)
        spec.overlap = "queue";
    read_start_rules(spec);
    for (const auto* name : {"timezone", "catchup", "jitter"})
        if (root_.find(name) && !schedule)
            fields_.problem(root_.place_of_key(name), fmt::format("`{}` has no effect without `schedule`", name));
    for (const auto* name : {"overlap", "max_active_runs"})
        if (root_.find(name) && !schedule && !trigger)
            fields_.problem(root_.place_of_key(name),
                            fmt::format("`{}` has no effect without `schedule` or `trigger`", name));
    if (schedule || trigger)
        dag_.schedule = std::move(spec);
}

void dag_reader::read_calendar(node_view schedule, schedule_spec& spec)
{
    if (auto text = fields_.text("schedule", schedule)) {
        const auto parsed = parse_schedule(*text);
        if (!parsed.times)
            fields_.problem(schedule.where(), "`schedule`: " + parsed.refusal);
        else if (std::holds_alternative<duration>(*parsed.times) && root_.find("timezone"))
            fields_.problem(root_.place_of_key("timezone"), "`timezone` has no effect with `@every`");
        spec.expression = std::move(*text);
    }
    if (const auto n = root_.find("timezone"))
        if (auto name = fields_.text("timezone", *n)) {
            if (auto refusal = timezone_refusal(*name); !refusal.empty())
                fields_.problem(n->where(), "`timezone`: " + refusal);
            spec.timezone = std::move(*name);
        }
    if (const auto n = root_.find("jitter"))
        spec.jitter = fields_.time_span("jitter", *n, duration(0)).value_or(duration(0));
}

void dag_reader::read_trigger(node_view trigger, schedule_spec& spec)
{
    constexpr std::string_view form = "trigger: {after: other_dag}";
    constexpr std::array<std::string_view, 1> keys{"after"};
    if (!fields_.is_map("trigger", trigger, form))
        return;
    fields_.check_keys(trigger, "`trigger`", keys);
    const auto after = trigger.find("after");
    if (!after) {
        fields_.problem(trigger.where(), fmt::format("`trigger.after` is missing: `{}` has the right form", form));
        return;
    }
    spec.after = fields_.texts("trigger.after", *after).value_or(std::vector<std::string>());
    if (after->is_list() && after->size() == 0)
        fields_.problem(after->where(), fmt::format("`trigger.after` names no DAG: `{}` has the right form", form));
    for (const auto& name : spec.after)
        if (!is_dag_name(name))
            fields_.problem(after->where(), fmt::format("`trigger.after`: {} is no name of a DAG: at most 128 letters, "
                                                        "digits, `_`, `-` and `.`",
                                                        quoted(name)));
        else if (name == dag_.name)
            fields_.problem(after->where(),
                            fmt::format("`trigger.after`: {} would trigger itself for ever", quoted(name)));
    std::sort(spec.after.begin(), spec.after.end());
    spec.after.erase(std::unique(spec.after.begin(), spec.after.end()), spec.after.end());
}

void dag_reader::read_start_rules(schedule_spec& spec)
{
    constexpr std::array<std::string_view, 3> overlaps{"skip", "queue", "cancel_running"};
    constexpr std::array<std::string_view, 3> catchups{"none", "latest", "all"};
    if (const auto n = root_.find("overlap"))
        spec.overlap = read_word("overlap", *n, overlaps).value_or(spec.overlap);
    if (const auto n = root_.find("catchup"))
        spec.catchup = read_word("catchup", *n, catchups).value_or(spec.catchup);
    const auto most = root_.find("max_active_runs");
    if (!most)
        return;
    spec.max_active_runs =
        static_cast<std::uint32_t>(fields_.whole("max_active_runs", *most, 1, most_slots).value_or(1));
    if (spec.overlap == "cancel_running" && spec.max_active_runs != 1)
        fields_.problem(most->where(),
                        "`max_active_runs` is 1 with `overlap: cancel_running`: a new run ends the one before");
}

std::optional<std::string> dag_reader::read_word(std::string_view field, node_view n,
                                                 std::span<const std::string_view> known)
{
    auto word = fields_.text(field, n);
    if (word && std::find(known.begin(), known.end(), *word) == known.end()) {
        fields_.problem(n.where(),
                        fmt::format("`{}` must be {} or {}, not {}", field,
                                    fmt::join(known.first(known.size() - 1), ", "), known.back(), quoted(*word)),
                        nearest_spelling(*word, known));
        return std::nullopt;
    }
    return word;
}

void dag_reader::read_pools(node_view pools)
{
    if (!fields_.is_map("pools", pools, "pools: {cluster: 100}"))
        return;
    for (std::size_t i = 0; i < pools.size(); ++i) {
        fields_.check_name("pool", pools.key(i));
        const auto name = std::string(pools.key(i).text());
        const auto slots = fields_.whole("pools." + name, pools.value(i), 1, most_slots);
        dag_.pools.push_back({name, static_cast<std::uint32_t>(slots.value_or(1))});
    }
}

void dag_reader::read_defaults(node_view defaults)
{
    constexpr std::array<std::string_view, 8> keys{"timeout", "retry",      "pool",          "priority",
                                                   "env",     "max_active", "allow_failure", "trigger_rule"};
    constexpr synonym synonyms[] = {
        {"retries", "retry"}, {"environment", "env"}, {"env_vars", "env"}, {"queue", "pool"}};
    if (!fields_.is_map("defaults", defaults, "defaults: {timeout: 2h, retry: {limit: 3}}"))
        return;
    fields_.check_keys(defaults, "`defaults`", keys, synonyms);
    read_policy(defaults, defaults_, true);
    if (const auto env = defaults.find("env"))
        defaults_.env = read_env(*env, std::move(defaults_.env), expression_place::dag_env);
}

} // namespace potoo::graph
