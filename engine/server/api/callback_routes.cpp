#include "engine/server/api/call.hpp"
#include "engine/server/api/route_groups.hpp"
#include "engine/server/tasks/callback_service.hpp"

#include <utility>

namespace potoo::server {
namespace {

callback_service& callbacks(const call& c)
{
    return served(c.services().callbacks, "callbacks");
}

json::object outcome_json(const host::request_result& r)
{
    return {{"result", json::string(to_string(r.what))}, {"run", r.run.value()}, {"carried", r.carried}};
}

task<web::reply> complete_callback(call& c)
{
    callback_message said = parse_callback_message(c.body);
    c.audited.left_out = said.state == callback_message::state_kind::running;
    const auto result = co_await callbacks(c).deliver(c.in_path("token"), std::move(said));
    static_cast<void>(request_reply(result));
    c.audited.target = "/api/v1/runs/" + result.run.value();
    co_return json_reply(200, outcome_json(result));
}

task<web::reply> list_approvals(call& c)
{
    json::array items;
    for (const host::waiting_callback& w : callbacks(c).approvals(c.who))
        items.push_back(approval_document(w));
    co_return list_reply(std::move(items), {});
}

task<web::reply> decide_approval(call& c)
{
    approval_decision d;
    d.run = c.text_member("run");
    d.task = c.text_member("task");
    if (const json::value* item = c.member("item"))
        d.item = item_index(item->to_number<std::uint32_t>());
    d.approved = c.member("approved")->as_bool();
    d.comment = c.text_member("comment");
    const auto result = co_await callbacks(c).decide(c.who, std::move(d));
    static_cast<void>(request_reply(result));
    co_return json_reply(200, outcome_json(result));
}

} // namespace

std::vector<route> callback_routes()
{
    return {
        {.method = "POST",
         .path = "/api/v1/callbacks/{token}",
         .operation = "complete_callback",
         .tag = "callbacks",
         .summary = "Deliver what an attempt waits for",
         .about =
             "The token in the path is the permission. The same delivery, sent again, changes nothing; `running` is a "
             "sign of life and may tell how far the work is.",
         .needs = need::open,
         .in_path = {{.name = "token", .about = "Of the callback, as its operator handed it out."}},
         .body = "callback_wish",
         .body_required = true,
         .answers = {{200, "request_outcome", "It is in the journal, or was before"}},
         .problems = {409, 422},
         .handle = complete_callback},
        {.method = "GET",
         .path = "/api/v1/approvals",
         .operation = "list_approvals",
         .tag = "callbacks",
         .summary = "List what waits for somebody's approval",
         .about = "Users see those of their runs, and those that name them.",
         .answers = {{200, "approval_list", "All of them"}},
         .handle = list_approvals},
        {.method = "POST",
         .path = "/api/v1/approvals",
         .operation = "decide_approval",
         .tag = "callbacks",
         .summary = "Approve, or refuse to",
         .needs = need::act,
         .body = "approval_wish",
         .body_required = true,
         .answers = {{200, "request_outcome", "It is in the journal, or was before"}},
         .problems = {404, 409, 422},
         .handle = decide_approval},
    };
}

} // namespace potoo::server
