#include "engine/server/events/event_text.hpp"

#include "engine/host/run_json.hpp"
#include "engine/server/runs/fraction_json.hpp"

#include <potoo/json.hpp>

#include <chrono>
#include <utility>

namespace potoo::server {

using journal::record;
using journal::record_kind;
using journal::recorded_state;

namespace {

constexpr std::size_t longest_error = 16UL * 1024;

std::string text_as_json(std::string_view text)
{
    return json::serialize(json::string_view(text.data(), text.size()));
}

void add(std::string& out, std::string_view name, std::string_view text)
{
    out.append(",\"").append(name).append("\":").append(text);
}

void add_text(std::string& out, std::string_view name, std::string_view text)
{
    if (!text.empty())
        add(out, name, text_as_json(text));
}

void add_number(std::string& out, std::string_view name, std::int64_t value)
{
    add(out, name, std::to_string(value));
}

void add_time(std::string& out, std::string_view name, wall_time t)
{
    out.append(",\"").append(name).append("\":\"").append(format_time(t)).append("\"");
}

/// As it was recorded, if it is JSON of a size that one sends to everybody.
void add_error(std::string& out, const std::string& data)
{
    if (data.empty())
        return;
    if (data.size() > longest_error) {
        add(out, "error",
            R"({"code":"too_long","message":"the error is too long to be sent along: ask for the attempt"})");
        return;
    }
    add(out, "error", json::serialize(host::recorded_json(data)));
}

/// The state that the record's run, task or item is in now.
recorded_state state_after(const record& r) noexcept
{
    switch (r.kind) {
    case record_kind::run_created:
    case record_kind::run_reopened:
        return recorded_state::queued;
    case record_kind::task_reopened:
        return recorded_state::pending;
    case record_kind::run_started:
    case record_kind::resumed:
    case record_kind::attempt_started:
    case record_kind::attempt_resumed:
        return recorded_state::running;
    case record_kind::paused:
        return recorded_state::paused;
    case record_kind::task_evaluated:
        return r.state == recorded_state::none ? recorded_state::queued : r.state;
    case record_kind::attempt_deferred:
        return recorded_state::deferred;
    case record_kind::attempt_interrupted:
    case record_kind::retry_scheduled:
        return recorded_state::retrying;
    case record_kind::cancel_requested:
        return recorded_state::cancelling;
    default:
        return r.state;
    }
}

void add_place(std::string& out, const record& r, const std::string& task)
{
    if (r.task == journal::no_task)
        return;
    add(out, "task", text_as_json(task));
    if (r.item == journal::no_item)
        return;
    add_number(out, "item", r.item.value());
    if (r.attempt.value() != 0)
        add_number(out, "attempt", r.attempt.value());
}

void add_details(std::string& out, const event_run& run, const record& r)
{
    switch (r.kind) {
    case record_kind::run_created:
        add_text(out, "by", run.origin.by);
        add_text(out, "name", run.origin.name);
        add_text(out, "cause", run.origin.cause);
        add_text(out, "key", run.origin.key);
        break;
    case record_kind::task_evaluated:
        add_number(out, "items", r.number);
        add_error(out, r.data);
        break;
    case record_kind::attempt_started:
        add_text(out, "key", r.name);
        break;
    case record_kind::attempt_ended:
        add_number(out, "elapsed_ms", r.number);
        if (r.state != recorded_state::success)
            add_error(out, r.data);
        break;
    case record_kind::run_ended:
    case record_kind::task_ended:
        if (r.state != recorded_state::success)
            add_error(out, r.data);
        break;
    case record_kind::retry_scheduled:
        add_time(out, "due", wall_time(std::chrono::milliseconds(r.number)));
        break;
    case record_kind::cancel_requested:
        add_text(out, "reason", r.name);
        break;
    case record_kind::remote_unconfirmed:
        add_error(out, r.data);
        break;
    default:
        break;
    }
}

std::string task_name(const event_run& run, task_index task)
{
    return task.value() < run.tasks.size() ? run.tasks[task.value()] : std::string();
}

void add_notice(std::string& out, const run_notice& notice)
{
    add(out, "task", text_as_json(notice.task));
    add_number(out, "item", notice.item.value());
    add_number(out, "attempt", notice.attempt.value());
    if (notice.what == run_notice::kind::progress) {
        add(out, "fraction", json::serialize(fraction_json(notice.fraction)));
        add_text(out, "message", notice.text);
    } else {
        add(out, "name", text_as_json(notice.text));
        add(out, "value", notice.value ? json::serialize(*notice.value) : "null");
    }
}

std::string beginning_of(event_type type)
{
    return std::string("\"type\":\"").append(to_string(type)).append("\"");
}

} // namespace

std::optional<event_type> type_of(record_kind k) noexcept
{
    switch (k) {
    case record_kind::run_created:
        return event_type::run_created;
    case record_kind::run_started:
        return event_type::run_started;
    case record_kind::run_ended:
        return event_type::run_ended;
    case record_kind::run_reopened:
        return event_type::run_reopened;
    case record_kind::task_evaluated:
        return event_type::task_evaluated;
    case record_kind::task_ended:
        return event_type::task_ended;
    case record_kind::task_reopened:
        return event_type::task_reopened;
    case record_kind::attempt_started:
        return event_type::attempt_started;
    case record_kind::attempt_deferred:
        return event_type::attempt_deferred;
    case record_kind::attempt_resumed:
        return event_type::attempt_resumed;
    case record_kind::attempt_ended:
        return event_type::attempt_ended;
    case record_kind::attempt_interrupted:
        return event_type::attempt_interrupted;
    case record_kind::retry_scheduled:
        return event_type::retry_scheduled;
    case record_kind::cancel_requested:
        return event_type::cancel_requested;
    case record_kind::paused:
        return event_type::paused;
    case record_kind::resumed:
        return event_type::resumed;
    case record_kind::remote_unconfirmed:
        return event_type::remote_unconfirmed;
    case record_kind::remote_confirmed:
        return event_type::remote_confirmed;
    default:
        return std::nullopt;
    }
}

std::string head_of(const run_id& id, std::string_view dag)
{
    std::string out;
    add(out, "run", text_as_json(id.value()));
    add(out, "dag", text_as_json(dag));
    return out;
}

std::optional<event> event_of(journal::record_seq seq, const record& r, std::shared_ptr<const event_run> run)
{
    const auto type = type_of(r.kind);
    if (!type)
        return std::nullopt;
    event e{seq, std::move(run), *type, state_after(r), {}, {}};
    if (r.task != journal::no_task)
        e.task = task_name(*e.run, r.task);
    e.text = "{\"seq\":" + std::to_string(seq.value()) + "," + beginning_of(*type) + e.run->head;
    add_time(e.text, "at", r.at);
    add_place(e.text, r, e.task);
    if (e.state != recorded_state::none)
        add(e.text, "state", text_as_json(journal::to_string(e.state)));
    add_details(e.text, *e.run, r);
    e.text += '}';
    return e;
}

std::optional<event> event_of(const run_notice& notice, wall_time at)
{
    event e;
    switch (notice.what) {
    case run_notice::kind::progress:
        e.type = event_type::progress;
        break;
    case run_notice::kind::property:
        e.type = event_type::property;
        break;
    case run_notice::kind::warning:
        e.type = event_type::warning;
        break;
    case run_notice::kind::ended:
        return std::nullopt; // The journal tells of it.
    }
    e.text = '{' + beginning_of(e.type);
    if (notice.run) {
        const runtime::run_origin origin = notice.origin ? *notice.origin : runtime::run_origin();
        e.run = std::make_shared<event_run>(
            event_run{*notice.run, std::string(notice.dag), origin, head_of(*notice.run, notice.dag), {}});
        e.text += e.run->head;
    }
    add_time(e.text, "at", at);
    if (e.type == event_type::warning) {
        add(e.text, "text", text_as_json(notice.text));
    } else {
        e.task = notice.task;
        add_notice(e.text, notice);
    }
    e.text += '}';
    return e;
}

event pool_event(std::string_view pool, std::uint32_t slots, wall_time at)
{
    event e;
    e.type = event_type::pool_resized;
    e.text = '{' + beginning_of(e.type);
    add_time(e.text, "at", at);
    add(e.text, "pool", text_as_json(pool));
    add_number(e.text, "slots", slots);
    e.text += '}';
    return e;
}

std::string message_of(journal::record_seq cursor, const std::vector<const event*>& events, const message_marks& marks)
{
    std::size_t size = 64 + marks.detail.size() + events.size();
    for (const event* e : events)
        size += e->text.size();
    std::string out;
    out.reserve(size);
    out.append("{\"cursor\":\"").append(std::to_string(cursor.value())).append("\",\"events\":[");
    for (const event* e : events)
        out.append(e == events.front() ? "" : ",").append(e->text);
    out += ']';
    if (marks.incomplete)
        add(out, "incomplete", "true");
    if (!marks.end.empty()) {
        out.append(",\"end\":{\"reason\":").append(text_as_json(marks.end));
        add(out, "detail", text_as_json(marks.detail));
        out += '}';
    }
    out += '}';
    return out;
}

} // namespace potoo::server
