#include "tests/integration/plugin/plugin_files.hpp"

#include <potoo/context.hpp>
#include <potoo/engine.hpp>
#include <potoo/operator.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/test/unit_test.hpp>

#include <map>
#include <optional>
#include <vector>

namespace asio = boost::asio;
using namespace std::chrono_literals;
using namespace potoo;
using potoo::test::scratch_dir;
using error_kind = engine_error::kind;

namespace {

task<json::value> add_one(context& ctx)
{
    co_return json::value(ctx.input().at("number").as_int64() + 1);
}

task<json::value> wait_for_ever(context&)
{
    co_await sleep_for(24h);
    co_return json::value();
}

/// Waits in its first attempt only.
task<json::value> wait_at_first(context& ctx)
{
    if (ctx.attempt() == attempt_number(1))
        co_await sleep_for(24h);
    co_return json::value("done");
}

POTOO_OPERATOR("test_add_one", add_one, {.summary = "Adds one.", .schema = R"({
    "type": "object", "required": ["number"], "properties": {"number": {"type": "integer"}}})"})
POTOO_OPERATOR("test_wait", wait_for_ever, {.summary = "Waits."})
POTOO_OPERATOR("test_wait_at_first", wait_at_first, {.summary = "Waits once."})

constexpr const char* adding = R"(
name: adding
params: {start: {type: integer, default: 1}}
tasks:
  first: {operator: test_add_one, with: {number: "${{ params.start }}"}}
  second: {operator: test_add_one, depends_on: [first], with: {number: "${{ tasks.first.output }}"}}
)";

constexpr const char* waiting = "tasks: {wait: {operator: test_wait}}";

loaded_dag must_load(engine& e, const char* text)
{
    load_report r = e.load_text(text);
    BOOST_REQUIRE_MESSAGE(r.dag, r.problems);
    return *r.dag;
}

struct result
{
    int calls = 0;
    std::exception_ptr error;
    run_summary summary;

    auto token()
    {
        return [this](std::exception_ptr e, run_summary s) {
            ++calls;
            error = e;
            summary = std::move(s);
        };
    }

    void check(run_end end) const
    {
        BOOST_TEST_REQUIRE(calls == 1);
        BOOST_TEST_REQUIRE(!error);
        BOOST_TEST(to_string(summary.end) == to_string(end));
    }
};

/// Calls `act` when the task is under way.
run_listener when_started(std::function<void()> act)
{
    return [act = std::move(act)](const run_event& e) {
        if (e.what == run_event::kind::attempt_started)
            act();
    };
}

template <class Function>
void check_error(Function f, error_kind expected, const std::string& part)
{
    BOOST_CHECK_EXCEPTION(f(), engine_error, [&](const engine_error& e) {
        BOOST_TEST(std::string(e.what()).find(part) != std::string::npos, e.what());
        return e.what_kind() == expected;
    });
}

} // namespace

BOOST_AUTO_TEST_SUITE(embedding)

BOOST_AUTO_TEST_CASE(a_dag_runs_on_an_io_context_of_ones_own)
{
    asio::io_context context(1);
    engine e(context, {.ephemeral = true});
    const loaded_dag dag = must_load(e, adding);
    BOOST_TEST(dag.name() == "adding");
    BOOST_TEST(dag.task_count() == 2u);
    std::map<std::string, std::string> outputs;
    const auto listen = [&outputs](const run_event& ev) {
        if (ev.what == run_event::kind::attempt_ended && ev.output)
            outputs[std::string(ev.task)] = json::serialize(*ev.output);
    };
    result r;
    bool other = false;
    asio::post(context, [&other] { other = true; });
    async_run_dag(e, dag, {{"start", 40}}, listen, r.token());
    context.run();
    r.check(run_end::success);
    BOOST_TEST(r.summary.tasks.success == 2u);
    BOOST_TEST(r.summary.tasks.unfinished == 0u);
    BOOST_TEST(r.summary.id.value().size() == 12u);
    BOOST_TEST(outputs["first"] == "41");
    BOOST_TEST(outputs["second"] == "42");
    BOOST_TEST(other);
}

BOOST_AUTO_TEST_CASE(events_tell_a_run_from_its_start_to_its_end)
{
    asio::io_context context(1);
    engine e(context, {.ephemeral = true});
    std::vector<std::string> words;
    const auto listen = [&words](const run_event& ev) {
        BOOST_TEST(ev.run.size() == 12u);
        words.push_back(std::string(to_string(ev.what)) + " " + std::string(ev.task) + " " + std::string(ev.state));
    };
    result r;
    async_run_dag(e, must_load(e, "tasks: {one: {operator: test_add_one, with: {number: 1}}}"), {}, listen, r.token());
    context.run();
    const std::vector<std::string> expected{"run_started  ", "attempt_started one ", "attempt_ended one success",
                                            "task_ended one success", "run_ended  success"};
    BOOST_TEST(words == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(any_completion_token_does)
{
    asio::io_context context(1);
    engine e(context, {.ephemeral = true});
    const loaded_dag dag = must_load(e, adding);
    auto future = async_run_dag(e, dag, {}, asio::use_future);
    std::optional<run_summary> awaited;
    asio::co_spawn(
        context,
        [](engine& en, loaded_dag d) -> asio::awaitable<run_summary> {
            run_summary s = co_await async_run_dag(en, std::move(d), {}, asio::use_awaitable);
            co_return s;
        }(e, dag),
        [&awaited](std::exception_ptr, run_summary s) { awaited = std::move(s); });
    context.run();
    BOOST_TEST(future.get().succeeded());
    BOOST_TEST_REQUIRE(awaited.has_value());
    BOOST_TEST(awaited->succeeded());
}

BOOST_AUTO_TEST_CASE(problems_of_a_dag_come_as_text_with_their_place)
{
    asio::io_context context(1);
    engine e(context, {.ephemeral = true});
    const load_report r = e.load_text("tasks:\n  a: {operator: test_add_on, with: {}}\n", "mine.yaml");
    BOOST_TEST(!r.dag);
    BOOST_TEST(r.problems.find("mine.yaml:2:") == 0u, r.problems);
    BOOST_TEST(r.problems.find("test_add_one") != std::string::npos, r.problems);
    const scratch_dir scratch;
    BOOST_TEST(e.load_file(scratch.path() / "none.yaml").problems.find("No such file") != std::string::npos);
    BOOST_TEST(e.load_file(scratch.path()).problems.find("directory") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_file_is_loaded_with_its_plugins)
{
    asio::io_context context(1);
    engine e(context, {.ephemeral = true});
    const scratch_dir scratch;
    std::filesystem::create_symlink(SAMPLE_PLUGIN, scratch.path() / "ops.so");
    const auto file = scratch.write("dag.yaml", "plugins: [ops.so]\n"
                                                "tasks: {a: {operator: sample_twice, with: {number: 21}}}\n");
    const load_report loaded = e.load_file(file);
    BOOST_REQUIRE_MESSAGE(loaded.dag, loaded.problems);
    std::string output;
    result r;
    async_run_dag(
        e, *loaded.dag, {},
        [&output](const run_event& ev) {
            if (ev.output)
                output = json::serialize(*ev.output);
        },
        r.token());
    context.run();
    r.check(run_end::success);
    BOOST_TEST(output == "42");

    const load_report refused = e.load_text("plugins: [no_such.so]\ntasks: {a: {operator: noop}}", "x.yaml");
    BOOST_TEST(!refused.dag);
    BOOST_TEST(refused.problems == "x.yaml: error: the plugin no_such.so cannot be loaded: it does not exist\n");
    check_error([&] { e.load_plugin("no_such.so"); }, error_kind::plugin, "does not exist");
}

BOOST_AUTO_TEST_CASE(wrong_params_start_nothing)
{
    asio::io_context context(1);
    engine e(context, {.ephemeral = true});
    result r;
    async_run_dag(e, must_load(e, adding), {{"strat", 1}}, r.token());
    context.run();
    BOOST_TEST_REQUIRE(r.calls == 1);
    BOOST_TEST_REQUIRE(static_cast<bool>(r.error));
    check_error([&] { std::rethrow_exception(r.error); }, error_kind::params, "`start`");
}

BOOST_AUTO_TEST_CASE(a_missing_secret_starts_nothing)
{
    asio::io_context context(1);
    engine e(context, {.ephemeral = true});
    result r;
    async_run_dag(e, must_load(e, "secrets: {t: {env: POTOO_TEST_NOT_SET}}\ntasks: {a: {operator: test_wait}}"), {},
                  r.token());
    context.run();
    BOOST_TEST_REQUIRE(r.calls == 1);
    BOOST_TEST_REQUIRE(static_cast<bool>(r.error));
    check_error([&] { std::rethrow_exception(r.error); }, error_kind::secret, "POTOO_TEST_NOT_SET");
}

BOOST_AUTO_TEST_CASE(a_failed_task_is_a_result_and_no_exception)
{
    asio::io_context context(1);
    engine e(context, {.ephemeral = true});
    e.load_plugin(SAMPLE_PLUGIN);
    std::string error;
    result r;
    async_run_dag(
        e, must_load(e, "tasks: {a: {operator: sample_stumble}, b: {operator: test_wait, depends_on: [a]}}"), {},
        [&error](const run_event& ev) {
            if (ev.what == run_event::kind::attempt_ended)
                error = ev.text;
        },
        r.token());
    context.run();
    r.check(run_end::failed);
    BOOST_TEST(error == "stumbled");
    BOOST_TEST(r.summary.tasks.failed == 1u);
    BOOST_TEST(r.summary.tasks.upstream_failed == 1u);
}

BOOST_AUTO_TEST_CASE(a_run_can_be_cancelled_by_its_id)
{
    asio::io_context context(1);
    engine e(context, {.ephemeral = true});
    result r;
    const auto listen = [&e](const run_event& ev) {
        if (ev.what == run_event::kind::attempt_started) {
            BOOST_TEST(e.cancel(run_id("nosuchrun000")) == 0u);
            BOOST_TEST(e.cancel(run_id(std::string(ev.run))) == 1u);
        }
    };
    async_run_dag(e, must_load(e, waiting), {}, listen, r.token());
    context.run();
    r.check(run_end::cancelled);
    BOOST_TEST(r.summary.tasks.cancelled == 1u);
    BOOST_TEST(e.cancel() == 0u);
}

BOOST_AUTO_TEST_CASE(an_asio_cancellation_cancels_the_run)
{
    asio::io_context context(1);
    engine e(context, {.ephemeral = true});
    asio::cancellation_signal signal;
    result r;
    async_run_dag(e, must_load(e, waiting), {},
                  when_started([&] { asio::post(context, [&signal] { signal.emit(asio::cancellation_type::all); }); }),
                  asio::bind_cancellation_slot(signal.slot(), r.token()));
    context.run();
    r.check(run_end::cancelled);
}

BOOST_AUTO_TEST_CASE(a_stopped_run_is_resumed_by_the_next_engine)
{
    const scratch_dir scratch;
    const auto state = scratch.path() / "state";
    run_id id;
    {
        asio::io_context context(1);
        engine e(context, {.state = state});
        BOOST_TEST(e.unfinished().empty());
        result r;
        async_run_dag(e, must_load(e, "tasks: {a: {operator: test_wait_at_first}}"), {},
                      when_started([&e] { e.stop(); }), r.token());
        context.run();
        r.check(run_end::detached);
        BOOST_TEST(r.summary.tasks.unfinished == 1u);
        id = r.summary.id;

        result late;
        async_run_dag(e, must_load(e, adding), {}, late.token());
        context.restart();
        context.run();
        late.check(run_end::detached);
        BOOST_TEST(late.summary.id.value() == "");
    }
    asio::io_context context(1);
    engine e(context, {.state = state});
    BOOST_TEST_REQUIRE(e.unfinished().size() == 1u);
    BOOST_TEST(e.unfinished().front().value() == id.value());
    std::optional<run_summary> resumed;
    std::exception_ptr again;
    async_run(e.loop(), "resume", e.resume(id),
              [&](std::exception_ptr, std::optional<run_summary> s) { resumed = std::move(s); });
    async_run(e.loop(), "resume", e.resume(id),
              [&](std::exception_ptr error, std::optional<run_summary>) { again = error; });
    context.run();
    BOOST_TEST_REQUIRE(resumed.has_value());
    BOOST_TEST(resumed->succeeded());
    BOOST_TEST(resumed->id.value() == id.value());
    BOOST_TEST_REQUIRE(static_cast<bool>(again));
    check_error([&] { std::rethrow_exception(again); }, error_kind::run, id.value());
}

BOOST_AUTO_TEST_CASE(one_state_directory_has_one_engine)
{
    const scratch_dir scratch;
    asio::io_context context(1);
    engine first(context, {.state = scratch.path()});
    check_error([&] { engine second(context, {.state = scratch.path()}); }, error_kind::state, scratch.path().native());
}

BOOST_AUTO_TEST_CASE(an_engine_may_go_with_runs_under_way)
{
    asio::io_context context(1);
    result waits;
    result runs;
    {
        engine e(context, {.ephemeral = true});
        async_run_dag(e, must_load(e, waiting), {}, waits.token());
        async_run_dag(
            e, must_load(e, "tasks: {a: {operator: shell, with: {command: 'echo here; exec sleep 600'}}}"), {},
            [&context](const run_event& ev) {
                if (ev.what == run_event::kind::log)
                    context.stop();
            },
            runs.token());
        context.run();
    }
    context.restart();
    context.run();
    BOOST_TEST(waits.calls == 0);
    BOOST_TEST(runs.calls == 0);
}

BOOST_AUTO_TEST_SUITE_END()
