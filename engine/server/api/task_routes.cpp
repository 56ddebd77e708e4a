#include "engine/server/api/call.hpp"
#include "engine/server/api/route_groups.hpp"
#include "engine/server/api/run_start.hpp"
#include "engine/server/tasks/task_service.hpp"

#include <array>
#include <utility>

namespace potoo::server {
namespace {

constexpr std::array<std::string_view, 7> task_states{"running",   "cancelling", "success", "failed",
                                                      "timed_out", "cancelled",  "queued"};

task_service& submitted(const call& c)
{
    return served(c.services().tasks, "ad-hoc tasks");
}

json::object task_document(const call& c, const std::string& id)
{
    json::object out = to_json(submitted(c).find(c.who, id));
    const task_runs::result result = submitted(c).result_of(c.who, id);
    if (!result.output.is_null())
        out["output"] = result.output;
    if (!result.error.is_null())
        out["error"] = result.error;
    return out;
}

task<web::reply> submit_task(call& c)
{
    refuse_idempotency_key(c, "The `key` of the body makes several requests one task, as long as it is active.");
    task_request wish = parse_task_request(c.body);
    const submitted_task made = co_await submitted(c).submit(c.who, std::move(wish));
    web::reply r = json_reply(made.created ? 201 : 200, task_document(c, made.id));
    r.fields.emplace_back("Location", c.state.public_url + "/api/v1/tasks/" + made.id);
    co_return r;
}

/// @throws problem (400) when the cursor is none
task_page page_of(const call& c, const task_filter& f)
{
    try {
        return submitted(c).list(c.who, f);
    } catch (const task_refused& e) {
        if (e.why() == task_refused::kind::invalid)
            throw bad_cursor();
        throw;
    }
}

task<web::reply> list_tasks(call& c)
{
    const auto text = [&](std::string_view name) {
        const std::string* given = c.text(name);
        return given ? *given : std::string();
    };
    task_filter f;
    if (c.text("active"))
        f.active = c.flag("active");
    f.state = text("state");
    f.key = text("key");
    f.name = text("name");
    f.owner = text("owner");
    f.cursor = text("cursor");
    f.limit = c.limit();
    const task_page page = page_of(c, f);
    json::array items;
    for (const task_view& v : page.tasks)
        items.push_back(to_json(v));
    co_return list_reply(std::move(items), page.next);
}

task<web::reply> get_task(call& c)
{
    co_return json_reply(200, task_document(c, c.in_path("id")));
}

std::string_view word_for(task_cancellation what)
{
    switch (what) {
    case task_cancellation::cancelling:
        return "cancelling";
    case task_cancellation::unsubscribed:
        return "unsubscribed";
    case task_cancellation::repeated:
        return "repeated";
    case task_cancellation::ended:
        break;
    }
    return "ended";
}

task<web::reply> cancel_task(call& c)
{
    const json::value* force = c.member("force");
    const bool forced = force && force->as_bool();
    const task_cancellation what = co_await submitted(c).cancel(c.who, c.in_path("id"), forced);
    json::object out{{"result", json::string(word_for(what))}, {"id", c.in_path("id")}};
    co_return json_reply(what == task_cancellation::cancelling ? 202 : 200, out);
}

const parameter task_parameter{.name = "id", .about = "Id of the task, which is that of its run, too."};

} // namespace

std::vector<route> task_routes()
{
    const parameter state{
        .name = "state", .about = "Only tasks in this state.", .kind = value_kind::word, .words = task_states};
    return {
        {.method = "POST",
         .path = "/api/v1/tasks",
         .operation = "submit_task",
         .tag = "ad-hoc tasks",
         .summary = "Have one task done",
         .about =
             "While a task of the same `key` is active, this gives that one (200) and subscribes the caller to it. The "
             "`scope` says whose keys they are: `private` the caller's, `shared` everybody's, `system` everybody's, "
             "for admins to begin.",
         .needs = need::act,
         .body = "task_wish",
         .body_required = true,
         .answers = {{201, "submitted_task", "It has begun"},
                     {200, "submitted_task", "There is one; the caller has joined it"}},
         .problems = {409, 422},
         .handle = submit_task},
        {.method = "GET",
         .path = "/api/v1/tasks",
         .operation = "list_tasks",
         .tag = "ad-hoc tasks",
         .summary = "List submitted tasks",
         .about = "Newest first; those that the caller owns, has subscribed to, or may see.",
         .in_query = {{.name = "active",
                       .about = "Only those that have not ended (`true`), or that have.",
                       .kind = value_kind::flag},
                      state,
                      {.name = "key", .about = "Only those with this key."},
                      {.name = "name", .about = "Only those with this name."},
                      {.name = "owner", .about = "Only those of this owner."},
                      limit_parameter(),
                      cursor_parameter()},
         .answers = {{200, "submitted_task_list", "A page of tasks"}},
         .handle = list_tasks},
        {.method = "GET",
         .path = "/api/v1/tasks/{id}",
         .operation = "get_task",
         .tag = "ad-hoc tasks",
         .summary = "Look at a submitted task",
         .about = "With its progress, its public properties, and its output or error once it has ended.",
         .in_path = {task_parameter},
         .answers = {{200, "submitted_task", "The task"}},
         .handle = get_task},
        {.method = "POST",
         .path = "/api/v1/tasks/{id}/cancel",
         .operation = "cancel_task",
         .tag = "ad-hoc tasks",
         .summary = "Want a task no longer",
         .about = "Unsubscribes the caller. When nobody is left, or an admin says `force`, the work is cancelled.",
         .needs = need::act,
         .in_path = {task_parameter},
         .body = "task_cancel_wish",
         .answers = {{202, "task_cancellation", "The work is told to stop"},
                     {200, "task_cancellation", "Others want it still, or it had ended, or was told to stop before"}},
         .problems = {409, 422},
         .handle = cancel_task},
    };
}

} // namespace potoo::server
