#include "engine/server/api/call.hpp"
#include "engine/server/api/openapi.hpp"
#include "engine/server/api/route_groups.hpp"
#include "engine/server/metrics/metrics.hpp"
#include "engine/server/metrics/prometheus_text.hpp"

#include <algorithm>
#include <utility>

namespace potoo::server {
namespace {

metrics& measured(const call& c)
{
    return served(c.services().measured, "metrics");
}

web::reply uncached(web::reply r)
{
    r.fields.emplace_back("Cache-Control", "no-store");
    return r;
}

task<web::reply> get_health(call& c)
{
    const health_report report = measured(c).health();
    co_return uncached(json_reply(report.good() ? 200 : 503, report.details));
}

task<web::reply> get_readiness(call& c)
{
    const bool ready = measured(c).ready();
    co_return uncached(json_reply(ready ? 200 : 503, json::object{{"ready", ready}}));
}

task<web::reply> get_metrics(call& c)
{
    web::reply r;
    r.fields.emplace_back("Content-Type", std::string(prometheus_text::content_type));
    r.body = measured(c).prometheus();
    co_return uncached(std::move(r));
}

task<web::reply> get_openapi(call& c)
{
    if (c.state.document.empty())
        c.state.document = json::serialize(openapi_document(c.state.version)) + '\n';
    web::reply r;
    r.fields.emplace_back("Content-Type", "application/json");
    r.body = c.state.document;
    co_return r;
}

/// What the watchers of one backend have in common.
struct backend_figures
{
    std::size_t watchers = 0;
    std::uint64_t calls = 0;
    std::uint64_t failures = 0;
    std::uint64_t throttled = 0;
    std::uint64_t waiting = 0;
    std::uint64_t under_way = 0;
    std::uint64_t allowed = 0;
    duration stuck_for{0};
};

std::map<std::string, backend_figures> backends_of(potoo::loop& l)
{
    std::map<std::string, backend_figures> out;
    for (const watcher_report& r : watcher_reports(l)) {
        backend_figures& b = out[std::string(r.name)];
        ++b.watchers;
        b.calls += r.calls;
        b.failures += r.failures;
        b.throttled += r.throttled;
        b.waiting += r.waiting;
        b.under_way += r.under_way;
        b.allowed += r.allowed;
        b.stuck_for = std::max(b.stuck_for, std::chrono::duration_cast<duration>(r.stuck_for));
    }
    return out;
}

task<web::reply> list_backends(call& c)
{
    json::array items;
    for (const auto& [name, b] : backends_of(c.services().engine.loop()))
        items.push_back(json::object{{"name", name},
                                     {"watchers", b.watchers},
                                     {"jobs_waiting", b.waiting},
                                     {"calls", b.calls},
                                     {"call_failures", b.failures},
                                     {"throttled", b.throttled},
                                     {"calls_under_way", b.under_way},
                                     {"calls_allowed", b.allowed},
                                     {"stuck_ms", b.stuck_for.count()}});
    co_return list_reply(std::move(items), {});
}

} // namespace

std::vector<route> system_routes()
{
    return {
        {.method = "GET",
         .path = "/api/v1/backends",
         .operation = "list_backends",
         .tag = "server",
         .summary = "List the backends that jobs are watched on",
         .about = "How many jobs are waited for, how often is asked about them, and whether the answers come. It "
                  "begins anew "
                  "when nobody waits any more.",
         .answers = {{200, "backend_list", "All of them, by name"}},
         .handle = list_backends},
        {.method = "GET",
         .path = "/healthz",
         .operation = "get_health",
         .tag = "server",
         .summary = "Ask whether the server makes progress",
         .about =
             "Not just whether it is alive: its loop, its journal and each of its watchers. 503 when one does not.",
         .needs = need::probe,
         .answers = {{200, "health", "It does"}, {503, "health", "It does not; `problems` says what does not"}},
         .handle = get_health},
        {.method = "GET",
         .path = "/readyz",
         .operation = "get_readiness",
         .tag = "server",
         .summary = "Ask whether the server takes requests",
         .about = "503 while it takes up the runs of its journal, and while it stops.",
         .needs = need::probe,
         .answers = {{200, "readiness", "It does"}, {503, "readiness", "It does not yet, or not any more"}},
         .handle = get_readiness},
        {.method = "GET",
         .path = "/metrics",
         .operation = "get_metrics",
         .tag = "server",
         .summary = "Read the metrics, as Prometheus does",
         .answers = {{200, "", "Text format 0.0.4", "text/plain"}},
         .handle = get_metrics},
        {.method = "GET",
         .path = "/openapi.json",
         .operation = "get_openapi",
         .tag = "server",
         .summary = "Read this document",
         .needs = need::open,
         .answers = {{200, "openapi", "It"}},
         .handle = get_openapi},
    };
}

} // namespace potoo::server
