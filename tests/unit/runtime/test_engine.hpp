#pragma once
// An engine on a virtual clock with operators for tests, its journal in memory.

#include "engine/graph/load.hpp"
#include "engine/graph/params.hpp"
#include "engine/journal/memory_store.hpp"
#include "engine/loop/virtual_loop.hpp"
#include "engine/runtime/run_executor.hpp"

#include <potoo/context.hpp>
#include <potoo/http.hpp>
#include <potoo/process.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

namespace potoo::test {

struct no_http final : http_client
{
    task<boost::system::result<http_response>> send(http_request) override { throw fatal("no HTTP in this test"); }

    std::size_t connections_opened() const noexcept override { return 0; }
};

struct no_processes final : process_runner
{
    task<process_end> run(process_spec, output_sink) override { throw fatal("no processes in this test"); }
};

/// What the operators of the test do, and what they saw.
struct script
{
    std::vector<std::string> started; ///< `task` or `task[item]`, with `#n` from the second attempt on
    std::vector<std::string> side_effects;
    std::map<std::string, int> failures; ///< attempts of a task that fail before one succeeds
};

inline script& the_script()
{
    static script s;
    return s;
}

inline std::string name_of(context& ctx)
{
    std::string name(ctx.task_name());
    if (ctx.names().find("item"))
        name += "[" + std::to_string(ctx.item().value()) + "]";
    if (ctx.attempt().value() > 1)
        name += "#" + std::to_string(ctx.attempt().value());
    return name;
}

/// Sleeps `for` seconds, fails as often as the script says, returns `output`.
inline task<json::value> work(context& ctx)
{
    the_script().started.push_back(name_of(ctx));
    if (const json::value* seconds = ctx.input().if_contains("for")) {
        const context::deferral deferred(ctx);
        co_await sleep_for(std::chrono::seconds(seconds->to_number<std::int64_t>()));
    }
    int& failures = the_script().failures[std::string(ctx.task_name())];
    if (failures > 0) {
        --failures;
        throw failure("not this time", "scripted");
    }
    if (const json::value* c = ctx.input().if_contains("fatal"))
        throw fatal(std::string(c->as_string()));
    const json::value* output = ctx.input().if_contains("output");
    co_return output ? *output : json::value();
}

inline task<json::value> effect(std::string what)
{
    the_script().side_effects.push_back(what);
    co_return json::value(json::string(what + " done"));
}

/// Two steps with a sleep between them.
inline task<json::value> two_steps(context& ctx)
{
    the_script().started.push_back(name_of(ctx));
    auto first = co_await ctx.step("first", effect("first"));
    co_await sleep_for(std::chrono::seconds(10));
    auto second = co_await ctx.step("second", effect("second"));
    co_return json::array{first, second};
}

inline task<json::value> throws_oddly(context&)
{
    throw 5;
    co_return nullptr;
}

/// Told to stop, it has already done its work.
inline task<json::value> ends_anyway(context& ctx)
{
    the_script().started.push_back(name_of(ctx));
    try {
        co_await sleep_for(std::chrono::hours(1));
    } catch (const cancelled&) {
        co_return json::value(json::string("done"));
    }
    co_return nullptr;
}

/// Tells what it does; publishes `output` under `name`.
inline task<json::value> tells(context& ctx)
{
    ctx.progress(3, 10, "things");
    ctx.progress(0, 0);
    ctx.publish(std::string_view(ctx.input().at("name").as_string()), ctx.input().at("output"));
    co_return nullptr;
}

inline operator_registry& test_operators()
{
    static operator_registry registry;
    if (registry.all().empty()) {
        registry.add("work", work, {.summary = "Works."});
        registry.add("two_steps", two_steps, {.summary = "Two steps."});
        registry.add("ends_anyway", ends_anyway, {.summary = "Ends well whatever it is told."});
        registry.add("tells", tells, {.summary = "Tells what it does."});
        registry.add("throws_oddly", throws_oddly, {.summary = "Throws an int."});
    }
    return registry;
}

struct recording_observer final : runtime::run_observer
{
    void task_ended(task_index t, schedule::task_state s) override { ended.emplace_back(t.value(), s); }

    void attempt_ended(const runtime::attempt_report& r) override
    {
        if (r.error)
            errors.push_back(*r.error);
    }

    void log(task_index, item_index, attempt_number, journal::log_stream, std::string_view text) override
    {
        logged += text;
    }

    void attempt_deferred(task_index, item_index, bool deferred) override { deferrals.push_back(deferred); }

    void attempt_progress(task_index, item_index, double fraction, std::string_view message) override
    {
        progress.emplace_back(fraction, message);
    }

    void attempt_property(task_index, item_index, attempt_number, std::string_view name,
                          const json::value& value) override
    {
        properties[std::string(name)] = value;
    }

    void warning(std::string_view text) override { warnings.emplace_back(text); }

    void run_started(const runtime::run_executor&, bool) override { ++starts; }

    void run_ended(const runtime::run_executor&) override { ++ends; }

    std::vector<bool> deferrals;
    std::vector<std::pair<double, std::string>> progress;
    std::map<std::string, json::value> properties;
    std::vector<std::string> warnings;
    int starts = 0;
    int ends = 0;
    std::vector<std::pair<std::uint32_t, schedule::task_state>> ended;
    std::vector<json::object> errors;
    std::string logged;
};

class engine
{
  public:
    engine() { the_script() = {}; }

    std::shared_ptr<const graph::dag> load(const std::string& yaml)
    {
        graph::load_result r = graph::load_dag(yaml, "test.yaml", test_operators());
        BOOST_TEST_REQUIRE((r.value != nullptr), graph::format_diagnostics(r));
        return r.value;
    }

    /// Starts a run; it goes on when the loop runs.
    runtime::run_executor& start(const std::string& yaml, json::object params = {})
    {
        runtime::run_plan plan;
        plan.id = run_id("testrun00000");
        plan.dag = load(yaml);
        plan.params = graph::check_params(*plan.dag, params).values;
        plan.created = loop.wall_now();
        executor = std::make_unique<runtime::run_executor>(services, std::move(plan), mask, observer);
        executor->start([this] { ended = true; });
        return *executor;
    }

    schedule::run_state run(const std::string& yaml, json::object params = {})
    {
        start(yaml, std::move(params));
        loop.run();
        BOOST_TEST_REQUIRE(ended);
        return executor->machine().state();
    }

    /// As after a crash: nothing is left but the journal.
    runtime::run_executor& crash_and_recover(const std::string& yaml)
    {
        executor->detach();
        executor.reset();
        return recover(yaml);
    }

    runtime::run_executor& recover(const std::string& yaml)
    {
        const journal::run_row row = store.runs({}).front();
        runtime::run_plan plan;
        plan.id = row.id;
        plan.dag = load(yaml);
        plan.params = json::parse(row.params).as_object();
        plan.created = row.created;
        ended = false;
        executor = std::make_unique<runtime::run_executor>(services, std::move(plan), mask, observer);
        executor->recover(row.number, records(), [this] { ended = true; });
        return *executor;
    }

    /// Begins with a journal that was written elsewhere, as of a run that `start` made.
    runtime::run_executor& recover_from(const std::string& yaml, const std::vector<journal::record>& records)
    {
        auto document = std::make_shared<journal::dag_document>();
        document->name = "test";
        const auto d = load(yaml);
        for (const auto& t : d->tasks)
            document->tasks.push_back(t.name);
        journal::batch b;
        journal::new_run run;
        run.number = journal::run_number(1);
        run.id = run_id("testrun00000");
        run.dag = document;
        run.params = "{}";
        run.created = loop.wall_now();
        b.runs.push_back(std::move(run));
        b.records = records;
        store.append(b);
        return recover(yaml);
    }

    [[nodiscard]] std::vector<journal::record> records()
    {
        std::vector<journal::record> all;
        store.records(journal::run_number(1), journal::record_seq(0), [&](auto, const journal::record& r) {
            all.push_back(r);
            return true;
        });
        return all;
    }

    [[nodiscard]] std::size_t count(journal::record_kind kind)
    {
        const auto all = records();
        return static_cast<std::size_t>(
            std::count_if(all.begin(), all.end(), [&](const auto& r) { return r.kind == kind; }));
    }

    [[nodiscard]] std::vector<journal::task_row> tasks() { return store.tasks(journal::run_number(1)); }

    [[nodiscard]] json::value output_of(std::uint32_t task)
    {
        const std::string text = tasks().at(task).output;
        return text.empty() ? json::value() : json::parse(text);
    }

    boost::asio::io_context context{1};
    virtual_loop loop{context};
    journal::memory_store store;
    runtime::commit_log log{loop, store, journal::writer_mode::synchronous};
    no_http http;
    no_processes processes;
    std::mt19937_64 entropy{1};
    runtime::shared_objects shared;
    std::uint64_t memory = 0; ///< in use, as far as the engine knows
    runtime::start_gate starts{
        loop, {[this] { return memory; }, {}}, [this](const std::string& text) { observer.warning(text); }};
    runtime::pool_book pools;
    runtime::services services{loop, http, processes, log, test_operators(), std::ref(entropy), shared, starts, pools};
    runtime::secret_mask mask;
    recording_observer observer;
    std::unique_ptr<runtime::run_executor> executor;
    bool ended = false;
};

} // namespace potoo::test
