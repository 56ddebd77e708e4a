#pragma once
// A run whose events the test makes, on a clock that the test sets: the real scheduler, and nothing that runs.

#include "engine/cli/display/display.hpp"
#include "engine/graph/load.hpp"

#include <potoo/operator.hpp>

#include <boost/test/unit_test.hpp>

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace potoo::cli::test {

inline const operator_registry& known_operators()
{
    static operator_registry registry;
    static const bool filled = [] {
        registry.add("noop", nullptr, {.summary = "Does nothing.", .schema = R"({"type": "object"})"});
        registry.add(
            "late", nullptr,
            {.summary = "Looks at some of it later.",
             .schema = R"({"type": "object", "properties": {"now": {"type": "string"}, "then": {"type": "string"}}})",
             .late = "then",
             .late_names = "job"});
        return true;
    }();
    static_cast<void>(filled);
    return registry;
}

inline std::shared_ptr<const graph::dag> dag_of(const std::string& source)
{
    auto loaded = graph::load_dag(source, "demo.yaml", known_operators());
    BOOST_REQUIRE_MESSAGE(loaded.value, graph::format_diagnostics(loaded));
    return loaded.value;
}

/// Passes what the machine asks for on to a display, and says how attempts end.
class simulated_run
{
  public:
    simulated_run(const std::string& source, display& d) : dag_(dag_of(source)), machine_(*dag_), display_(d)
    {
        shown_.id = run_id("k3v9abcdefgh");
        shown_.machine = &machine_;
        shown_.elapsed = [this] { return now_; };
        shown_.item_name = [](task_index, item_index i) { return "k" + std::to_string(i.value()); };
    }

    const shown_run& shown() const { return shown_; }

    const schedule::run_machine& machine() const { return machine_; }

    void at(duration now) { now_ = now; }

    /// @param items of every `foreach`
    void start(std::uint32_t items = 4)
    {
        items_ = items;
        display_.run_started(shown_);
        carry_out(machine_.start());
    }

    void end(const std::string& task, std::uint32_t item, schedule::attempt_outcome outcome,
             const std::string& error = {}, bool retry = false)
    {
        const task_index t = *dag_->find(task);
        const json::object failure{{"class", "retryable"}, {"code", "exit_1"}, {"message", error}};
        const json::value output(7);
        runtime::attempt_report report;
        report.task = t;
        report.item = item_index(item);
        report.attempt = machine_.attempt_of(t, item_index(item));
        report.outcome = outcome;
        if (outcome == schedule::attempt_outcome::success)
            report.output = &output;
        else
            report.error = &failure;
        report.elapsed = duration(1'500);
        report.will_retry = retry;
        display_.attempt_ended(shown_, report);
        carry_out(machine_.apply(schedule::attempt_ended{t, item_index(item), outcome, retry, 0}));
    }

    void defer(const std::string& task, std::uint32_t item)
    {
        const task_index t = *dag_->find(task);
        carry_out(machine_.apply(schedule::attempt_deferred{t, item_index(item)}));
        display_.attempt_deferred(shown_, t, item_index(item), true);
    }

    void log(const std::string& task, std::uint32_t item, const std::string& text)
    {
        const task_index t = *dag_->find(task);
        display_.log(shown_, t, item_index(item), machine_.attempt_of(t, item_index(item)), journal::log_stream::out,
                     text);
    }

    run_report report(bool detached = false) const
    {
        run_report r;
        r.id = shown_.id;
        r.dag_name = dag_->name;
        r.state = machine_.state();
        r.detached = detached;
        r.tasks = machine_.task_totals();
        r.items = machine_.item_totals();
        r.elapsed = now_;
        return r;
    }

    void finish(bool detached = false) { display_.run_ended(shown_, report(detached)); }

  private:
    void carry_out(std::span<const schedule::action> actions)
    {
        std::vector<task_index> to_evaluate;
        for (const schedule::action& a : actions) {
            if (const auto* start = std::get_if<schedule::start_attempt>(&a))
                display_.attempt_started(shown_, start->task, start->item, start->attempt);
            if (const auto* ended = std::get_if<schedule::task_ended>(&a))
                display_.task_ended(shown_, ended->task, ended->state);
            if (const auto* evaluate = std::get_if<schedule::evaluate_task>(&a))
                to_evaluate.push_back(evaluate->task);
        }
        for (const task_index t : to_evaluate)
            carry_out(machine_.apply(schedule::task_evaluated{t, schedule::verdict::run, items_}));
    }

    std::shared_ptr<const graph::dag> dag_;
    schedule::run_machine machine_;
    display& display_;
    shown_run shown_;
    duration now_{0};
    std::uint32_t items_ = 4;
};

inline const char* demo_source = R"(name: demo
tasks:
  list: {operator: noop}
  align: {operator: noop, depends_on: [list], foreach: "${{ range(4) }}", retry: {limit: 1, delay: 1s}}
  check: {operator: noop, depends_on: [list], allow_failure: true}
  merge: {operator: noop, depends_on: [align]}
)";

/// The same story for every display: fan-out, deferral, a failure with its log, a retry, the end.
template <class Tick>
void tell_story(simulated_run& run, Tick tick)
{
    using schedule::attempt_outcome;
    using namespace std::chrono_literals;
    run.start();
    tick();
    run.at(1s);
    run.end("list", 0, attempt_outcome::success);
    tick();
    run.at(2s);
    run.defer("align", 0);
    run.log("check", 0, "one\ntwo\x1b[2J\nthree without end");
    run.end("check", 0, attempt_outcome::failed, "exit code 3");
    run.log("align", 1, "flaky\n");
    run.end("align", 1, attempt_outcome::failed, "connection reset", true);
    tick();
    run.at(7s);
    run.end("align", 0, attempt_outcome::success);
    run.end("align", 2, attempt_outcome::success);
    tick();
}

} // namespace potoo::cli::test
