#include "sql_look.hpp"

#include <potoo/concurrency.hpp>
#include <potoo/operator.hpp>
#include <potoo/sensor.hpp>

#include <fmt/format.h>

namespace {

using namespace potoo;

constexpr std::size_t longest_channel = 63;
constexpr duration before_next_look{5'000};

struct awaited
{
    std::string channel;
    std::optional<std::string> payload;
    std::optional<value_template> condition;
    std::string statement; ///< empty: none
};

awaited read_awaited(const context& ctx)
{
    const json::object& with = ctx.input();
    awaited a;
    a.channel = std::string(with.at("channel").as_string());
    if (a.channel.size() > longest_channel || a.channel.find('\0') != std::string::npos)
        throw fatal(
            fmt::format("with.channel: a channel's name has at most {} bytes, none of them zero", longest_channel));
    if (const json::value* payload = with.if_contains("payload"))
        a.payload = std::string(payload->as_string());
    a.condition = ctx.late("condition");
    if (const json::value* statement = with.if_contains("statement"))
        a.statement = std::string(statement->as_string());
    return a;
}

/// A payload that the condition cannot be evaluated for is somebody else's.
bool fulfils(context& ctx, const value_template& condition, const std::string& payload)
{
    const json::value text = json::value(json::string(payload));
    const auto names = ctx.names();
    bindings b(&names);
    b.set("payload", text);
    json::value v;
    try {
        v = condition.render(b);
    } catch (const expression_error& e) {
        ctx.log(fmt::format("not for this task, for `condition` cannot be evaluated: {}", e.what()));
        return false;
    }
    if (!v.is_bool())
        throw fatal(fmt::format("`condition` must yield true or false, and yields {}", json::serialize(v)),
                    "bad_expression");
    return v.get_bool();
}

bool is_awaited(context& ctx, const awaited& a, const postgres::notification& n)
{
    return (!a.payload || n.payload == *a.payload) && (!a.condition || fulfils(ctx, *a.condition, n.payload));
}

json::value output_of(const postgres::notification& n)
{
    return json::object{{"channel", n.channel}, {"payload", n.payload}, {"pid", n.pid}};
}

/// What was sent while nobody listened is not heard, but its effect may be seen. Repeated while it cannot be asked.
task<std::optional<json::value>> look_for_effect(context& ctx, const awaited& a)
{
    postgres::pool& p = postgres::pool_for(ctx);
    for (;;) {
        std::string trouble;
        try {
            auto found = co_await sql::look(ctx, p, a.statement, {});
            co_return found;
        } catch (const failure& f) {
            trouble = f.what();
        }
        ctx.log("cannot look whether it has happened before: " + trouble);
        co_await sleep_for(before_next_look);
    }
}

task<std::optional<json::value>> listen(context& ctx, const awaited& a)
{
    postgres::listener::subscription heard(postgres::listener_for(ctx), a.channel);
    for (;;) {
        const auto e = co_await heard.next();
        if (!e.disturbed.empty())
            ctx.log("not listening: " + e.disturbed);
        if (e.heard && is_awaited(ctx, a, *e.heard))
            co_return output_of(*e.heard);
        if (!e.listening || a.statement.empty())
            continue;
        auto found = co_await look_for_effect(ctx, a);
        if (found) {
            json::object& o = found->as_object();
            o["channel"] = a.channel;
            o["payload"] = nullptr;
            o["pid"] = nullptr;
            co_return found;
        }
    }
}

task<std::optional<json::value>> listen_or_raise(context& ctx, const awaited& a)
{
    try {
        auto found = co_await listen(ctx, a);
        co_return found;
    } catch (const postgres::error& e) {
        postgres::raise(e);
    }
}

task<json::value> run_notify_sensor(context& ctx)
{
    const awaited a = read_awaited(ctx);
    const sensor_pace pace = read_sensor_pace(ctx.input());
    const auto once = [&] { return listen_or_raise(ctx, a); };
    auto found = co_await sense(ctx, pace, once);
    co_return found;
}

} // namespace

POTOO_OPERATOR("notify_sensor", run_notify_sensor,
               {.summary = "Waits for a PostgreSQL notification (LISTEN), without polling; that is the output.",
                .schema = R"({
      "type": "object", "required": ["channel"], "additionalProperties": false,
      "properties": {
        "channel": {"type": "string", "minLength": 1, "description": "As it is: NOTIFY writes names that are not quoted in lower case"},
        "payload": {"type": "string", "description": "Only a notification with exactly this payload counts. Default: any."},
        "condition": {"type": "boolean", "description": "An expression over `payload` (text) that yields true or false. One that it cannot be evaluated for does not count. Default: any."},
        "statement": {"type": "string", "minLength": 1, "description": "What is sent while nobody listens is lost. This is asked whenever listening begins, also after the connection was lost, and ends the wait when its first cell is true, as with sql_sensor."},
        "connection": {"type": "string", "minLength": 1, "description": "Name of a connection of type sql. Default: the one called sql, else what libpq's environment says (PGHOST, PGUSER, PGPASSWORD, …)."},
        "timeout": {"type": "string", "description": "Give up after this long. Default: never."},
        "soft_fail": {"type": "boolean", "description": "Giving up or failing ends the task skipped. Default false."}
      }})",
                .example = R"(batch_is_there:
  operator: notify_sensor
  with:
    channel: batches
    condition: ${{ from_json(payload).sample == params.sample }}
    statement: select exists (select from batches where state = 'loaded')
    timeout: 12h
)",
                .sensor = true,
                .late = "condition",
                .late_names = "payload"})
