#include <potoo/launch_intent.hpp>

namespace potoo {
namespace {

constexpr const char* intent = "launch_intent";
constexpr const char* withdrawn = "launch_withdrawn";

/// The attempt as a whole may have been told to stop, or only the branch that launches.
cancel_reason why_stopped(const context& ctx, const branch& here)
{
    return here.cancel_requested() != cancel_reason::none ? here.cancel_requested() : ctx.stop_requested();
}

} // namespace

task<> record_launch_intent(context& ctx)
{
    const branch& here = co_await this_branch();
    if (const cancel_reason why = why_stopped(ctx, here); why != cancel_reason::none)
        throw cancelled(why);
    cancel_reason stopped = cancel_reason::none;
    try {
        if (ctx.recorded(withdrawn))
            co_await ctx.record(withdrawn, json::value(false));
        co_await ctx.record(intent, json::value(json::string(ctx.token().value())));
    } catch (const cancelled& c) {
        stopped = c.reason();
    }
    if (stopped == cancel_reason::none)
        co_return;
    try {
        co_await ctx.record(withdrawn, json::value(true));
    } catch (const cancelled&) {}
    throw cancelled(stopped);
}

bool launch_intended(context& ctx)
{
    const auto taken_back = ctx.recorded(withdrawn);
    return ctx.recorded(intent).has_value() && !(taken_back && taken_back->is_bool() && taken_back->get_bool());
}

} // namespace potoo
