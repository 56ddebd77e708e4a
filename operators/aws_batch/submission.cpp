#include "submission.hpp"

#include <potoo/options.hpp>

#include <fmt/format.h>

#include <chrono>
#include <map>

namespace potoo::aws_batch {
namespace {

bool read_flag(const json::object& o, std::string_view name, bool usual)
{
    const json::value* v = o.if_contains(name);
    return v ? v->as_bool() : usual;
}

/// AWS takes lists of `{name, value}`; the later of two with the same name counts.
class named_values
{
  public:
    named_values(const char* name, const json::value* list) : name_(name)
    {
        const auto* given = list ? list->if_array() : nullptr;
        if (!given)
            return;
        for (const json::value& v : *given)
            set(text_of(v.at(name_)), text_of(v.at("value")));
    }

    void set(std::string name, std::string value) { values_[std::move(name)] = std::move(value); }

    void put_into(json::object& o, std::string_view member) const
    {
        if (values_.empty())
            return;
        json::array list;
        for (const auto& [name, value] : values_)
            list.push_back(json::object{{name_, name}, {"value", value}});
        o[member] = std::move(list);
    }

  private:
    const char* name_;
    std::map<std::string, std::string> values_;
};

json::object container_overrides(context& ctx, std::optional<array_part> part)
{
    const json::object& with = ctx.input();
    json::object o;
    if (const json::value* given = with.if_contains("overrides"))
        o = given->as_object();
    if (const json::value* command = with.if_contains("command"))
        o["command"] = *command;

    named_values variables("name", o.if_contains("environment"));
    for (const auto& [name, value] : ctx.environment())
        variables.set(name, value);
    if (const json::value* env = with.if_contains("env")) {
        for (const auto& [name, value] : env->as_object())
            variables.set(std::string(name), text_of(value));
    }
    if (part)
        variables.set("POTOO_ARRAY_FIRST", std::to_string(part->first));
    variables.put_into(o, "environment");

    named_values resources("type", o.if_contains("resourceRequirements"));
    constexpr std::pair<const char*, const char*> asked[] = {{"vcpus", "VCPU"}, {"memory", "MEMORY"}, {"gpus", "GPU"}};
    for (const auto& [member, type] : asked) {
        if (const json::value* v = with.if_contains(member))
            resources.set(type, text_of(*v));
    }
    resources.put_into(o, "resourceRequirements");
    return o;
}

json::array dependencies(const json::array& given)
{
    json::array list;
    for (const json::value& v : given)
        list.push_back(v.is_string() ? json::value(json::object{{"jobId", v}}) : v);
    return list;
}

} // namespace

task_description read_description(const json::object& with)
{
    task_description d;
    d.queue = std::string(with.at("job_queue").as_string());
    d.array = read_flag(with, "array", false);
    d.logs = read_flag(with, "logs", true);
    d.request_timeout = time_option(with, "request_timeout", d.request_timeout);
    d.settle = duration_option(with, "settle").value_or(d.settle);
    d.cancel_grace = time_option(with, "cancel_grace", d.cancel_grace);
    d.pace = poll_option(
        with,
        {.interval = duration{3'000}, .max_interval = duration{30'000}, .backoff = 1.5, .first = duration{1'000}});
    d.pace_to_the_end = d.pace;
    d.pace_to_the_end.interval = std::min(d.pace.interval, duration{1'000});
    d.pace_to_the_end.max_interval = std::min(d.pace.max_interval, duration{5'000});
    return d;
}

json::object submission_of(context& ctx, const std::string& name, const std::string& token,
                           std::optional<array_part> part)
{
    const json::object& with = ctx.input();
    json::object body;
    if (const json::value* options = with.if_contains("options"))
        body = options->as_object();
    body["jobName"] = name;
    body["jobQueue"] = with.at("job_queue");
    body["jobDefinition"] = with.at("job_definition");
    if (json::object overrides = container_overrides(ctx, part); !overrides.empty())
        body["containerOverrides"] = std::move(overrides);
    if (const json::value* v = with.if_contains("parameters")) {
        json::object& parameters = body["parameters"].emplace_object();
        for (const auto& [key, value] : v->as_object())
            parameters[key] = text_of(value);
    }
    if (const json::value* v = with.if_contains("retry_strategy"))
        body["retryStrategy"] = *v;
    if (const json::value* v = with.if_contains("depends_on"))
        body["dependsOn"] = dependencies(v->as_array());
    if (with.contains("job_timeout")) {
        const auto timeout = std::chrono::ceil<std::chrono::seconds>(time_option(with, "job_timeout", duration{0}));
        body["timeout"] = json::object{{"attemptDurationSeconds", timeout.count()}};
    }
    json::object tags;
    if (const json::value* v = with.if_contains("tags")) {
        for (const auto& [key, value] : v->as_object())
            tags[key] = text_of(value);
    }
    tags[token_tag] = token;
    body["tags"] = std::move(tags);
    if (part && part->size > 1)
        body["arrayProperties"] = json::object{{"size", part->size}};
    return body;
}

} // namespace potoo::aws_batch
