#include "engine/host/listener_events.hpp"

#include "engine/runtime/run_executor.hpp"

namespace potoo::host {

using kind = run_event::kind;

run_event listener_events::about_run(kind k) const
{
    run_event e;
    e.what = k;
    if (executor_)
        e.run = executor_->id().value();
    return e;
}

run_event listener_events::about_item(kind k, task_index t, item_index i) const
{
    run_event e = about_run(k);
    if (executor_)
        e.task = executor_->dag()[t].name;
    e.item = i;
    return e;
}

// An exception would break the engine off in the middle of a decision, so there is no going on after one.
void listener_events::tell(const run_event& e) const noexcept
{
    if (listener_)
        listener_(e);
}

void listener_events::run_started(const runtime::run_executor& e, bool)
{
    executor_ = &e;
    tell(about_run(kind::run_started));
}

void listener_events::attempt_started(task_index t, item_index i, attempt_number n)
{
    run_event e = about_item(kind::attempt_started, t, i);
    e.attempt = n;
    tell(e);
}

void listener_events::attempt_deferred(task_index t, item_index i, bool deferred)
{
    tell(about_item(deferred ? kind::attempt_deferred : kind::attempt_continued, t, i));
}

void listener_events::attempt_progress(task_index t, item_index i, double fraction, std::string_view message)
{
    run_event e = about_item(kind::attempt_progress, t, i);
    e.fraction = fraction;
    e.text = message;
    tell(e);
}

void listener_events::attempt_ended(const runtime::attempt_report& report)
{
    run_event e = about_item(kind::attempt_ended, report.task, report.item);
    e.attempt = report.attempt;
    e.state = to_string(report.outcome);
    e.output = report.output;
    // The policy lets it be tried again; the limit may not.
    e.will_retry = report.will_retry;
    if (report.error) {
        if (const json::value* message = report.error->if_contains("message"); message && message->is_string())
            e.text = message->get_string();
    }
    tell(e);
}

void listener_events::task_ended(task_index t, schedule::task_state state)
{
    run_event e = about_item(kind::task_ended, t, item_index(0));
    e.state = to_string(state);
    tell(e);
}

void listener_events::log(task_index t, item_index i, attempt_number n, journal::log_stream, std::string_view text)
{
    run_event e = about_item(kind::log, t, i);
    e.attempt = n;
    e.text = text;
    tell(e);
}

void listener_events::warning(std::string_view text)
{
    run_event e = about_run(kind::warning);
    e.text = text;
    tell(e);
}

void listener_events::run_ended(const runtime::run_executor& ended)
{
    run_event e = about_run(kind::run_ended);
    e.state = to_string(ended.machine().state());
    tell(e);
    executor_ = nullptr;
}

} // namespace potoo::host
