#include "engine/graph/dag_schema.hpp"

#include "engine/graph/dag.hpp"

namespace potoo::graph {

namespace {

constexpr std::string_view name_pattern = "^[A-Za-z_][A-Za-z0-9_-]{0,127}$";

json::object described(json::object schema, std::string_view description)
{
    schema["description"] = json::string_view(description.data(), description.size());
    return schema;
}

json::object typed(std::string_view type, std::string_view description)
{
    return described({{"type", json::string_view(type.data(), type.size())}}, description);
}

json::object whole(std::int64_t least, std::int64_t most, std::string_view description)
{
    return described({{"type", "integer"}, {"minimum", least}, {"maximum", most}}, description);
}

json::object time_span(std::string_view description)
{
    return described({{"type", "string"}, {"pattern", "^([0-9]+(\\.[0-9]+)?(ms|s|m|h|d))+$"}}, description);
}

json::object one_expression(std::string_view description)
{
    return described({{"type", "string"}, {"pattern", "^\\$\\{\\{[\\s\\S]*\\}\\}$"}}, description);
}

json::object texts(std::string_view description)
{
    return described(
        {{"anyOf", json::array{{{"type", "string"}}, {{"type", "array"}, {"items", {{"type", "string"}}}}}}},
        description);
}

json::object closed_map(json::object properties, std::string_view description)
{
    return described({{"type", "object"}, {"additionalProperties", false}, {"properties", std::move(properties)}},
                     description);
}

/// A map from names to one kind of value.
json::object named(json::value each, std::string_view description)
{
    return described({{"type", "object"},
                      {"propertyNames", {{"pattern", json::string_view(name_pattern.data(), name_pattern.size())}}},
                      {"additionalProperties", std::move(each)}},
                     description);
}

json::object environment()
{
    return described({{"type", "object"},
                      {"propertyNames", {{"pattern", "^[A-Za-z_][A-Za-z0-9_]*$"}}},
                      {"additionalProperties", {{"type", json::array{"string", "integer", "boolean"}}}}},
                     "Environment variables; values may hold ${{ }}");
}

json::object retry()
{
    const json::object limit = whole(0, 10'000, "Further attempts after the first");
    auto map = closed_map({{"limit", limit},
                           {"delay", time_span("Before the first further attempt")},
                           {"backoff",
                            {{"type", "number"},
                             {"minimum", 1},
                             {"maximum", 1000},
                             {"description", "Factor on the delay from one attempt to the next"}}},
                           {"max_delay", time_span("The delay never grows beyond; 1h unless given")},
                           {"jitter",
                            {{"type", "number"},
                             {"minimum", 0},
                             {"maximum", 1},
                             {"description", "The delay varies by up to this fraction either way"}}},
                           {"on", texts("failed, timed_out, or failure codes; failed and timed_out unless given")}},
                          "");
    map.erase("description");
    return described({{"anyOf", json::array{limit, map}}}, "What to do about a failed attempt: a limit, or a map");
}

/// What may be given for a task and in `defaults`.
json::object policies()
{
    json::array rules;
    for (const auto name : trigger_rule_names())
        rules.emplace_back(json::string_view(name.data(), name.size()));
    return {
        {"timeout", time_span("Of one attempt")},
        {"retry", retry()},
        {"pool", typed("string", "A pool of `pools`, in which each attempt takes a slot")},
        {"priority", whole(-1'000'000, 1'000'000, "Larger starts first")},
        {"env", environment()},
        {"max_active", whole(1, 1'000'000, "Items in flight at once")},
        {"allow_failure", typed("boolean", "The run may succeed although this task fails")},
        {"trigger_rule", described({{"enum", std::move(rules)}},
                                   "When the task starts, by how its upstream tasks ended; all_success unless given")}};
}

/// The schema of an operator's property, in whose place an expression may stand.
json::value or_expression(const json::value& schema);

bool holds_schemas(std::string_view keyword)
{
    return keyword == "properties" || keyword == "patternProperties" || keyword == "items" ||
           keyword == "additionalProperties";
}

json::value with_expressions_inside(const json::value& schema)
{
    if (!schema.is_object())
        return schema;
    json::object out;
    for (const auto& [keyword, value] : schema.get_object()) {
        if (!holds_schemas(keyword) || !value.is_object()) {
            out.emplace(keyword, value);
            continue;
        }
        if (keyword == "items" || keyword == "additionalProperties") {
            out.emplace(keyword, or_expression(value));
            continue;
        }
        json::object members;
        for (const auto& [name, member] : value.get_object())
            members.emplace(name, or_expression(member));
        out.emplace(keyword, std::move(members));
    }
    return out;
}

json::value or_expression(const json::value& schema)
{
    if (!schema.is_object())
        return schema;
    json::object out;
    auto inner = with_expressions_inside(schema).get_object();
    // Editors show the description of the property itself, not of a branch.
    if (const auto* description = inner.if_contains("description"))
        out["description"] = *description;
    inner.erase("description");
    out["anyOf"] = json::array{std::move(inner), {{"type", "string"}, {"pattern", "\\$\\{\\{"}}};
    return out;
}

json::value when_operator(const operator_entry& op)
{
    return {{"if", {{"properties", {{"operator", {{"const", op.name}}}}}, {"required", json::array{"operator"}}}},
            {"then", {{"properties", {{"with", with_expressions_inside(op.schema)}}}}}};
}

json::object task(const operator_registry& operators)
{
    json::array names;
    json::array by_operator;
    for (const auto* op : operators.all()) {
        names.push_back({{"const", op->name}, {"description", op->summary}});
        by_operator.push_back(when_operator(*op));
    }
    auto properties = policies();
    properties["operator"] = described({{"type", "string"}}, "What does the work");
    if (!names.empty())
        properties["operator"].get_object()["oneOf"] = std::move(names);
    properties["with"] = typed("object", "What the operator is to do; strings may hold ${{ }}");
    properties["description"] = typed("string", "For people");
    properties["depends_on"] = texts("Tasks that come before this one");
    properties["when"] = one_expression("Must yield true, else the task is skipped");
    properties["foreach"] = described(
        {{"anyOf", json::array{one_expression("Yields a list or map"), {{"type", "array"}}, {{"type", "object"}}}}},
        "One item for each element");
    properties["key"] = one_expression("An item's identity across retries and reruns");
    json::object out{{"type", "object"},
                     {"additionalProperties", false},
                     {"required", json::array({"operator"})},
                     {"properties", std::move(properties)}};
    if (!by_operator.empty())
        out["allOf"] = std::move(by_operator);
    return out;
}

json::object secret()
{
    const auto only = [](std::string_view key) {
        return json::object{{"required", json::array({json::string_view(key.data(), key.size())})}};
    };
    auto out = closed_map({{"env", typed("string", "Name of an environment variable")},
                           {"file", typed("string", "Path of a file")},
                           {"command",
                            {{"type", "array"},
                             {"minItems", 1},
                             {"items", {{"type", "string"}}},
                             {"description", "A program and its arguments, which prints the secret"}}}},
                          "Where the secret comes from");
    out["oneOf"] = json::array{only("env"), only("file"), only("command")};
    return out;
}

} // namespace

json::value dag_json_schema(const operator_registry& operators)
{
    json::object properties{
        {"name",
         described({{"type", "string"}, {"pattern", "^[A-Za-z0-9_.-]{1,128}$"}}, "The file's stem unless given")},
        {"description", typed("string", "For people")},
        {"schedule", typed("string", "Cron (five fields), @hourly @daily @weekly @monthly @yearly, or @every 15m")},
        {"timezone", typed("string", "Of the schedule: a name of the tz database; UTC unless given")},
        {"overlap", described({{"enum", json::array{"skip", "queue", "cancel_running"}}},
                              "When a run is to start while max_active_runs are going on; skip unless given, "
                              "queue with trigger alone")},
        {"trigger", closed_map({{"after", texts("Names of DAGs")}}, "Start a run after each success of another DAG")},
        {"catchup", described({{"enum", json::array{"none", "latest", "all"}}},
                              "Which missed times of the schedule get a run; latest unless given")},
        {"max_active_runs", whole(1, 1'000'000, "Runs at once that overlap lets pass; 1 unless given")},
        {"jitter", time_span("A run starts up to so much later than its time")},
        {"deadline", time_span("Of the whole run")},
        {"params", named({{"type", "object"}}, "One JSON Schema for each parameter")},
        {"defaults", closed_map(policies(), "For tasks that do not say otherwise")},
        {"tasks", named(task(operators), "The nodes of the graph")},
        {"env", environment()},
        {"pools", named(whole(1, 1'000'000, "Slots"), "Limits on attempts in flight")},
        {"plugins", texts("Libraries with operators of your own")},
        {"fail_fast", typed("boolean", "Cancel the rest when the first task fails")},
        {"secrets", named(secret(), "Never recorded, masked everywhere")},
        {"connections", named({{"type", "object"}, {"required", json::array({"type"})}}, "How to reach the outside")},
    };
    properties["tasks"].get_object()["minProperties"] = 1;
    properties["trigger"].get_object()["required"] = json::array({"after"});
    return json::object{{"$schema", "http://json-schema.org/draft-07/schema#"},
                        {"title", "potoo DAG"},
                        {"type", "object"},
                        {"additionalProperties", false},
                        {"required", json::array({"tasks"})},
                        {"properties", std::move(properties)}};
}

} // namespace potoo::graph
