#include "engine/server/metrics/metrics.hpp"

#include "engine/host/host_ports.hpp"
#include "engine/server/metrics/prometheus_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

namespace potoo::server {
namespace {

using namespace std::chrono_literals;

/// Longer than any call of a backend may take by itself.
constexpr duration longest_call = 5min;
constexpr auto longest_commit = 60s;
constexpr auto longest_turn = 10s;

constexpr std::array<schedule::task_state, schedule::task_state_count> all_task_states()
{
    std::array<schedule::task_state, schedule::task_state_count> states{};
    for (std::size_t i = 0; i < states.size(); ++i)
        states[i] = static_cast<schedule::task_state>(i);
    return states;
}

double seconds(steady_clock::duration d)
{
    return std::chrono::duration<double>(d).count();
}

std::int64_t whole_ms(steady_clock::duration d)
{
    return std::chrono::floor<std::chrono::milliseconds>(d).count();
}

double of(const timeval& t)
{
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
}

/// Several watchers of one name are one backend over several connections.
std::map<std::string, watcher_report> by_name(std::vector<watcher_report> reports)
{
    std::map<std::string, watcher_report> sums;
    for (const watcher_report& r : reports) {
        watcher_report& sum = sums[r.name];
        sum.calls += r.calls;
        sum.looks += r.looks;
        sum.failures += r.failures;
        sum.throttled += r.throttled;
        sum.waiting += r.waiting;
        sum.under_way += r.under_way;
        sum.allowed += r.allowed;
        sum.paused_for = std::max(sum.paused_for, r.paused_for);
        sum.stuck_for = std::max(sum.stuck_for, r.stuck_for);
    }
    return sums;
}

json::object to_json(const watcher_report& r)
{
    json::object o;
    o["name"] = r.name;
    o["waiting"] = r.waiting;
    o["calls"] = r.calls;
    o["failures"] = r.failures;
    o["under_way"] = r.under_way;
    o["paused_ms"] = r.paused_for.count();
    o["stuck_ms"] = r.stuck_for.count();
    return o;
}

} // namespace

metrics::metrics(host::engine_host& engine, run_carrier& runs, std::string version)
    : engine_(engine), version_(std::move(version)), probe_(engine.loop())
{
    runs.listen([this](const run_notice& n) {
        if (n.what == run_notice::kind::ended && !n.detached)
            ++ended_.at(static_cast<std::size_t>(n.state));
    });
}

void metrics::collect(metric_sink& sink) const
{
    collect_process(sink);
    collect_loop(sink);
    collect_runs(sink);
    collect_pools(sink);
    collect_backends(sink);
    collect_web(sink);
    for (const auto& source : sources_)
        source(sink);
}

std::string metrics::prometheus() const
{
    prometheus_text text;
    collect(text);
    return text.take();
}

void metrics::collect_process(metric_sink& sink) const
{
    sink.family("potoo_build_info", metric_kind::gauge, "1, with the version of the program.");
    sink.value({{"version", version_}}, 1);
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    sink.only("process_cpu_seconds_total", metric_kind::counter, "Time on processors, user and system.",
              of(usage.ru_utime) + of(usage.ru_stime));
    if (const auto memory = host::memory_of_the_process().resident(); memory > 0)
        sink.only("process_resident_memory_bytes", metric_kind::gauge, "Resident memory.", static_cast<double>(memory));
}

void metrics::collect_loop(metric_sink& sink) const
{
    sink.family("potoo_wakeup_lateness_seconds", metric_kind::histogram,
                "How late the loop wakes who waits for a time.");
    sink.histogram({}, probe_.lateness());
    sink.only("potoo_loop_stalls_total", metric_kind::counter, "Times that the loop was held up for more than 100 ms.",
              static_cast<double>(probe_.stalls()));
}

void metrics::collect_runs(metric_sink& sink) const
{
    const host::engine_figures figures = engine_.figures();
    sink.only("potoo_runs_active", metric_kind::gauge, "Runs under way.", static_cast<double>(figures.runs));
    sink.family("potoo_runs_ended_total", metric_kind::counter, "Runs that have ended, by state.");
    for (std::size_t s = 0; s < ended_.size(); ++s) {
        const auto state = static_cast<schedule::run_state>(s);
        if (is_terminal(state))
            sink.value({{"state", std::string(to_string(state))}}, static_cast<double>(ended_[s]));
    }
    sink.family("potoo_tasks", metric_kind::gauge, "Tasks and items of the runs under way, by state.");
    for (const schedule::task_state s : all_task_states())
        sink.value({{"state", std::string(to_string(s))}}, figures.items[s]);
    sink.family("potoo_journal_commit_seconds", metric_kind::histogram,
                "From an entry's being handed to the journal until it is known to be durable; samples.");
    sink.histogram({}, figures.commits);
    sink.only("potoo_journal_waiting_seconds", metric_kind::gauge, "How long the oldest sample has not been durable.",
              seconds(figures.commit_waiting));
}

void metrics::collect_pools(metric_sink& sink) const
{
    const std::vector<host::pool_state> pools = engine_.pools();
    const auto family = [&](std::string_view name, std::string_view help, std::uint32_t host::pool_state::* number) {
        sink.family(name, metric_kind::gauge, help);
        for (const host::pool_state& p : pools)
            sink.value({{"pool", p.name}}, p.*number);
    };
    family("potoo_pool_slots", "Slots of a pool.", &host::pool_state::slots);
    family("potoo_pool_used", "Slots of a pool that are taken.", &host::pool_state::used);
    family("potoo_pool_waiting", "Attempts that nothing but the pool holds back.", &host::pool_state::waiting);
}

void metrics::collect_backends(metric_sink& sink) const
{
    const auto backends = by_name(watcher_reports(engine_.loop()));
    const auto family = [&](std::string_view name, metric_kind kind, std::string_view help, auto number) {
        sink.family(name, kind, help);
        for (const auto& [backend, report] : backends)
            sink.value({{"backend", backend}}, static_cast<double>(number(report)));
    };
    using report = watcher_report;
    family("potoo_backend_calls_total", metric_kind::counter, "Calls that ask about jobs.",
           [](const report& r) { return r.calls; });
    family("potoo_backend_jobs_asked_total", metric_kind::counter, "Jobs that such calls asked about.",
           [](const report& r) { return r.looks; });
    family("potoo_backend_call_failures_total", metric_kind::counter, "Such calls that failed.",
           [](const report& r) { return r.failures; });
    family("potoo_backend_throttled_total", metric_kind::counter, "Times that the backend asked for fewer calls.",
           [](const report& r) { return r.throttled; });
    family("potoo_backend_jobs_waiting", metric_kind::gauge, "Jobs that attempts wait for.",
           [](const report& r) { return r.waiting; });
    family("potoo_backend_calls_under_way", metric_kind::gauge, "Calls under way.",
           [](const report& r) { return r.under_way; });
    family("potoo_backend_calls_allowed", metric_kind::gauge, "Calls that may be made at once.",
           [](const report& r) { return r.allowed; });
    family("potoo_backend_stuck_seconds", metric_kind::gauge, "How long calls have been under way with none ending.",
           [](const report& r) { return seconds(r.stuck_for); });
}

void metrics::collect_web(metric_sink& sink) const
{
    if (!web_)
        return;
    const web::server_stats s = web_->stats();
    const auto counter = [&](std::string_view name, std::string_view help, std::uint64_t v) {
        sink.only(name, metric_kind::counter, help, static_cast<double>(v));
    };
    counter("potoo_http_connections_total", "Connections accepted.", s.accepted);
    counter("potoo_http_connections_refused_total", "Connections turned away since too many were open.", s.refused);
    counter("potoo_http_requests_total", "Requests that were understood.", s.requests);
    counter("potoo_http_malformed_total", "Requests refused as malformed, too large or too slow.", s.malformed);
    sink.family("potoo_http_responses_total", metric_kind::counter, "Answers, by class of status.");
    for (std::size_t c = 1; c < s.replies.size(); ++c)
        sink.value({{"class", fmt::format("{}xx", c)}}, static_cast<double>(s.replies[c]));
    sink.only("potoo_http_connections", metric_kind::gauge, "Connections open.", static_cast<double>(s.open));
    sink.only("potoo_http_websockets", metric_kind::gauge, "WebSockets among them.", static_cast<double>(s.websockets));
}

health_report metrics::health() const
{
    health_report out;
    const auto problem = [&](std::string text) { out.problems.push_back(std::move(text)); };
    const host::engine_figures figures = engine_.figures();
    if (probe_.overdue() > longest_turn)
        problem(fmt::format("the loop has not come to its timers for {}",
                            format_duration(std::chrono::floor<duration>(probe_.overdue()))));
    if (figures.journal_broken)
        problem("the journal cannot be written any more");
    else if (figures.commit_waiting > longest_commit)
        problem(fmt::format("the journal has not become durable for {}",
                            format_duration(std::chrono::floor<duration>(figures.commit_waiting))));
    json::array watchers;
    for (const watcher_report& r : watcher_reports(engine_.loop())) {
        if (r.stuck_for > longest_call)
            problem(fmt::format("no call to {} has ended for {}, with {} jobs to be watched", r.name,
                                format_duration(r.stuck_for), r.waiting));
        watchers.push_back(to_json(r));
    }
    json::object loop;
    loop["longest_lateness_ms"] = whole_ms(probe_.lateness().longest());
    loop["stalls"] = probe_.stalls();
    json::object journal;
    journal["waiting_ms"] = whole_ms(figures.commit_waiting);
    out.details["status"] = out.good() ? "good" : "stuck";
    out.details["problems"] = json::value_from(out.problems);
    out.details["loop"] = std::move(loop);
    out.details["journal"] = std::move(journal);
    out.details["watchers"] = std::move(watchers);
    return out;
}

} // namespace potoo::server
