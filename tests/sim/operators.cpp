// Operators for simulations: steps one after another, side by side, and in a race.

#include "world.hpp"

#include <potoo/context.hpp>
#include <potoo/operator.hpp>

#include <fmt/format.h>

#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace potoo::sim {
namespace {

struct attempt_name
{
    std::string run;
    std::uint32_t task = 0;
    std::uint32_t item = 0;
    std::uint32_t attempt = 0;

    explicit attempt_name(const context& ctx)
        : run(ctx.run().value()), task(static_cast<std::uint32_t>(std::stoul(std::string(ctx.task_name().substr(1))))),
          item(ctx.item().value()), attempt(ctx.attempt().value())
    {}

    [[nodiscard]] std::string text() const { return fmt::format("{}-{}.{}.{}", run, task, item, attempt); }
};

duration milliseconds_of(const context& ctx, const char* name)
{
    return duration(ctx.input().at(name).to_number<std::int64_t>());
}

/// What a step is for: something that must not be done again once it is known to be done.
task<json::value> side_effect(attempt_name who, std::string step, duration takes)
{
    co_await sleep_for(takes);
    world::current().check.step_done(who.text(), step);
    co_return json::value(json::string(fmt::format("{}[{}] {}", who.task, who.item, step)));
}

/// The first attempts fail, as many as the task says: counted by what the journal knows, so that an attempt that a
/// crash broke off does not count.
void fail_if_planned(const context& ctx)
{
    const attempt_name who(ctx);
    const auto planned = ctx.input().at("failures").to_number<unsigned>();
    if (world::current().check.failures_of(who.run, who.task, who.item) < planned)
        throw failure("it is planned to fail", "planned");
}

task<json::value> steps_in_a_row(context& ctx)
{
    const attempt_name who(ctx);
    const duration takes = milliseconds_of(ctx, "takes");
    json::array done;
    for (int i = 0; i < ctx.input().at("steps").to_number<int>(); ++i) {
        const std::string name = "s" + std::to_string(i);
        auto result = co_await ctx.step(name, side_effect(who, name, takes));
        done.push_back(std::move(result));
        co_await sleep_for(takes);
    }
    fail_if_planned(ctx);
    co_return done;
}

task<json::value> lane(context& ctx, std::string name, duration pause, int steps)
{
    const attempt_name who(ctx);
    json::array done;
    for (int i = 0; i < steps; ++i) {
        co_await sleep_for(pause);
        const std::string step = fmt::format("{}{}", name, i);
        auto result = co_await ctx.step(step, side_effect(who, step, duration(1)));
        done.push_back(std::move(result));
    }
    co_return done;
}

task<json::value> steps_side_by_side(context& ctx)
{
    const duration takes = milliseconds_of(ctx, "takes");
    const int steps = ctx.input().at("steps").to_number<int>();
    auto [a, b, c] =
        co_await all(lane(ctx, "a", takes, steps), lane(ctx, "b", takes * 2, 1), lane(ctx, "c", duration(0), steps));
    fail_if_planned(ctx);
    co_return json::array{a, b, c};
}

/// What follows a race depends on who won it.
task<json::value> steps_in_a_race(context& ctx)
{
    const attempt_name who(ctx);
    const duration takes = milliseconds_of(ctx, "takes");
    const duration other = milliseconds_of(ctx, "other");
    auto winner = co_await any(lane(ctx, "a", takes, 1), lane(ctx, "b", other, 1));
    const std::string name = winner.index() == 0 ? "after_a" : "after_b";
    auto after = co_await ctx.step(name, side_effect(who, name, duration(5)));
    co_await sleep_for(takes);
    auto last = co_await ctx.step("last", side_effect(who, "last", duration(5)));
    fail_if_planned(ctx);
    co_return json::array{after, last};
}

/// Waits for somebody outside.
task<json::value> wait_for_an_answer(context& ctx)
{
    const attempt_name who(ctx);
    auto asked = co_await ctx.callback("answer");
    // Told again in every replay: whoever is told twice answers once.
    world::current().on_callback(asked.token(), json::object{{"answer", who.task * 100 + who.item}});
    auto answer = co_await ctx.completion(asked);
    auto after = co_await ctx.step("after", side_effect(who, "after", duration(5)));
    fail_if_planned(ctx);
    co_return json::array{answer, after};
}

/// Draws what must be the same in every replay, and waits for a time of the calendar.
task<json::value> follow_the_calendar(context& ctx)
{
    const attempt_name who(ctx);
    auto began = co_await ctx.now();
    auto name = co_await ctx.uuid();
    auto number = co_await ctx.random();
    auto first = co_await ctx.step("first", side_effect(who, "first", duration(5)));
    // What was drawn before something durable was done is remembered.
    world::current().check.same_in_every_replay(who.text(), fmt::format("{} {} {}", format_time(began), name, number));
    co_await ctx.sleep_until("nap", began + milliseconds_of(ctx, "takes"));
    auto last = co_await ctx.step("last", side_effect(who, "last", duration(5)));
    fail_if_planned(ctx);
    co_return json::array{first, last};
}

task<> give_back(attempt_name who)
{
    co_await sleep_for(duration(500));
    world::current().check.lease_taken(who.text(), false);
}

task<json::value> take_lease(attempt_name who)
{
    world::current().check.lease_taken(who.text(), true);
    co_return nullptr;
}

/// Takes something that must be given back, however the attempt ends.
task<json::value> work_under_a_lease(context& ctx)
{
    const attempt_name who(ctx);
    // From here on the journal knows the attempt, so that its clean-up comes whatever happens to the engine.
    co_await ctx.step("prepare", side_effect(who, "prepare", duration(5)));
    ctx.on_cancel(give_back(who));
    co_await ctx.step("lease", take_lease(who));
    co_await sleep_for(milliseconds_of(ctx, "takes"));
    auto work = co_await ctx.step("work", side_effect(who, "work", duration(5)));
    co_await give_back(who);
    fail_if_planned(ctx);
    co_return work;
}

} // namespace
} // namespace potoo::sim

#define POTOO_SIM_SCHEMA                                                                                                            \
    R"({"type": "object", "additionalProperties": false, "properties": {)"                                                          \
    R"("takes": {"type": "integer", "description": "Milliseconds"}, "other": {"type": "integer", "description": "Milliseconds"}, )" \
    R"("steps": {"type": "integer", "description": "How many"}, "failures": {"type": "integer", "description": "How many"}}})"

POTOO_OPERATOR("sim_steps", potoo::sim::steps_in_a_row, {.summary = "Steps in a row.", .schema = POTOO_SIM_SCHEMA})
POTOO_OPERATOR("sim_all", potoo::sim::steps_side_by_side, {.summary = "Steps in lanes.", .schema = POTOO_SIM_SCHEMA})
POTOO_OPERATOR("sim_any", potoo::sim::steps_in_a_race, {.summary = "Steps in a race.", .schema = POTOO_SIM_SCHEMA})
POTOO_OPERATOR("sim_callback", potoo::sim::wait_for_an_answer, {.summary = "Asks.", .schema = POTOO_SIM_SCHEMA})
POTOO_OPERATOR("sim_calendar", potoo::sim::follow_the_calendar, {.summary = "Naps.", .schema = POTOO_SIM_SCHEMA})
POTOO_OPERATOR("sim_lease", potoo::sim::work_under_a_lease, {.summary = "Cleans up.", .schema = POTOO_SIM_SCHEMA})
