#include "engine/cli/display/json_events.hpp"

namespace potoo::cli {

namespace {

json::string_view sv(std::string_view text)
{
    return {text.data(), text.size()};
}

} // namespace

json::object counts_object(const schedule::state_counts& counts)
{
    json::object out;
    for (std::size_t s = 0; s < schedule::task_state_count; ++s) {
        const auto state = static_cast<schedule::task_state>(s);
        if (counts[state] > 0)
            out[sv(to_string(state))] = counts[state];
    }
    return out;
}

json::object json_events::begin(std::string_view type, const shown_run& run) const
{
    return {{"type", sv(type)}, {"run", run.id.value()}};
}

json::object json_events::begin(std::string_view type, const shown_run& run, task_index t, item_index i) const
{
    json::object event = begin(type, run);
    event["task"] = run.dag()[t].name;
    if (run.dag()[t].foreach) {
        event["item"] = i.value();
        event["key"] = run.item_name(t, i);
    }
    return event;
}

void json_events::emit(const json::object& event)
{
    data_.line(json::serialize(event));
}

void json_events::run_started(const shown_run& run)
{
    json::object event = begin("run_started", run);
    event["dag"] = run.dag().name;
    event["tasks"] = run.dag().tasks.size();
    event["resumed"] = run.resumed;
    event["at"] = format_time(now_());
    emit(event);
}

void json_events::attempt_started(const shown_run& run, task_index t, item_index i, attempt_number n)
{
    json::object event = begin("attempt_started", run, t, i);
    event["attempt"] = n.value();
    event["at"] = format_time(now_());
    emit(event);
}

void json_events::attempt_deferred(const shown_run&, task_index, item_index, bool) {}

void json_events::attempt_progress(const shown_run& run, task_index t, item_index i, double fraction,
                                   std::string_view message)
{
    json::object event = begin("attempt_progress", run, t, i);
    event["fraction"] = fraction;
    if (!message.empty())
        event["message"] = sv(message);
    emit(event);
}

void json_events::attempt_ended(const shown_run& run, const runtime::attempt_report& report)
{
    json::object event = begin("attempt_ended", run, report.task, report.item);
    event["attempt"] = report.attempt.value();
    event["state"] = sv(to_string(report.outcome));
    event["elapsed_ms"] = report.elapsed.count();
    if (report.output && !report.output->is_null()) {
        if (json::serialize(*report.output).size() <= largest_output)
            event["output"] = *report.output;
        else
            event["output_left_out"] = true;
    }
    if (report.error)
        event["error"] = *report.error;
    if (report.will_retry)
        event["will_retry"] = true;
    event["at"] = format_time(now_());
    emit(event);
}

void json_events::task_ended(const shown_run& run, task_index t, schedule::task_state state)
{
    json::object event = begin("task_ended", run);
    event["task"] = run.dag()[t].name;
    event["state"] = sv(to_string(state));
    if (run.dag()[t].foreach)
        event["items"] = counts_object(run.machine->counts(t));
    event["at"] = format_time(now_());
    emit(event);
}

void json_events::log(const shown_run& run, task_index t, item_index i, attempt_number n, journal::log_stream stream,
                      std::string_view text)
{
    json::object event = begin("log", run, t, i);
    event["attempt"] = n.value();
    event["stream"] = sv(to_string(stream));
    event["text"] = sv(text);
    emit(event);
}

void json_events::run_ended(const shown_run& run, const run_report& report)
{
    json::object event = begin("run_finished", run);
    event["state"] = sv(to_string(report.state));
    if (report.detached)
        event["detached"] = true;
    event["tasks"] = counts_object(report.tasks);
    event["elapsed_ms"] = report.elapsed.count();
    emit(event);
    data_.flush();
}

void json_events::warning(std::string_view text)
{
    emit({{"type", "warning"}, {"text", sv(text)}, {"at", format_time(now_())}});
}

} // namespace potoo::cli
