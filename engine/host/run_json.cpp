#include "engine/host/run_json.hpp"

#include "engine/runtime/attempt_result.hpp"

#include <map>
#include <utility>

namespace potoo::host {

namespace {

json::string_view sv(std::string_view text)
{
    return {text.data(), text.size()};
}

void put_times(json::object& out, const std::optional<wall_time>& started, const std::optional<wall_time>& ended)
{
    if (started)
        out["started"] = format_time(*started);
    if (ended)
        out["ended"] = format_time(*ended);
}

} // namespace

json::value recorded_json(const std::string& data)
{
    try {
        return runtime::parse_recorded(data);
    } catch (const boost::system::system_error&) {
        return sv(data);
    }
}

namespace {

void put_result(json::object& out, const std::string& output, const std::string& error)
{
    if (!output.empty())
        out["output"] = recorded_json(output);
    if (!error.empty())
        out["error"] = recorded_json(error);
}

} // namespace

json::object run_json(const journal::run_row& r)
{
    json::object out{{"run", r.id.value()},
                     {"dag", r.dag_name},
                     {"state", sv(to_string(r.state))},
                     {"params", recorded_json(r.params)},
                     {"created", format_time(r.created)}};
    put_times(out, r.started, r.ended);
    if (!r.origin.empty())
        out["origin"] = recorded_json(r.origin);
    return out;
}

json::object task_json(const journal::task_row& t)
{
    json::object out{{"task", t.name}, {"state", sv(to_string(t.state))}, {"items", t.items}};
    json::object counts;
    for (std::size_t s = 1; s < journal::recorded_state_count; ++s)
        if (t.counts[s] > 0)
            counts[sv(to_string(static_cast<journal::recorded_state>(s)))] = t.counts[s];
    out["counts"] = std::move(counts);
    out["attempts"] = t.attempts;
    put_times(out, t.started, t.ended);
    put_result(out, t.output, t.error);
    return out;
}

json::object item_json(const journal::item_row& i)
{
    json::object out{{"item", i.item.value()}, {"state", sv(to_string(i.state))}, {"attempts", i.attempts}};
    if (!i.key.empty())
        out["key"] = i.key;
    put_times(out, i.started, i.ended);
    put_result(out, i.output, i.error);
    return out;
}

json::object attempt_json(const journal::attempt_row& a)
{
    const bool interrupted = a.state == journal::recorded_state::none;
    json::object out{{"attempt", a.attempt.value()}, {"state", interrupted ? "interrupted" : sv(to_string(a.state))}};
    put_times(out, a.started, a.ended);
    if (a.deferred)
        out["deferred_since"] = format_time(*a.deferred);
    if (a.retry)
        out["retry_at"] = format_time(*a.retry);
    json::array jobs;
    for (const journal::launched_job& j : a.jobs)
        jobs.push_back(json::object{{"token", j.token}, {"job", recorded_json(j.job)}});
    if (!jobs.empty())
        out["jobs"] = std::move(jobs);
    put_result(out, a.output, a.error);
    return out;
}

json::array unconfirmed_json(journal::reader& journal, std::optional<journal::run_number> run)
{
    json::array out;
    const auto jobs = journal.unconfirmed(run);
    if (jobs.empty())
        return out;
    std::map<journal::run_number, std::pair<run_id, journal::dag_document>> dags;
    for (const journal::run_row& r : journal.runs({}))
        dags[r.number].first = r.id;
    for (const journal::unconfirmed_remote& j : jobs) {
        auto& [id, dag] = dags[j.run];
        if (dag.tasks.empty())
            dag = journal.dag_of(j.run);
        out.push_back(json::object{{"run", id.value()},
                                   {"task", dag.tasks.at(j.task.value())},
                                   {"item", j.item.value()},
                                   {"attempt", j.attempt.value()},
                                   {"token", j.token},
                                   {"why", recorded_json(j.why)}});
    }
    return out;
}

} // namespace potoo::host
