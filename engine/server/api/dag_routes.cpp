#include "engine/graph/params.hpp"
#include "engine/graph/spelling.hpp"
#include "engine/server/api/call.hpp"
#include "engine/server/api/route_groups.hpp"
#include "engine/server/api/run_start.hpp"
#include "engine/server/dags/dag_catalog.hpp"
#include "engine/server/schedules/schedule_keeper.hpp"

#include <potoo/utf8.hpp>

#include <fmt/format.h>

#include <algorithm>

namespace potoo::server {
namespace {

dag_catalog& catalog(const call& c)
{
    return served(c.services().dags, "folder of DAGs");
}

const dag_catalog::entry& entry_of(const call& c)
{
    const std::string& name = c.in_path("dag");
    dag_catalog& dags = catalog(c);
    if (const auto* found = dags.find(name))
        return *found;
    std::vector<std::string_view> names;
    const auto entries = dags.list();
    for (const auto* e : entries)
        names.push_back(e->name);
    const auto nearest = graph::nearest_spelling(name, names);
    throw problem(
        404, "dag-unknown",
        fmt::format("There is no DAG '{}' in the server's folder{}", name,
                    nearest.empty() ? "; GET /api/v1/dags lists them." : fmt::format("; did you mean {}?", nearest)));
}

json::value text_or_null(const std::string& text)
{
    return text.empty() ? json::value() : json::value(json::string(text));
}

json::object dag_json(const call& c, const dag_catalog::entry& e)
{
    json::object out{
        {"name", valid_utf8(e.name)},
        {"file", valid_utf8(e.file)},
        {"description", e.dag ? text_or_null(e.dag->description) : json::value()},
        {"hash", e.dag ? json::value(json::string(fmt::format("{:016x}", e.hash))) : json::value()},
        {"problems", text_or_null(e.problems)},
        {"loaded", json::string(format_time(e.loaded))},
        {"paused", e.paused},
        {"generated", e.generated},
        {"schedule", e.dag && e.dag->schedule ? text_or_null(e.dag->schedule->expression) : json::value()}};
    // Of a file without a good version the name may be another file's.
    const auto* schedules = e.dag ? c.services().schedules : nullptr;
    const auto next = schedules ? schedules->next_due(e.name) : std::nullopt;
    out["next_run"] = next ? json::value(json::string(format_time(*next))) : json::value();
    out["schedule_problem"] = schedules ? text_or_null(schedules->problem_of(e.name)) : json::value();
    out["active_runs"] = c.services().runs.active_of(e.name);
    return out;
}

json::object task_spec_json(const graph::dag& d, const graph::task_spec& t)
{
    json::array upstream;
    for (const task_index u : t.upstream)
        upstream.emplace_back(d[u].name);
    return {{"name", t.name},
            {"operator", t.operator_name},
            {"description", text_or_null(t.description)},
            {"depends_on", std::move(upstream)},
            {"foreach", t.foreach.has_value()},
            {"pool", t.pool ? json::value(json::string(d.pools[t.pool->value()].name)) : json::value()}};
}

task<web::reply> list_dags(call& c)
{
    const std::string* cursor = c.text("cursor");
    json::array items;
    std::string next;
    std::string last;
    for (const auto* e : catalog(c).list()) {
        // Two files may claim one name; the file tells them apart.
        const std::string place = valid_utf8(e->name + '/' + e->file);
        if (cursor && place <= *cursor)
            continue;
        if (items.size() == c.limit()) {
            next = last;
            break;
        }
        items.push_back(dag_json(c, *e));
        last = place;
    }
    co_return list_reply(std::move(items), next);
}

task<web::reply> get_dag(call& c)
{
    const dag_catalog::entry& e = entry_of(c);
    json::object out = dag_json(c, e);
    json::array tasks;
    if (e.dag)
        for (const graph::task_spec& t : e.dag->tasks)
            tasks.push_back(task_spec_json(*e.dag, t));
    out["tasks"] = std::move(tasks);
    out["params"] = e.dag ? e.dag->params_schema : json::object();
    co_return json_reply(200, out);
}

task<web::reply> get_dag_source(call& c)
{
    const dag_catalog::entry& e = entry_of(c);
    if (!e.dag)
        throw problem(409, "dag-broken",
                      fmt::format("The DAG {} has never been read without errors:\n{}", e.name, e.problems));
    web::reply r;
    r.fields.emplace_back("Content-Type", "text/plain; charset=utf-8");
    r.body = e.dag->source;
    co_return r;
}

task<web::reply> set_paused(call& c, bool paused)
{
    const std::string name = entry_of(c).name;
    co_await catalog(c).set_paused(name, paused);
    co_return json_reply(200, dag_json(c, entry_of(c)));
}

task<web::reply> pause_dag(call& c)
{
    return set_paused(c, true);
}

task<web::reply> resume_dag(call& c)
{
    return set_paused(c, false);
}

json::object checked_params(const graph::dag& d, const json::value* given)
{
    const json::object none;
    const json::object& values = given ? given->get_object() : none;
    // Each that is not known is looked for among those that are.
    if (values.size() > d.params_schema.size() + most_flaws)
        throw problem(422, "params-invalid",
                      fmt::format("There are {} parameters; the DAG {} takes at most {}.", values.size(), d.name,
                                  d.params_schema.size()));
    graph::params_result checked = graph::check_params(d, values);
    if (checked.problems.empty())
        return std::move(checked.values);
    std::vector<flaw> flaws;
    for (graph::param_problem& p : checked.problems)
        flaws.push_back({"/params/" + p.name, std::move(p.message), std::move(p.suggestion)});
    throw problem(422, "params-invalid",
                  fmt::format("The parameters are not what the DAG {} takes; `errors` says what is wrong.", d.name),
                  std::move(flaws));
}

task<web::reply> start_run(call& c)
{
    const dag_catalog::entry& e = entry_of(c);
    if (!e.dag)
        throw problem(409, "dag-broken",
                      fmt::format("The DAG {} cannot be run before its file is mended:\n{}", e.name, e.problems));
    run_beginning b;
    b.wish.dag = e.dag;
    b.wish.params = checked_params(*e.dag, c.member("params"));
    b.wish.origin.by = "api";
    b.wish.origin.who = c.who.name;
    b.wish.origin.name = c.text_member("name");
    b.given = c.body;
    b.key = idempotency_key(c);
    auto answer = co_await begin_run(c, std::move(b));
    co_return answer;
}

const parameter dag_parameter{.name = "dag", .about = "Name of the DAG."};

} // namespace

std::vector<route> dag_routes()
{
    return {
        {.method = "GET",
         .path = "/api/v1/dags",
         .operation = "list_dags",
         .tag = "dags",
         .summary = "List the DAGs of the server's folder",
         .about =
             "By name. A file that cannot be read shows its `problems`; its last good version counts for new runs.",
         .in_query = {limit_parameter(), cursor_parameter()},
         .answers = {{200, "dag_list", "A page of DAGs"}},
         .handle = list_dags},
        {.method = "GET",
         .path = "/api/v1/dags/{dag}",
         .operation = "get_dag",
         .tag = "dags",
         .summary = "Look at a DAG",
         .about = "With its tasks, and the JSON Schema of each of its parameters.",
         .in_path = {dag_parameter},
         .answers = {{200, "dag_details", "The DAG"}},
         .handle = get_dag},
        {.method = "GET",
         .path = "/api/v1/dags/{dag}/source",
         .operation = "get_dag_source",
         .tag = "dags",
         .summary = "Read the text of a DAG",
         .about = "Of the version that counts for new runs.",
         .in_path = {dag_parameter},
         .answers = {{200, "", "The file, YAML or JSON", "text/plain"}},
         .problems = {409},
         .handle = get_dag_source},
        {.method = "POST",
         .path = "/api/v1/dags/{dag}/runs",
         .operation = "start_run",
         .tag = "dags",
         .summary = "Begin a run",
         .about =
             "With a key (`id` in the body, or the field `Idempotency-Key`) the same request, sent again, gives the "
             "same run, with the status 200. Keys belong to whoever uses them, and last as long as the run.\n\nA "
             "DAG that is paused begins no runs by itself; it begins this one.",
         .needs = need::act,
         .in_path = {dag_parameter},
         .body = "run_wish",
         .answers = {{201, "run", "It has begun, and is in the journal"},
                     {200, "run", "It was begun before, with that key"}},
         .problems = {409, 422},
         .handle = start_run},
        {.method = "POST",
         .path = "/api/v1/dags/{dag}/pause",
         .operation = "pause_dag",
         .tag = "dags",
         .summary = "Let a DAG begin no runs by itself",
         .about = "Neither by its schedule nor by its trigger. Runs under way go on.",
         .needs = need::admin,
         .in_path = {dag_parameter},
         .answers = {{200, "dag", "The DAG"}},
         .handle = pause_dag},
        {.method = "POST",
         .path = "/api/v1/dags/{dag}/resume",
         .operation = "resume_dag",
         .tag = "dags",
         .summary = "Let a paused DAG begin runs again",
         .about = "What its schedule missed meanwhile is handled as `catchup` says.",
         .needs = need::admin,
         .in_path = {dag_parameter},
         .answers = {{200, "dag", "The DAG"}},
         .handle = resume_dag},
    };
}

} // namespace potoo::server
