#include "engine/server/api/call.hpp"
#include "engine/server/api/route_groups.hpp"
#include "engine/server/api/run_start.hpp"
#include "engine/server/schedules/replays.hpp"
#include "engine/server/schedules/schedule_keeper.hpp"

#include <exception>
#include <utility>

namespace potoo::server {
namespace {

constexpr std::size_t plan_shown = 1'000;

json::value time_or_null(const std::optional<wall_time>& t)
{
    return t ? json::value(json::string(format_time(*t))) : json::value();
}

json::value text_or_null(const std::string& text)
{
    return text.empty() ? json::value() : json::value(json::string(text));
}

json::object schedule_json(const schedule_status& s)
{
    return {{"dag", s.dag},
            {"schedule", text_or_null(s.expression)},
            {"timezone", text_or_null(s.timezone)},
            {"after", json::value_from(s.after)},
            {"paused", s.paused},
            {"next", time_or_null(s.next)},
            {"last", time_or_null(s.last)},
            {"waiting", s.waiting},
            {"problem", text_or_null(s.problem)}};
}

json::object replay_json(const replay_row& r)
{
    return {{"id", r.id},
            {"dag", r.dag},
            {"from", json::string(format_time(r.from))},
            {"to", json::string(format_time(r.to))},
            {"parallel", r.parallel},
            {"who", r.who},
            {"created", json::string(format_time(r.created))},
            {"state", json::string(to_string(r.state))},
            {"runs", r.runs},
            {"begun", r.begun},
            {"active", r.active},
            {"succeeded", r.succeeded},
            {"failed", r.failed},
            {"problem", text_or_null(r.problem)}};
}

replays& kept_replays(const call& c)
{
    return served(c.services().repeats, "replays");
}

task<web::reply> list_schedules(call& c)
{
    json::array items;
    for (const schedule_status& s : served(c.services().schedules, "schedules").list())
        items.push_back(schedule_json(s));
    co_return list_reply(std::move(items), {});
}

wall_time instant_in(const call& c, std::string_view member)
{
    const auto t = parse_time(c.text_member(member));
    if (!t)
        throw problem(422, "body-invalid", "The body is not what this takes; `errors` says what is wrong.",
                      {{'/' + std::string(member), "must be a time such as 2026-11-01T00:00:00Z", {}}});
    return *t;
}

replay_wish wish_in(const call& c)
{
    replay_wish w;
    w.dag = c.text_member("dag");
    w.from = instant_in(c, "from");
    w.to = instant_in(c, "to");
    if (const json::value* parallel = c.member("parallel"))
        w.parallel = parallel->to_number<std::uint32_t>();
    w.who = c.who.name;
    w.id = c.text_member("id");
    return w;
}

json::object plan_json(const replay_wish& w, const std::vector<wall_time>& times)
{
    json::array shown;
    for (std::size_t i = 0; i < times.size() && i < plan_shown; ++i)
        shown.emplace_back(json::string(format_time(times[i])));
    return {{"dag", w.dag}, {"runs", times.size()}, {"times", std::move(shown)}};
}

task<web::reply> create_replay(call& c)
{
    refuse_idempotency_key(c, "Give the replay an `id` of your own: the same id begins one replay.");
    replays& kept = kept_replays(c);
    replay_wish wish = wish_in(c);
    const json::value* dry = c.member("dry_run");
    if (dry && dry->as_bool())
        co_return json_reply(200, plan_json(wish, kept.plan(wish.dag, wish.from, wish.to)));
    const std::string id = co_await kept.start(std::move(wish));
    co_return json_reply(201, replay_json(kept.find(id).value()));
}

task<web::reply> list_replays(call& c)
{
    json::array items;
    for (const replay_row& r : kept_replays(c).list())
        if (c.who.sees_work_of(r.who))
            items.push_back(replay_json(r));
    co_return list_reply(std::move(items), {});
}

replay_row replay_in(const call& c)
{
    const auto found = kept_replays(c).find(c.in_path("replay"));
    if (!found || !c.who.sees_work_of(found->who))
        throw problem(404, "replay-unknown",
                      "There is no replay " + c.in_path("replay") +
                          " that you may see; GET /api/v1/replays lists them.");
    return *found;
}

task<web::reply> get_replay(call& c)
{
    co_return json_reply(200, replay_json(replay_in(c)));
}

task<web::reply> cancel_replay(call& c)
{
    std::string id = replay_in(c).id;
    co_await kept_replays(c).cancel(std::move(id));
    co_return json_reply(200, replay_json(replay_in(c)));
}

const parameter replay_parameter{.name = "replay", .about = "Id of the replay."};

} // namespace

std::vector<route> schedule_routes()
{
    return {
        {.method = "GET",
         .path = "/api/v1/schedules",
         .operation = "list_schedules",
         .tag = "schedules",
         .summary = "List the schedules and triggers",
         .about = "Of each DAG that begins runs by itself: when next, when last, and what keeps it from that.",
         .answers = {{200, "schedule_list", "All of them, by the DAG's name"}},
         .handle = list_schedules},
        {.method = "GET",
         .path = "/api/v1/replays",
         .operation = "list_replays",
         .tag = "schedules",
         .summary = "List the replays",
         .about = "Newest first. Users see their own.",
         .answers = {{200, "replay_list", "All that are kept"}},
         .handle = list_replays},
        {.method = "POST",
         .path = "/api/v1/replays",
         .operation = "create_replay",
         .tag = "schedules",
         .summary = "Run a DAG for every time of its schedule within a range",
         .about =
             "So many at once as `parallel` says, beside what its schedule begins. With `dry_run` it only says which "
             "times these are, the first 1,000 of them.",
         .needs = need::act,
         .body = "replay_wish",
         .body_required = true,
         .answers = {{201, "replay", "It has begun, now or when the same `id` was sent before"},
                     {200, "replay_plan", "What it would do (`dry_run`)"}},
         .problems = {409, 422},
         .handle = create_replay},
        {.method = "GET",
         .path = "/api/v1/replays/{replay}",
         .operation = "get_replay",
         .tag = "schedules",
         .summary = "Look at a replay",
         .in_path = {replay_parameter},
         .answers = {{200, "replay", "The replay"}},
         .handle = get_replay},
        {.method = "POST",
         .path = "/api/v1/replays/{replay}/cancel",
         .operation = "cancel_replay",
         .tag = "schedules",
         .summary = "Cancel a replay",
         .about = "No more runs of it begin, and those under way are cancelled.",
         .needs = need::act,
         .in_path = {replay_parameter},
         .answers = {{200, "replay", "The replay"}},
         .handle = cancel_replay},
    };
}

} // namespace potoo::server
