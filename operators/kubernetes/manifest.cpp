#include "manifest.hpp"

#include "json_lookup.hpp"

#include <potoo/error.hpp>
#include <potoo/options.hpp>
#include <potoo/time.hpp>

#include <fmt/format.h>

#include <chrono>

namespace potoo::kubernetes {
namespace {

constexpr const char* main_container = "main";
constexpr std::int64_t usual_ttl_seconds = 3600;

json::array as_list(const json::value& v)
{
    return v.is_array() ? v.get_array() : json::array{v};
}

std::int64_t seconds_of(const json::value& v, std::string_view name)
{
    const auto d = parse_duration(std::string_view(v.as_string()));
    if (!d)
        throw fatal(fmt::format("`{}` must be a duration such as 90s or 1h, not {}", name, json::serialize(v)));
    return std::chrono::ceil<std::chrono::seconds>(*d).count();
}

/// The short form gives each container as much as it asks for, and no more.
json::value resources_of(const json::value& v)
{
    const auto& o = v.as_object();
    if (o.contains("requests") || o.contains("limits"))
        return v;
    json::object amounts;
    for (const auto& [name, amount] : o)
        amounts[name] = text_of(amount);
    return json::object{{"requests", amounts}, {"limits", amounts}};
}

void add_variable(json::array& env, std::string_view name, std::string value)
{
    for (json::value& known : env) {
        if (text_at(known, "/name") == name) {
            known.as_object()["value"] = std::move(value);
            return;
        }
    }
    env.push_back(json::object{{"name", json::string(name)}, {"value", std::move(value)}});
}

json::object container_of(const json::object& with, std::span<const std::pair<std::string, std::string>> environment)
{
    json::object c{{"name", main_container}};
    const auto copy = [&](const char* from, const char* to) {
        if (const json::value* v = with.if_contains(from))
            c[to] = *v;
    };
    copy("image", "image");
    if (const json::value* command = with.if_contains("command"))
        c["command"] = command->is_string() ? json::array{"/bin/sh", "-c", *command} : as_list(*command);
    if (const json::value* args = with.if_contains("args"))
        c["args"] = as_list(*args);
    if (const json::value* resources = with.if_contains("resources"))
        c["resources"] = resources_of(*resources);
    json::array env;
    for (const auto& [name, value] : environment)
        add_variable(env, name, value);
    if (const json::value* own = with.if_contains("env")) {
        for (const auto& [name, value] : own->as_object())
            add_variable(env, name, text_of(value));
    }
    json::value whole = std::move(c);
    if (const json::value* patch = with.if_contains("container")) {
        json::value rest = *patch;
        if (const json::value* more = rest.as_object().if_contains("env"); more && more->is_array()) {
            env.insert(env.end(), more->get_array().begin(), more->get_array().end());
            rest.as_object().erase("env");
        }
        merge_into(whole, rest);
        whole.as_object()["name"] = main_container;
    }
    if (!env.empty())
        whole.as_object()["env"] = std::move(env);
    return std::move(whole.as_object());
}

/// Ours comes first; one of the same name is laid over it.
void add_containers(json::array& containers, const json::value& more)
{
    if (!more.is_array())
        throw fatal("`pod.containers` must be a list of containers");
    for (const json::value& c : more.get_array()) {
        json::value* same = nullptr;
        for (json::value& known : containers) {
            if (text_at(known, "/name") == text_at(c, "/name"))
                same = &known;
        }
        if (same)
            merge_into(*same, c);
        else
            containers.push_back(c);
    }
}

json::value pod_spec(const json::object& with, std::span<const std::pair<std::string, std::string>> environment)
{
    json::value pod = json::object{{"restartPolicy", "Never"}};
    json::array containers{container_of(with, environment)};
    if (const json::value* account = with.if_contains("service_account"))
        pod.as_object()["serviceAccountName"] = *account;
    if (const json::value* selector = with.if_contains("node_selector"))
        pod.as_object()["nodeSelector"] = *selector;
    if (const json::value* patch = with.if_contains("pod")) {
        json::value rest = *patch;
        if (const json::value* more = rest.as_object().if_contains("containers")) {
            add_containers(containers, *more);
            rest.as_object().erase("containers");
        }
        merge_into(pod, rest);
    }
    pod.as_object()["containers"] = std::move(containers);
    return pod;
}

json::object labels_of(const json::object& with, std::string_view token)
{
    json::object labels;
    if (const json::value* given = with.if_contains("labels")) {
        for (const auto& [name, value] : given->as_object())
            labels[name] = text_of(value);
    }
    labels["app.kubernetes.io/managed-by"] = "potoo";
    labels[token_label] = json::string(token);
    return labels;
}

json::object metadata_of(const json::object& with, std::string_view token)
{
    json::object metadata{{"labels", labels_of(with, token)}};
    if (const json::value* given = with.if_contains("annotations")) {
        json::object annotations;
        for (const auto& [name, value] : given->as_object())
            annotations[name] = text_of(value);
        metadata["annotations"] = std::move(annotations);
    }
    return metadata;
}

} // namespace

void merge_into(json::value& target, const json::value& patch)
{
    if (!patch.is_object()) {
        target = patch;
        return;
    }
    if (!target.is_object())
        target.emplace_object();
    auto& o = target.get_object();
    for (const auto& [name, value] : patch.get_object()) {
        if (value.is_null())
            o.erase(name);
        else
            merge_into(o[name], value);
    }
}

json::value job_manifest(const json::object& with, std::span<const std::pair<std::string, std::string>> environment,
                         std::string_view token, std::string_view name_space)
{
    json::value spec = json::object{{"backoffLimit", 0}, {"ttlSecondsAfterFinished", usual_ttl_seconds}};
    auto& own = spec.as_object();
    if (const json::value* limit = with.if_contains("backoff_limit"))
        own["backoffLimit"] = *limit;
    if (const json::value* ttl = with.if_contains("ttl"))
        own["ttlSecondsAfterFinished"] = seconds_of(*ttl, "ttl");
    if (const json::value* deadline = with.if_contains("active_deadline"))
        own["activeDeadlineSeconds"] = seconds_of(*deadline, "active_deadline");
    own["template"] = json::object{{"metadata", metadata_of(with, token)}, {"spec", pod_spec(with, environment)}};
    if (const json::value* patch = with.if_contains("job"))
        merge_into(spec, *patch);
    // The watch asks by this label, and cancelling looks for the pods by it.
    json::value ours = json::object{
        {"template",
         json::object{{"metadata", json::object{{"labels", json::object{{token_label, json::string(token)}}}}}}}};
    merge_into(spec, ours);
    json::object metadata = metadata_of(with, token);
    metadata["name"] = json::string(token);
    metadata["namespace"] = json::string(name_space);
    return json::object{
        {"apiVersion", "batch/v1"}, {"kind", "Job"}, {"metadata", std::move(metadata)}, {"spec", std::move(spec)}};
}

} // namespace potoo::kubernetes
