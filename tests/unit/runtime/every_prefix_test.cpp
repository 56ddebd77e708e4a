// A crash after every record: the run ends as if there had been none, and nothing is done twice.
#include "tests/unit/runtime/durable_operators.hpp"

#include <set>

using namespace potoo;
using namespace potoo::test;
using namespace std::chrono_literals;
using journal::record;
using journal::record_kind;
using schedule::run_state;

namespace {

task<json::value> left(context& ctx)
{
    auto a = co_await ctx.step("left 1", change("left 1", 2));
    auto b = co_await ctx.step("left 2", change("left 2", 2));
    co_return json::array{a, b};
}

task<json::value> right(context& ctx)
{
    auto a = co_await ctx.step("right", change("right", 1));
    co_await ctx.sleep_until("right nap", wall_time(ctx.loop().wall_now() + 2s));
    co_return a;
}

task<json::value> fast(context& ctx)
{
    auto a = co_await ctx.step("fast", change("fast", 1));
    co_return a;
}

task<json::value> slow(context& ctx)
{
    auto a = co_await ctx.step("slow", change("slow", 10));
    co_return a;
}

/// Has done something by the time that it loses.
task<json::value> begins_and_loses(context& ctx)
{
    co_await ctx.step("begun", change("begun"));
    ctx.on_cancel(undo("begun"));
    auto a = co_await ctx.step("lost", change("lost", 100));
    co_return a;
}

task<json::value> everything(context& ctx)
{
    json::array results;
    auto first = co_await ctx.step("first", change("first"));
    ctx.on_cancel(undo("first"));
    results.push_back(first);
    const wall_time t = co_await ctx.now();
    co_await ctx.sleep_until("nap", t + 5s);
    auto both = co_await all(left(ctx), right(ctx));
    results.push_back(std::get<0>(both));
    results.push_back(std::get<1>(both));
    auto won = co_await any(fast(ctx), slow(ctx));
    results.push_back(won.index());
    auto won_again = co_await any(begins_and_loses(ctx), fast(ctx));
    results.push_back(won_again.index());
    auto after = co_await all(fast(ctx), fast(ctx));
    results.push_back(std::get<0>(after));
    auto cb = co_await ctx.callback("approval");
    the_world().callback_token = cb.token();
    auto answer = co_await ctx.completion(cb);
    results.push_back(answer);
    ctx.on_cancel(undo("approval"));
    auto output = co_await run_job(ctx);
    results.push_back(output);
    auto last = co_await ctx.step("last", change("last", 1));
    results.push_back(last);
    auto id = co_await ctx.uuid();
    results.push_back(json::string(id));
    co_return results;
}

struct prefixes : durable_engine
{
    prefixes() { add("everything", everything); }

    const std::string dag = dag_of("everything");

    /// Somebody approves as soon as he is asked.
    void drive()
    {
        for (int i = 0; i < 1'000 && !ended; ++i) {
            loop.run(1s);
            if (!the_world().callback_token.empty())
                executor->complete_callback(the_world().callback_token, true, json::string("approved"));
        }
        BOOST_TEST_REQUIRE(ended);
    }
};

/// The world as it was when the last of these had become durable.
void restore_world(const std::vector<record>& prefix, bool accepted_early)
{
    the_world() = {};
    for (const record& r : prefix) {
        const bool launched =
            r.kind == record_kind::launch_recorded || (accepted_early && r.kind == record_kind::launch_intent);
        if (launched)
            the_world().jobs.try_emplace("here/" + r.name);
        if (r.kind == record_kind::step_recorded && r.number == 0)
            the_world().effects.push_back(r.name);
    }
}

bool has(const std::vector<record>& all, record_kind kind)
{
    return std::any_of(all.begin(), all.end(), [&](const record& r) { return r.kind == kind; });
}

} // namespace

BOOST_FIXTURE_TEST_SUITE(every_prefix, prefixes)

BOOST_AUTO_TEST_CASE(crash_after_any_record_changes_neither_the_end_nor_what_is_done)
{
    start(dag);
    drive();
    const std::vector<record> all = records();
    const json::value expected = output_of(0);
    const std::multiset<std::string> effects(the_world().effects.begin(), the_world().effects.end());
    BOOST_TEST(expected.as_array().size() == 10u);
    BOOST_TEST(the_world().submissions == 1);
    BOOST_TEST(all.size() > 20u);
    for (std::size_t n = 1; n <= all.size(); ++n) {
        for (const bool accepted_early : {false, true}) {
            const std::vector<record> prefix(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(n));
            prefixes second;
            restore_world(prefix, accepted_early);
            second.recover_from(dag, prefix);
            if (prefix.back().kind == record_kind::run_ended)
                second.loop.run();
            else
                second.drive();
            BOOST_CHECK(second.executor->machine().state() == run_state::success);
            json::value output = second.output_of(0);
            // Without a record it is another attempt, which draws other numbers.
            if (second.count(record_kind::attempt_interrupted) > 0)
                output.as_array().back() = expected.as_array().back();
            BOOST_TEST(output == expected, "after record " << n << ": " << json::serialize(output));
            BOOST_TEST((std::multiset<std::string>(the_world().effects.begin(), the_world().effects.end()) == effects),
                       "after record " << n << " " << to_string(prefix.back().kind));
            BOOST_TEST(the_world().jobs.size() == 1u);
            BOOST_TEST(the_world().submissions <= 1);
            BOOST_TEST(the_world().undone.empty());
            BOOST_TEST(second.count(record_kind::remote_unconfirmed) == 0u);
        }
    }
}

BOOST_AUTO_TEST_CASE(stop_asked_for_after_any_record_undoes_what_was_done_and_does_nothing_new)
{
    start(dag);
    drive();
    const std::vector<record> all = records();
    for (std::size_t n = 1; n <= all.size(); ++n) {
        for (const bool accepted_early : {false, true}) {
            std::vector<record> prefix(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(n));
            // After its last step it ends by itself, whatever it is told.
            if (prefix.back().name == "last" || has(prefix, record_kind::attempt_ended))
                continue;
            prefixes second;
            restore_world(prefix, accepted_early);
            const auto effects = the_world().effects;
            const auto jobs = the_world().jobs.size();
            const auto done = [&](const char* what) { return std::count(effects.begin(), effects.end(), what); };
            const bool approved = has(prefix, record_kind::launch_intent);
            record stop;
            stop.run = journal::run_number(1);
            stop.kind = record_kind::cancel_requested;
            stop.name = "user";
            prefix.push_back(stop);
            second.recover_from(dag, prefix);
            second.loop.run();
            BOOST_TEST_REQUIRE(second.ended, "after record " << n);
            BOOST_CHECK(second.executor->machine().state() == run_state::cancelled);
            BOOST_TEST(the_world().effects == effects, "after record " << n);
            BOOST_TEST(the_world().submissions == 0);
            BOOST_TEST(the_world().jobs.size() == jobs);
            BOOST_TEST(the_world().running_jobs() == 0u, "after record " << n);
            BOOST_TEST(second.count(record_kind::remote_unconfirmed) == 0u);
            const auto& undone = the_world().undone;
            for (const char* what : {"first", "begun"})
                BOOST_TEST((std::count(undone.begin(), undone.end(), what) == done(what)), "after record " << n);
            if (approved)
                BOOST_TEST((undone == std::vector<std::string>{"approval", "begun", "first"}));
        }
    }
}

BOOST_AUTO_TEST_SUITE_END()
