#include "engine/cli/run_watch.hpp"

#include "engine/cli/display/output.hpp"
#include "engine/runtime/run_executor.hpp"

#include <fmt/format.h>

#include <system_error>

namespace potoo::cli {

using schedule::task_state;

namespace {

run_report make_report(const runtime::run_executor& executor)
{
    const schedule::run_machine& machine = executor.machine();
    run_report report;
    report.id = executor.id();
    report.dag_name = executor.dag().name;
    report.state = machine.state();
    report.detached = executor.detached();
    report.tasks = machine.task_totals();
    report.items = machine.item_totals();
    report.elapsed = std::chrono::floor<duration>(executor.elapsed());
    if (report.tasks[task_state::failed] + report.tasks[task_state::timed_out] == 0)
        return report;
    for (std::uint32_t t = 0; t < executor.dag().tasks.size(); ++t) {
        const task_state state = machine.state_of(task_index(t));
        if (state != task_state::failed && state != task_state::timed_out)
            continue;
        if (report.failures.size() == run_watch::failures_reported) {
            ++report.failures_left_out;
            continue;
        }
        const auto items = machine.counts(task_index(t));
        const json::object* error = executor.values().error(task_index(t));
        report.failures.push_back({executor.dag().tasks[t].name, state, items.total(),
                                   items[task_state::failed] + items[task_state::timed_out],
                                   error ? error_message(*error) : std::string()});
    }
    return report;
}

} // namespace

template <class Function>
void run_watch::show(Function&& f)
{
    if (output_lost_)
        return;
    std::string why;
    try {
        f();
        return;
    } catch (const output_closed&) {
    } catch (const std::system_error& e) {
        why = e.what();
    }
    output_lost_ = true;
    on_output_lost_(why);
}

/// Of a run that had ended before only its remote jobs are looked after: it is never shown as started.
template <class Function>
void run_watch::show_of_run(Function&& f)
{
    if (run_)
        show(std::forward<Function>(f));
}

void run_watch::run_started(const runtime::run_executor& executor, bool resumed)
{
    run_.emplace();
    run_->id = executor.id();
    run_->machine = &executor.machine();
    run_->elapsed = [&executor] { return std::chrono::floor<duration>(executor.elapsed()); };
    run_->item_name = [&executor](task_index t, item_index i) { return executor.values().item_name(t, i); };
    run_->resumed = resumed;
    show([&] { display_.run_started(*run_); });
}

void run_watch::attempt_started(task_index t, item_index i, attempt_number n)
{
    show_of_run([&] { display_.attempt_started(*run_, t, i, n); });
}

void run_watch::attempt_deferred(task_index t, item_index i, bool deferred)
{
    show_of_run([&] { display_.attempt_deferred(*run_, t, i, deferred); });
}

void run_watch::attempt_progress(task_index t, item_index i, double fraction, std::string_view message)
{
    show_of_run([&] { display_.attempt_progress(*run_, t, i, fraction, message); });
}

void run_watch::attempt_ended(const runtime::attempt_report& report)
{
    show_of_run([&] { display_.attempt_ended(*run_, report); });
}

void run_watch::task_ended(task_index t, task_state state)
{
    show_of_run([&] { display_.task_ended(*run_, t, state); });
}

void run_watch::log(task_index t, item_index i, attempt_number n, journal::log_stream stream, std::string_view text)
{
    show_of_run([&] { display_.log(*run_, t, i, n, stream, text); });
}

void run_watch::warning(std::string_view text)
{
    if (!ended_.empty())
        return notice(text);
    show([&] { display_.warning(text); });
}

void run_watch::notice(std::string_view text)
{
    ++notices_;
    if (notices_ <= notices_shown)
        show([&] { display_.notice(fmt::format("{}: {}\n", ended_, text)); });
    else if (notices_ == notices_shown + 1)
        show([&] { display_.notice(fmt::format("{}: and so on\n", ended_)); });
}

void run_watch::run_ended(const runtime::run_executor& executor)
{
    report_ = make_report(executor);
    show([&] { display_.run_ended(*run_, *report_); });
    run_.reset();
}

} // namespace potoo::cli
