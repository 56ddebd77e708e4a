#include "engine/host/control_request.hpp"
#include "engine/host/run_json.hpp"
#include "engine/journal/sqlite_store.hpp"
#include "tests/unit/host/engine_at.hpp"

#include <potoo/context.hpp>
#include <potoo/watcher.hpp>

#include <algorithm>

using namespace potoo;
using namespace potoo::host;
using namespace std::chrono_literals;
using potoo::host::test::engine_at;
using potoo::host::test::eventual;
using potoo::host::test::scratch_state;
using kind = request_result::kind;
using schedule::run_state;

namespace {

/// Attempts that fail before one succeeds.
int& failures()
{
    static int n = 0;
    return n;
}

task<json::value> fail_at_first(context&)
{
    if (failures()-- > 0)
        throw failure("not yet", "scripted");
    co_return json::value("done");
}

task<json::value> echo(context& ctx)
{
    co_return json::value(ctx.input());
}

/// Waits for ever as often as it is to fail.
task<json::value> wait_at_first(context&)
{
    if (failures()-- > 0)
        co_await sleep_for(24h);
    co_return json::value();
}

struct idle_watcher final : watcher
{
    explicit idle_watcher(potoo::loop& l) : watcher(l, "host_wait watcher", {}) {}

    task<> look(page) override { co_return; }
};

POTOO_OPERATOR("host_once", wait_at_first, {.summary = "Waits at first."})
POTOO_OPERATOR("host_flaky", fail_at_first, {.summary = "Fails at first."})
POTOO_OPERATOR("host_echo", echo, {.summary = "Yields what it was given."})

constexpr const char* waiting = "name: waiting\ntasks: {wait: {operator: host_wait}}";
constexpr const char* flaky = "name: flaky\ntasks:\n  a: {operator: host_flaky}\n"
                              "  b: {operator: host_nothing, depends_on: a}\n";
constexpr const char* flaky_beside = "name: flaky\ntasks:\n  a: {operator: host_flaky}\n"
                                     "  b: {operator: host_nothing, depends_on: a}\n  w: {operator: host_wait}\n";

std::shared_ptr<const graph::dag> load(const char* text)
{
    const auto loaded = graph::load_dag(text, "a.yaml", operators());
    BOOST_REQUIRE(loaded.value);
    return loaded.value;
}

struct engine_with_state : scratch_state
{
    [[nodiscard]] journal::run_row row_of(const std::string& id) const
    {
        for (const journal::run_row& r : journal::open_sqlite_reader(layout())->runs({}))
            if (r.id.value() == id)
                return r;
        BOOST_FAIL("there is no run " << id);
        return {};
    }

    [[nodiscard]] std::vector<journal::task_row> tasks_of(const std::string& id) const
    {
        return journal::open_sqlite_reader(layout())->tasks(row_of(id).number);
    }
};

request_result ask(engine_at& e, const json::object& request)
{
    return result_of_answer(e.finish(carry_out_request(e.engine(), json::serialize(request))));
}

} // namespace

BOOST_FIXTURE_TEST_SUITE(requests_about_runs, engine_with_state)

BOOST_AUTO_TEST_CASE(run_has_the_id_and_the_origin_it_was_given)
{
    engine_at e(*this);
    run_request wish{load("tasks: {a: {operator: host_echo, with: {by: \"${{ run.origin }}\", at: \"${{ "
                          "run.scheduled }}\", id: \"${{ run.id }}\"}}}")};
    wish.id = run_id("my-own-run");
    wish.origin.by = "schedule";
    wish.origin.key = "k";
    wish.origin.scheduled = wall_time(1'800'000'000'000ms);
    e.end_of(e.begin(std::move(wish)));
    const auto row = row_of("my-own-run");
    BOOST_TEST(runtime::parse_run_origin(row.origin).key == "k");
    BOOST_TEST(tasks_of("my-own-run").at(0).output ==
               R"({"by":"schedule","at":"2027-01-15T08:00:00.000Z","id":"my-own-run"})");
}

BOOST_AUTO_TEST_CASE(id_that_is_taken_or_none_is_refused)
{
    engine_at e(*this);
    const auto try_id = [&e](const run_id& id) {
        run_request wish{load(waiting)};
        wish.id = id;
        auto& r = e.begin(std::move(wish));
        return r.outcome.ended && r.outcome.error != nullptr;
    };
    const run_id made = e.engine().make_id();
    BOOST_TEST(!try_id(made));
    BOOST_TEST(try_id(made));
    for (const char* id : {"Upper", "1digit", "with.dot", "ends-", "far-too-long-for-an-id-of-a-run", "-a"})
        BOOST_TEST(try_id(run_id(id)), id);
    BOOST_TEST(!try_id(run_id("fine-1")));
    e.engine().detach_all();
}

BOOST_AUTO_TEST_CASE(run_is_paused_and_goes_on_on_request)
{
    engine_at e(*this);
    auto& r = e.begin(waiting);
    const std::string id = r.seen.id.value();
    BOOST_TEST((ask(e, pause_request(run_id(id), true)).what == kind::accepted));
    BOOST_CHECK(row_of(id).state == journal::recorded_state::paused);
    BOOST_TEST((ask(e, pause_request(run_id(id), true)).what == kind::repeated));
    BOOST_TEST((ask(e, pause_request(run_id(id), false)).what == kind::accepted));
    BOOST_CHECK(row_of(id).state == journal::recorded_state::running);
    BOOST_TEST((ask(e, pause_request(run_id("nobody"), true)).what == kind::unknown));
    e.finish(e.engine().cancel_on_request(id, {}));
    e.end_of(r);
    BOOST_TEST((ask(e, pause_request(run_id(id), true)).what == kind::ended));
}

BOOST_AUTO_TEST_CASE(run_that_nobody_carries_is_paused_through_the_journal)
{
    std::string id;
    {
        engine_at e(*this);
        auto& r = e.begin(waiting);
        id = r.seen.id.value();
        e.engine().detach_all();
        e.end_of(r);
        const auto result = e.finish(e.engine().pause_on_request(id));
        BOOST_TEST((result.what == kind::accepted));
        BOOST_TEST(!result.carried);
        BOOST_TEST((e.finish(e.engine().pause_on_request(id)).what == kind::repeated));
    }
    engine_at e(*this);
    auto& r = e.resume(e.engine().unfinished().front());
    e.run_until([&] { return !r.seen.id.value().empty(); });
    const auto result = e.finish(e.engine().pause_on_request(id));
    BOOST_TEST((result.what == kind::repeated));
    BOOST_CHECK(row_of(id).state == journal::recorded_state::paused);
    BOOST_TEST((e.finish(e.engine().unpause_on_request(id)).what == kind::accepted));
    e.run_until([&] { return r.seen.attempts > 0; });
}

BOOST_AUTO_TEST_CASE(ended_run_is_retried_by_whoever_asked)
{
    engine_at e(*this);
    failures() = 1;
    auto& r = e.begin(flaky);
    BOOST_CHECK(e.end_of(r).state == run_state::failed);
    const std::string id = r.seen.id.value();
    BOOST_TEST((ask(e, retry_request(run_id(id), {{"c"}})).what == kind::unknown));
    const auto result = ask(e, retry_request(run_id(id), {}));
    BOOST_TEST((result.what == kind::accepted));
    BOOST_TEST(!result.carried);
    BOOST_TEST(!row_of(id).ended.has_value());
    BOOST_CHECK(tasks_of(id).at(1).state == journal::recorded_state::pending);
    BOOST_TEST((ask(e, retry_request(run_id(id), {})).what == kind::repeated));
    auto& again = e.resume(row_of(id));
    BOOST_CHECK(e.end_of(again).state == run_state::success);
    BOOST_TEST(tasks_of(id).at(0).attempts == 2u);
    BOOST_CHECK(row_of(id).state == journal::recorded_state::success);
    BOOST_TEST((ask(e, retry_request(run_id(id), {})).what == kind::repeated));
}

BOOST_AUTO_TEST_CASE(running_run_goes_on_with_what_is_retried)
{
    engine_at e(*this);
    failures() = 1;
    auto& r = e.begin(flaky_beside);
    const std::string id = r.seen.id.value();
    e.run_until([&] { return tasks_of(id).at(0).state == journal::recorded_state::failed; });
    retry_wish wish;
    wish.tasks = {"a"};
    const auto result = e.finish(e.engine().retry_on_request(id, wish));
    BOOST_TEST((result.what == kind::accepted));
    BOOST_TEST(result.carried);
    e.run_until([&] { return tasks_of(id).at(1).state == journal::recorded_state::success; });
    e.finish(e.engine().cancel_on_request(id, {}));
    e.end_of(r);
}

BOOST_AUTO_TEST_CASE(run_that_has_just_ended_is_retried)
{
    engine_at e(*this);
    failures() = 1;
    run_request wish{load(flaky)};
    wish.id = run_id("just-ended");
    auto& r = e.begin(std::move(wish));
    const auto result = e.finish(e.engine().retry_on_request("just-ended", {}));
    BOOST_TEST((result.what == kind::accepted || result.what == kind::repeated));
    e.end_of(r);
}

BOOST_AUTO_TEST_CASE(run_is_not_carried_twice)
{
    engine_at e(*this);
    auto& r = e.begin(waiting);
    auto& again = e.resume(row_of(r.seen.id.value()));
    e.run_until([&] { return again.outcome.ended; });
    BOOST_TEST((again.outcome.error != nullptr));
    BOOST_TEST(!r.outcome.ended);
}

BOOST_AUTO_TEST_CASE(run_that_missed_its_deadline_gets_another_when_it_is_retried)
{
    engine_at e(*this);
    failures() = 1;
    auto& r = e.begin("name: late\ndeadline: 300ms\ntasks:\n  a: {operator: host_nothing}\n"
                      "  w: {operator: host_once, depends_on: a}\n");
    BOOST_CHECK(e.end_of(r).state == run_state::timed_out);
    const std::string id = r.seen.id.value();
    BOOST_TEST((e.finish(e.engine().retry_on_request(id, {})).what == kind::accepted));
    BOOST_CHECK(e.end_of(e.resume(row_of(id))).state == run_state::success);
    BOOST_TEST(tasks_of(id).at(0).attempts == 1u);
}

BOOST_AUTO_TEST_CASE(cancelled_run_is_retried_and_cancelled_again)
{
    engine_at e(*this);
    auto& r = e.begin(waiting);
    const std::string id = r.seen.id.value();
    e.finish(e.engine().cancel_on_request(id, {}));
    BOOST_CHECK(e.end_of(r).state == run_state::cancelled);
    BOOST_TEST((e.finish(e.engine().retry_on_request(id, {})).what == kind::accepted));
    BOOST_TEST((e.finish(e.engine().cancel_on_request(id, {})).what == kind::accepted));
    BOOST_CHECK(e.end_of(e.resume(row_of(id))).state == run_state::cancelled);
    BOOST_TEST((e.finish(e.engine().retry_on_request(id, {})).what == kind::accepted));
    auto& again = e.resume(row_of(id));
    e.run_until([&] { return again.seen.attempts > 0; });
    BOOST_TEST((e.finish(e.engine().cancel_on_request(id, {})).what == kind::accepted));
    BOOST_CHECK(e.end_of(again).state == run_state::cancelled);
}

BOOST_AUTO_TEST_CASE(ended_run_is_removed_on_request)
{
    engine_at e(*this);
    failures() = 0;
    auto& r = e.begin(flaky);
    e.end_of(r);
    auto& other = e.begin(waiting);
    BOOST_TEST((ask(e, remove_request(other.seen.id)).what == kind::invalid));
    BOOST_TEST((ask(e, remove_request(r.seen.id)).what == kind::accepted));
    BOOST_TEST((ask(e, remove_request(r.seen.id)).what == kind::unknown));
    BOOST_TEST(journal::open_sqlite_reader(layout())->runs({}).size() == 1u);
    e.engine().detach_all();
}

BOOST_AUTO_TEST_CASE(pools_are_resized_live_and_stay_so)
{
    constexpr const char* pooled = "pools: {p: 2}\ntasks: {w: {operator: host_wait, pool: p, foreach: [1, 2, 3]}}";
    {
        engine_at e(*this);
        auto& r = e.begin(pooled);
        e.run_until([&] { return r.seen.attempts == 2; });
        const auto all = e.engine().pools();
        BOOST_TEST_REQUIRE(all.size() == 1u);
        BOOST_TEST(all[0].name == "p");
        BOOST_TEST(all[0].slots == 2u);
        BOOST_TEST(all[0].declared == 2u);
        BOOST_TEST(all[0].used == 2u);
        BOOST_TEST(all[0].waiting == 1u);
        BOOST_TEST(all[0].by.size() == 1u);
        const auto why = e.engine().why(r.seen.id, "w", item_index(2));
        BOOST_TEST_REQUIRE(why.has_value());
        BOOST_TEST(why->reasons.front().code == "pool_full");
        BOOST_TEST(why->reasons.front().text == "no slot of the pool `p` is free: 2 of 2 are taken");
        BOOST_TEST(why->reasons.front().details.at("runs").at(r.seen.id.value()).to_number<int>() == 2);
        BOOST_TEST((ask(e, pool_request("p", 3)).what == kind::accepted));
        e.run_until([&] { return r.seen.attempts == 3; });
        BOOST_CHECK_THROW(static_cast<void>(e.engine().why(r.seen.id, "w", item_index(3))), std::invalid_argument);
    }
    engine_at e(*this);
    BOOST_TEST_REQUIRE(e.engine().pools().size() == 1u);
    BOOST_TEST(e.engine().pools()[0].slots == 3u);
    BOOST_TEST(e.engine().pools()[0].resized);
}

BOOST_AUTO_TEST_CASE(pools_that_are_reset_have_what_the_dags_declare_and_stay_so)
{
    constexpr const char* pooled = "pools: {p: 2}\ntasks: {w: {operator: host_wait, pool: p, foreach: [1, 2, 3]}}";
    {
        engine_at e(*this);
        std::string told;
        e.engine().when_resized([&](std::string_view pool, std::uint32_t slots) {
            told += std::string(pool) + ' ' + std::to_string(slots) + ';';
        });
        BOOST_TEST((ask(e, pool_reset_request("p")).what == kind::unknown));
        BOOST_TEST((ask(e, pool_request("p", 1)).what == kind::accepted));
        auto& r = e.begin(pooled);
        e.run_until([&] { return r.seen.attempts == 1; });
        BOOST_TEST((ask(e, pool_reset_request("p")).what == kind::accepted));
        e.run_until([&] { return r.seen.attempts == 2; });
        BOOST_TEST_REQUIRE(e.engine().pools().size() == 1u);
        BOOST_TEST(e.engine().pools()[0].slots == 2u);
        BOOST_TEST(!e.engine().pools()[0].resized);
        const auto again = ask(e, pool_reset_request("p"));
        BOOST_TEST((again.what == kind::unknown));
        BOOST_TEST(again.text == "nobody has resized a pool `p`: it has the slots that the DAGs declare");
        BOOST_TEST((ask(e, pool_request("q", 4)).what == kind::accepted));
        BOOST_TEST((ask(e, pool_reset_request("q")).what == kind::accepted));
        BOOST_TEST(told == "p 1;p 2;q 4;q 0;");
    }
    engine_at e(*this);
    BOOST_TEST(e.engine().pools().empty());
}

BOOST_AUTO_TEST_CASE(questions_are_answered_by_whoever_carries_the_run)
{
    constexpr const char* pooled = "pools: {p: 2}\ntasks: {w: {operator: host_wait, pool: p, foreach: [1, 2, 3]}}";
    engine_at e(*this);
    auto& r = e.begin(pooled);
    e.run_until([&] { return r.seen.attempts == 2; });
    const auto answer = [&](const json::object& question) {
        return e.finish(carry_out_request(e.engine(), json::serialize(question)));
    };
    const auto why = why_of_answer(answer(why_request(r.seen.id, "w", item_index(2))));
    BOOST_TEST_REQUIRE(why.has_value());
    BOOST_TEST(why->at("state") == "queued");
    BOOST_TEST(why->at("reasons").at(0).at("code") == "pool_full");
    const auto whole = why_of_answer(answer(why_request(r.seen.id, "w", std::nullopt)));
    BOOST_TEST_REQUIRE(whole.has_value());
    BOOST_TEST(whole->at("items").as_array().size() == 2u);
    BOOST_TEST(!why_of_answer(answer(why_request(run_id("nobody"), "w", std::nullopt))).has_value());
    BOOST_CHECK_THROW(static_cast<void>(why_of_answer(answer(why_request(r.seen.id, "v", std::nullopt)))), bad_answer);
    BOOST_CHECK_THROW(
        static_cast<void>(why_of_answer(answer({{"verb", "why"}, {"run", "a"}, {"task", "w"}, {"item", -1}}))),
        bad_answer);
    const json::array pools = pools_of_answer(answer(pools_request()));
    BOOST_TEST_REQUIRE(pools.size() == 1u);
    BOOST_TEST(pools.at(0).at("used") == 2);
    BOOST_TEST(pools.at(0).at("by").at(0).at("run") == json::string_view(r.seen.id.value()));
}

BOOST_AUTO_TEST_CASE(throttled_backend_is_named)
{
    engine_at e(*this);
    auto& r = e.begin(waiting);
    idle_watcher w(e.engine().loop());
    BOOST_TEST(e.engine().why(r.seen.id, "wait", std::nullopt)->reasons.size() == 1u);
    w.throttle(e.engine().loop().now() + 1h);
    const auto why = e.engine().why(r.seen.id, "wait", std::nullopt);
    BOOST_TEST_REQUIRE(why->reasons.size() == 2u);
    BOOST_TEST(why->reasons[0].code == "running");
    BOOST_TEST(why->reasons[1].code == "backend_throttled");
    BOOST_TEST(!e.engine().why(run_id("nobody"), "wait", std::nullopt).has_value());
}

BOOST_AUTO_TEST_CASE(input_of_an_attempt_is_rendered_again)
{
    engine_at e(*this);
    auto& r = e.begin(R"(
name: inputs
params: {greeting: {type: string, default: hello}}
secrets: {key: {env: PATH}}
tasks:
  list: {operator: host_echo, with: {n: [1, 2]}}
  each:
    operator: host_echo
    depends_on: list
    foreach: ${{ tasks.list.output.n }}
    env: {WHICH: "${{ item }}"}
    with: {text: "${{ run.dag }} ${{ item }} of ${{ length(tasks.list.output.n) }}", key: "${{ secrets.key }}"}
)");
    e.end_of(r);
    const auto input = e.engine().rendered_input(r.seen.id, "each", item_index(1), attempt_number(1));
    BOOST_TEST(json::serialize(input) ==
               R"({"operator":"host_echo","with":{"text":"inputs 2 of 2","key":"***"},"env":{"WHICH":2}})");
    BOOST_CHECK_THROW(static_cast<void>(e.engine().rendered_input(r.seen.id, "each", item_index(1), attempt_number(2))),
                      std::invalid_argument);
    BOOST_CHECK_THROW(static_cast<void>(e.engine().rendered_input(r.seen.id, "none", item_index(0), attempt_number(1))),
                      std::invalid_argument);
}

BOOST_AUTO_TEST_CASE(what_was_recorded_is_shown_however_deep_it_is)
{
    BOOST_TEST(recorded_json(std::string(100, '[') + std::string(100, ']')).is_array());
    BOOST_TEST(recorded_json("no JSON").is_string());
    BOOST_TEST(recorded_json("").is_null());
}

BOOST_AUTO_TEST_CASE(malformed_requests_about_runs_are_answered)
{
    engine_at e(*this);
    for (const char* line : {R"({"verb":"pause"})", R"({"verb":"pause","run":""})", R"({"verb":"retry","run":1})",
                             R"({"verb":"retry","run":"a","downstream":1})", R"({"verb":"pool","name":"p"})",
                             R"({"verb":"pool","name":"p","slots":-1})", R"({"verb":"pool","name":"","slots":1})",
                             R"({"verb":"pool_reset"})", R"({"verb":"remove"})"}) {
        const std::string answer = e.finish(carry_out_request(e.engine(), line));
        BOOST_TEST((result_of_answer(answer).what == kind::invalid), line << " got " << answer);
    }
}

BOOST_AUTO_TEST_SUITE_END()
