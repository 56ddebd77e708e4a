#include "dag_builder.hpp"

#include <fmt/format.h>

#include <utility>

namespace potoo::sim {
namespace {

json::object about_jobs(const service_plan& s, duration poll, duration request_timeout)
{
    const std::string base = "http://" + s.name + "/jobs";
    const std::string one = base + "/${{ id }}";
    json::object with;
    with["submit"] = {{"method", "POST"},
                      {"url", base},
                      {"headers", {{"Idempotency-Key", "${{ launch_token }}"}}},
                      {"body", {{"dag", "${{ run.dag }}"}, {"task", 0}, {"item", 0}}}};
    with["id"] = "${{ response.body.id }}";
    if (s.finds)
        with["find"] = {{"url", base + "?token=${{ launch_token }}"}, {"id", "${{ response.body.jobs[0].id }}"}};
    if (s.deduplicates)
        with["idempotent"] = true;
    with["status"] = {{"url", one}};
    if (s.batch)
        with["batch"] = {{"method", "POST"},
                         {"url", base + "/query"},
                         {"body", {{"ids", "${{ ids }}"}}},
                         {"limit", 5},
                         {"items", "${{ response.body.jobs }}"},
                         {"id", "${{ job.id }}"}};
    with["state"] = "${{ job.state }}";
    with["success"] = json::array{json::string("SUCCEEDED")};
    with["failure"] = json::array{json::string("FAILED")};
    with["cancelled"] = json::array{json::string("CANCELLED")};
    with["output"] = "${{ job.result }}";
    with["error"] = "${{ job.error }}";
    with["cancel"] = {{"method", "DELETE"}, {"url", one}};
    with["logs"] = {{"url", one + "/log"}};
    with["poll"] = {{"interval", format_duration(poll)}, {"max_interval", format_duration(poll * 5)}};
    with["request_timeout"] = format_duration(request_timeout);
    return with;
}

} // namespace

dag_builder::dag_builder(std::string name, std::span<const service_plan> services, duration request_timeout)
    : services_(services), request_timeout_(request_timeout)
{
    dag_["name"] = name;
    plan_.name = std::move(name);
}

std::size_t dag_builder::add_job(std::size_t service, std::vector<std::size_t> parents, json::object settings,
                                 duration poll)
{
    json::object with = about_jobs(services_[service], poll, request_timeout_);
    json::object& body = with["submit"].as_object()["body"].as_object();
    body["task"] = plan_.tasks.size();
    if (settings.contains("foreach"))
        body["item"] = "${{ item_index }}";
    const std::size_t at = add("http_job", std::move(with), std::move(parents), std::move(settings));
    plan_.tasks[at].service = service;
    return at;
}

std::size_t dag_builder::add(std::string op, json::object with, std::vector<std::size_t> parents, json::object settings)
{
    task_plan t;
    t.name = fmt::format("t{}", plan_.tasks.size());
    t.parents = std::move(parents);
    if (const json::value* rule = settings.if_contains("trigger_rule"))
        t.trigger_rule = rule->as_string();
    if (const json::value* allowed = settings.if_contains("allow_failure"))
        t.allow_failure = allowed->as_bool();
    settings["operator"] = std::move(op);
    settings["with"] = std::move(with);
    json::array above;
    for (const std::size_t p : t.parents)
        above.push_back(json::value(json::string(plan_.tasks[p].name)));
    if (!above.empty())
        settings["depends_on"] = std::move(above);
    tasks_[t.name] = std::move(settings);
    plan_.tasks.push_back(std::move(t));
    return plan_.tasks.size() - 1;
}

dag_plan dag_builder::build() &&
{
    dag_["tasks"] = std::move(tasks_);
    plan_.source = json::serialize(dag_);
    return std::move(plan_);
}

} // namespace potoo::sim
