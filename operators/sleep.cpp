#include <potoo/context.hpp>
#include <potoo/error.hpp>
#include <potoo/operator.hpp>
#include <potoo/wait.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

namespace {

using namespace potoo;

/// The wall clock is looked at this often at least, because it may be set.
constexpr duration between_looks = std::chrono::minutes(5);

task<> wait_until(context& ctx, wall_time due)
{
    while (true) {
        const duration left = due - ctx.loop().wall_now();
        if (left <= duration::zero())
            co_return;
        co_await sleep_for(std::min(left, between_looks));
    }
}

task<json::value> sleep(context& ctx)
{
    const json::value* span = ctx.input().if_contains("for");
    const json::value* time = ctx.input().if_contains("until");
    if ((span == nullptr) == (time == nullptr))
        throw fatal("with: exactly one of `for` and `until` is needed");
    const context::deferral waiting(ctx);
    if (span) {
        const auto parsed = parse_duration(std::string_view(span->as_string()));
        if (!parsed)
            throw fatal(fmt::format("with.for: must be a duration such as 30s, not {}", json::serialize(*span)));
        co_await sleep_for(*parsed);
    } else {
        const auto parsed = parse_time(std::string_view(time->as_string()));
        if (!parsed)
            throw fatal(
                fmt::format("with.until: must be a time such as 2026-11-21T08:00:00Z, not {}", json::serialize(*time)));
        co_await wait_until(ctx, *parsed);
    }
    co_return nullptr;
}

} // namespace

POTOO_OPERATOR("sleep", sleep,
               {.summary = "Waits for a while, or until a point in time.",
                .schema = R"json({
  "type": "object",
  "additionalProperties": false,
  "properties": {
    "for": {"type": "string", "format": "duration", "description": "How long, as in 30s or 1h30m. After a restart of the engine the whole time again."},
    "until": {"type": "string", "format": "date-time", "description": "RFC 3339, as in 2026-11-21T08:00:00Z. In the past: the task ends at once."}
  },
  "oneOf": [{"required": ["for"]}, {"required": ["until"]}]
})json",
                .example = R"(settle:
  operator: sleep
  with: {for: 30s}
)"})
