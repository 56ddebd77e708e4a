#include <potoo/operator.hpp>
#include <potoo/sensor.hpp>

#include <fmt/format.h>

#include <algorithm>

namespace {

using namespace potoo;

// The wall clock may be set meanwhile: looked at again at least this often.
constexpr duration longest_sleep{60'000};

wall_time read_until(const json::value& v)
{
    const auto* text = v.if_string();
    const auto t = text ? parse_time(*text) : std::nullopt;
    if (!t)
        throw fatal(fmt::format("`until` must be a time such as 2026-11-21T08:00:00Z, not {}", json::serialize(v)));
    return *t;
}

duration read_for(const json::value& v)
{
    const auto* text = v.if_string();
    const auto d = text ? parse_duration(*text) : std::nullopt;
    if (!d)
        throw fatal(fmt::format("`for` must be a duration such as 30s, not {}", json::serialize(v)));
    return *d;
}

task<std::optional<json::value>> wait_until(context& ctx, wall_time end)
{
    for (;;) {
        const wall_time now = ctx.loop().wall_now();
        if (now >= end)
            break;
        co_await sleep_for(std::min(end - now, longest_sleep));
    }
    co_return json::value(json::object{{"until", format_time(end)}});
}

/// The end is recorded, so that a restart of the engine does not begin the wait anew.
task<json::value> end_of_wait(wall_time end)
{
    co_return json::value(format_time(end));
}

task<json::value> run_time_sensor(context& ctx)
{
    const json::value* until = ctx.input().if_contains("until");
    const json::value* length = ctx.input().if_contains("for");
    if ((until != nullptr) == (length != nullptr))
        throw fatal("either `until` or `for` must be given, and not both");
    const sensor_pace pace = read_sensor_pace(ctx.input());
    wall_time end;
    if (until)
        end = read_until(*until);
    else {
        auto recorded = co_await ctx.step("until", end_of_wait(ctx.loop().wall_now() + read_for(*length)));
        end = read_until(recorded);
    }
    const auto once = [&] { return wait_until(ctx, end); };
    auto found = co_await sense(ctx, pace, once);
    co_return found;
}

} // namespace

POTOO_OPERATOR("time_sensor", run_time_sensor,
               {.summary = "Waits until a time, or for a while.",
                .schema = R"({
      "type": "object", "additionalProperties": false,
      "oneOf": [{"required": ["until"]}, {"required": ["for"]}],
      "properties": {
        "until": {"type": "string", "description": "A time in RFC 3339, as in 2026-11-21T08:00:00Z"},
        "for": {"type": "string", "description": "A duration, as in 30m, from when the task first started"},
        )" POTOO_SENSOR_PROPERTIES R"(
      }})",
                .example = R"(after_midnight:
  operator: time_sensor
  with: {until: "2026-11-22T00:00:00Z"}
)",
                .sensor = true})
