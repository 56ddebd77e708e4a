#include "engine/graph/spelling.hpp"
#include "engine/host/journal_requests.hpp"
#include "engine/host/run_difference.hpp"
#include "engine/host/run_json.hpp"
#include "engine/server/api/call.hpp"
#include "engine/server/api/route_groups.hpp"
#include "engine/server/api/run_document.hpp"
#include "engine/server/tasks/task_service.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <functional>
#include <memory>
#include <stdexcept>
#include <utility>

namespace potoo::server {
namespace {

constexpr std::array<std::string_view, 7> run_states{"queued", "running",   "paused",   "success",
                                                     "failed", "timed_out", "cancelled"};

constexpr std::array states_by_word{journal::recorded_state::queued,   journal::recorded_state::running,
                                    journal::recorded_state::paused,   journal::recorded_state::success,
                                    journal::recorded_state::failed,   journal::recorded_state::timed_out,
                                    journal::recorded_state::cancelled};

journal::run_filter filter_of(const call& c)
{
    journal::run_filter f;
    const auto text = [&](std::string_view name) {
        const std::string* given = c.text(name);
        return given ? *given : std::string();
    };
    f.dag_name = text("dag");
    f.id_prefix = text("id");
    f.origin_by = text("by");
    f.origin_key = text("key");
    f.unfinished = c.flag("unfinished");
    f.created_after = c.instant("since");
    f.created_before = c.instant("until");
    if (const std::string* state = c.text("state"))
        f.state = states_by_word[static_cast<std::size_t>(std::find(run_states.begin(), run_states.end(), *state) -
                                                          run_states.begin())];
    if (const auto before = cursor_number(c))
        f.before = journal::run_number(static_cast<std::uint32_t>(*before));
    f.limit = c.limit() + 1;
    f.origin_who = c.who.may == role::user ? c.who.name : text("who");
    return f;
}

task<web::reply> list_runs(call& c)
{
    std::function<std::vector<journal::run_row>(journal::reader&)> look =
        [filter = filter_of(c)](journal::reader& journal) { return journal.runs(filter); };
    auto rows = co_await c.state.desk.look(std::move(look));
    std::string next;
    if (rows.size() > c.limit()) {
        rows.pop_back();
        next = std::to_string(rows.back().number.value());
    }
    json::array items;
    for (const journal::run_row& r : rows)
        items.push_back(host::run_json(r));
    co_return list_reply(std::move(items), next);
}

task<web::reply> get_run(call& c)
{
    const json::object found = co_await run_document(c, c.run());
    co_return json_reply(200, found);
}

bool is_ad_hoc(const journal::run_row& run)
{
    return runtime::parse_run_origin(run.origin).by == "task";
}

problem wanted_by_others(const run_id& id)
{
    return {409, "conflict",
            fmt::format("Others want this task, too: to its run only an admin does that. `potoo tasks {} --cancel` "
                        "(POST tasks/{}/cancel) takes your own subscription back.",
                        id.value(), id.value())};
}

/// @throws problem (409) when it is of an ad-hoc task that is not the asker's alone
void check_is_own(const call& c, const journal::run_row& run)
{
    const task_service* tasks = c.services().tasks;
    if (tasks && is_ad_hoc(run) && !c.who.is_admin() && tasks->is_wanted_by_others(c.who, run.id.value()))
        throw wanted_by_others(run.id);
}

/// As by the route of the task, so that it is known there.
task<web::reply> cancel_ad_hoc(call& c, run_id run)
{
    using kind = host::request_result::kind;
    const auto what = co_await c.services().tasks->cancel(c.who, run.value(), c.who.is_admin());
    switch (what) {
    case task_cancellation::cancelling:
        co_return request_reply({kind::accepted, run, {}, {}, true});
    case task_cancellation::repeated:
        co_return request_reply({kind::repeated, run, {}, {}, true});
    case task_cancellation::ended:
        co_return request_reply({kind::ended, run, {}, "run " + run.value() + " has ended already"});
    case task_cancellation::unsubscribed:
        break;
    }
    throw wanted_by_others(run);
}

task<web::reply> delete_run(call& c)
{
    const journal::run_row run = c.run();
    check_is_own(c, run);
    const std::string id = run.id.value();
    const auto result = co_await c.services().engine.remove_on_request(id);
    static_cast<void>(request_reply(result));
    web::reply r;
    r.status = 204;
    co_return r;
}

std::vector<std::string> names_in(const call& c, std::string_view member)
{
    std::vector<std::string> names;
    if (const json::value* list = c.member(member))
        for (const json::value& name : list->as_array())
            names.emplace_back(name.as_string());
    return names;
}

/// The tasks that the body names. @throws problem (422) when the run has no such task
std::vector<std::string> tasks_in(const call& c, const journal::run_row& run)
{
    auto names = names_in(c, "tasks");
    c.check_tasks(run, names);
    return names;
}

task<web::reply> cancel_run(call& c)
{
    const journal::run_row run = c.run();
    check_is_own(c, run);
    auto tasks = tasks_in(c, run);
    if (c.services().tasks && is_ad_hoc(run) && c.services().tasks->knows(run.id.value())) {
        auto reply = co_await cancel_ad_hoc(c, run.id);
        co_return reply;
    }
    const auto result = co_await c.services().engine.cancel_on_request(run.id.value(), std::move(tasks));
    co_return request_reply(result);
}

task<web::reply> pause_run(call& c)
{
    const journal::run_row run = c.run();
    check_is_own(c, run);
    const std::string id = run.id.value();
    const auto result = co_await c.services().engine.pause_on_request(id);
    co_return request_reply(result);
}

task<web::reply> resume_run(call& c)
{
    const std::string id = c.run().id.value();
    const auto result = co_await c.services().engine.unpause_on_request(id);
    co_return request_reply(result);
}

bool flag_in(const call& c, std::string_view member)
{
    const json::value* v = c.member(member);
    return v && v->as_bool();
}

task<web::reply> retry_run(call& c)
{
    const journal::run_row run = c.run();
    host::retry_wish wish;
    wish.tasks = tasks_in(c, run);
    wish.downstream = flag_in(c, "downstream");
    wish.failed_only = flag_in(c, "failed_only");
    const auto result = co_await c.services().engine.retry_on_request(run.id.value(), std::move(wish));
    co_return request_reply(result);
}

task<web::reply> diff_runs(call& c)
{
    const journal::run_row before = c.run();
    const journal::run_row after = c.run_of(c.in_path("other"));
    std::function<json::object(journal::reader&, const std::atomic<bool>&)> compare =
        [before, after](journal::reader& journal, const std::atomic<bool>& stop) {
            return host::run_difference(journal, before, after, &stop);
        };
    const auto found = co_await c.state.desk.look_long(std::move(compare));
    co_return json_reply(200, found);
}

/// How many are in each state.
json::object states_of(const std::vector<journal::task_row>& tasks)
{
    json::object counts;
    for (const journal::task_row& t : tasks) {
        const std::string_view state = to_string(t.state);
        json::value& n = counts[json::string_view(state.data(), state.size())];
        n = n.is_null() ? 1 : n.as_int64() + 1;
    }
    return counts;
}

bool has_records_after(journal::reader& journal, journal::run_number run, journal::record_seq last)
{
    bool any = false;
    journal.records(run, journal::record_seq(last.value() + 1), [&](journal::record_seq, const journal::record&) {
        any = true;
        return false;
    });
    return any;
}

/// @param before what was known; null when nothing was
std::shared_ptr<const known_run> look_again(journal::reader& journal, journal::run_number run,
                                            const std::shared_ptr<const known_run>& before)
{
    if (before && !has_records_after(journal, run, before->up_to))
        return before;
    auto now = std::make_shared<known_run>();
    // First: what is written meanwhile is looked at again.
    now->up_to = journal.last_seq();
    now->cancelling = host::cancellation_of(journal, run).run;
    now->tasks = states_of(journal.tasks(run));
    return now;
}

const parameter run_parameter{.name = "run", .about = "Id of the run."};

std::vector<parameter> list_parameters()
{
    return {
        {.name = "dag", .about = "Only runs of this DAG."},
        {.name = "state", .about = "Only runs in this state.", .kind = value_kind::word, .words = run_states},
        {.name = "unfinished", .about = "Only runs that have not ended.", .kind = value_kind::flag},
        {.name = "since", .about = "Only runs created then or later.", .kind = value_kind::instant},
        {.name = "until", .about = "Only runs created before.", .kind = value_kind::instant},
        {.name = "by", .about = "Only runs that this began: `api`, `cli`, `schedule`, `trigger`, `replay`, `task`."},
        {.name = "who", .about = "Only runs of the token with this name. Users see their own in any case."},
        {.name = "key", .about = "Only the run that was asked for with this key."},
        {.name = "id", .about = "Only runs whose id begins so."},
        limit_parameter(),
        cursor_parameter(),
    };
}

route request_route(std::string_view path, std::string_view operation, std::string_view summary, std::string_view about,
                    std::string_view body, task<web::reply> (*handle)(call&))
{
    return {.method = "POST",
            .path = path,
            .operation = operation,
            .tag = "runs",
            .summary = summary,
            .about = about,
            .needs = need::act,
            .in_path = {run_parameter},
            .body = body,
            .answers = {{202, "request_outcome", "It is in the journal, and will be done"},
                        {200, "request_outcome", "It was asked for before"}},
            .problems = {409, 422},
            .handle = handle};
}

} // namespace

task<json::object> run_document(call& c, journal::run_row run)
{
    const auto place = c.state.known.of(run.number);
    co_await place->turn.acquire();
    const slot_guard held(place->turn);
    using found_run = std::pair<std::shared_ptr<const known_run>, json::object>;
    std::function<found_run(journal::reader&)> look = [run = std::move(run),
                                                       before = place->last](journal::reader& journal) {
        auto known = look_again(journal, run.number, before);
        json::object out = host::run_json(run);
        if (!run.ended && known->cancelling)
            out["state"] = "cancelling";
        out["tasks"] = known->tasks;
        out["unconfirmed"] = host::unconfirmed_json(journal, run.number);
        return found_run(std::move(known), std::move(out));
    };
    auto found = co_await c.state.desk.look(std::move(look));
    place->last = std::move(found.first);
    co_return std::move(found.second);
}

std::vector<route> run_routes()
{
    return {
        {.method = "GET",
         .path = "/api/v1/runs",
         .operation = "list_runs",
         .tag = "runs",
         .summary = "List runs",
         .about = "Newest first. Users see their own.",
         .in_query = list_parameters(),
         .answers = {{200, "run_list", "A page of runs"}},
         .handle = list_runs},
        {.method = "GET",
         .path = "/api/v1/runs/{run}",
         .operation = "get_run",
         .tag = "runs",
         .summary = "Look at a run",
         .in_path = {run_parameter},
         .answers = {{200, "run", "The run, with the number of its tasks in each state"}},
         .handle = get_run},
        {.method = "DELETE",
         .path = "/api/v1/runs/{run}",
         .operation = "delete_run",
         .tag = "runs",
         .summary = "Remove a run that has ended, with its logs",
         .about = "One that has not ended, or may still have remote jobs, is refused.",
         .needs = need::act,
         .in_path = {run_parameter},
         .answers = {{204, "", "It is gone"}},
         .problems = {409, 422},
         .handle = delete_run},
        request_route("/api/v1/runs/{run}/cancel", "cancel_run", "Cancel a run, or some of its tasks",
                      "The run has ended once its remote jobs are known to have; its state tells.", "cancel_wish",
                      cancel_run),
        request_route("/api/v1/runs/{run}/pause", "pause_run", "Start no more attempts of a run",
                      "Those under way go on, and so does the run's deadline.", "", pause_run),
        request_route("/api/v1/runs/{run}/resume", "resume_run", "Let a paused run go on", "", "", resume_run),
        request_route(
            "/api/v1/runs/{run}/retry", "retry_run", "Let tasks that have ended run once more",
            "Without `tasks`: all that did not end well. Attempts are numbered on; nothing is launched twice. A "
            "run that had ended goes on.",
            "retry_wish", retry_run),
        {.method = "GET",
         .path = "/api/v1/runs/{run}/diff/{other}",
         .operation = "diff_runs",
         .tag = "runs",
         .summary = "Compare two runs",
         .about =
             "What changed from the first to the second: the DAG, the parameters, and of each task its definition, "
             "its rendered input, its outcome and how long it took.",
         .in_path = {run_parameter, {.name = "other", .about = "Id of the run to compare with."}},
         .answers = {{200, "run_difference", "What differs"}},
         .handle = diff_runs},
    };
}

} // namespace potoo::server
