// What an operator calls that is recorded, and found again in a replay.

#include "engine/runtime/launch_name.hpp"
#include "engine/runtime/live_attempt.hpp"
#include "engine/runtime/run_executor.hpp"

#include <potoo/concurrency.hpp>
#include <potoo/json_members.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace potoo::runtime {
namespace {

/// After so long a sleep until a time of the calendar looks at the wall clock again, which may have been set.
constexpr duration longest_blind_sleep{60'000};

json::value milliseconds_of(wall_time t)
{
    return std::int64_t{t.time_since_epoch().count()};
}

wall_time time_recorded(const journal::record& r)
{
    return wall_time(duration(parse_recorded(r.data).to_number<std::int64_t>()));
}

/// Of a callback that was completed as failed.
failure callback_failure(const std::string& name, const json::value& said)
{
    std::string message = said.is_string() ? std::string(said.get_string()) : text_in(said, "message");
    if (message.empty())
        message = fmt::format("the callback `{}` was completed as failed{}", name,
                              said.is_null() ? std::string() : ": " + json::serialize(said));
    return failure(message, text_in(said, "code"));
}

task<> until_completed(callback_book::entry& e)
{
    co_await e.completed.reached(1);
}

/// @throws failure when nothing was heard of it for that long
task<> completed_or_silent(callback_book::entry& e, steady_time began, duration silence)
{
    while (e.completed.value() == 0) {
        const steady_time heard = std::max(began, e.heard);
        auto completed = until_completed(e);
        co_await in_time(std::move(completed), heard + silence);
        if (e.completed.value() == 0 && e.heard <= heard)
            throw failure(
                fmt::format("nothing was heard of the callback `{}` for {}", e.name, format_duration(silence)),
                "heartbeat_missed");
    }
}

[[noreturn]] void throw_recorded_failure(const json::value& error)
{
    const json::object& o = error.as_object();
    const std::string message(o.at("message").as_string());
    const std::string code(o.contains("code") ? std::string(o.at("code").as_string()) : std::string());
    const std::string_view c = o.at("class").as_string();
    if (c == "fatal")
        throw fatal(message, code);
    if (c == "unknown_outcome")
        throw unknown_outcome(message, code);
    if (c == "skip")
        throw skip(message);
    throw failure(message, code);
}

} // namespace

journal::record live_attempt::make_record(journal::record_kind kind, std::string name) const
{
    journal::record r;
    r.kind = kind;
    r.task = task_;
    r.item = item_;
    r.attempt = number_;
    r.name = std::move(name);
    return r;
}

journal::position live_attempt::append(journal::record&& r)
{
    if (parts_ && parts_->calls)
        parts_->calls->write_held();
    return owner_.append(std::move(r));
}

counter::wait live_attempt::commit(journal::record&& r)
{
    return owner_.services().log.reached(append(std::move(r)));
}

void live_attempt::refuse_if_stopped(const branch& here) const
{
    if (here.cancel_requested() != cancel_reason::none)
        throw cancelled(here.cancel_requested());
    if (stop_ != cancel_reason::none)
        throw cancelled(stop_);
}

task<> live_attempt::begin_new(branch& here)
{
    if (parts_ && parts_->calls)
        parts_->calls->refuse_if_closed(parts_->calls->path_of(here));
    if (stop_is_held())
        co_await calls().let_go().reached(1);
    refuse_if_stopped(here);
    if (parts_ && parts_->calls)
        parts_->calls->write_held();
}

task<json::value> live_attempt::step(std::string name, task<json::value> work)
{
    branch& here = co_await this_branch();
    journal::record r = calls().next_call(here, call_kind::step, std::move(name));
    if (const journal::record* before = calls().recall_call(r)) {
        const json::value value = parse_recorded(before->data);
        if (before->state == journal::recorded_state::failed)
            throw_recorded_failure(value);
        co_return value;
    }
    co_await begin_new(here);
    // The work must not be in the world before what led to it is in the journal.
    co_await owner_.services().log.reached(unawaited_);
    refuse_if_stopped(here);
    json::value value;
    std::exception_ptr failed;
    try {
        value = co_await std::move(work);
        owner_.mask().clean(value);
        r.data = recordable_text(value, fmt::format("the result of the step `{}`", r.name));
    } catch (const task_error&) {
        failed = std::current_exception();
    } catch (const std::exception& e) {
        failed = std::make_exception_ptr(failure(e.what(), "exception"));
    }
    if (failed) {
        r.state = journal::recorded_state::failed;
        json::object error = result_of(failed, cancel_reason::none, false).error;
        for (auto& member : error)
            owner_.mask().clean(member.value());
        r.data = json::serialize(error);
    }
    co_await commit(std::move(r));
    if (failed)
        std::rethrow_exception(failed);
    co_return value;
}

task<> live_attempt::sleep_until(std::string name, wall_time t)
{
    branch& here = co_await this_branch();
    journal::record r = calls().next_call(here, call_kind::sleep_until, std::move(name));
    if (const journal::record* before = calls().recall_call(r)) {
        t = time_recorded(*before);
    } else {
        co_await begin_new(here);
        r.data = json::serialize(milliseconds_of(t));
        append_unawaited(std::move(r));
    }
    if (t <= loop().wall_now())
        co_return;
    const deferral waits(*this);
    while (loop().wall_now() < t) {
        const duration left = t - loop().wall_now();
        co_await sleep_for(std::min(left, longest_blind_sleep));
    }
}

task<wall_time> live_attempt::now()
{
    branch& here = co_await this_branch();
    journal::record r = calls().next_call(here, call_kind::now, {});
    if (const journal::record* before = calls().recall_call(r))
        co_return time_recorded(*before);
    co_await begin_new(here);
    const wall_time t = loop().wall_now();
    r.data = json::serialize(milliseconds_of(t));
    append_unawaited(std::move(r));
    co_return t;
}

task<std::string> live_attempt::uuid()
{
    branch& here = co_await this_branch();
    const std::string path = calls().path_of(here);
    co_return make_replayable_uuid(token(), path, calls().next_draw(path));
}

task<double> live_attempt::random()
{
    branch& here = co_await this_branch();
    const std::string path = calls().path_of(here);
    co_return make_replayable_number(token(), path, calls().next_draw(path));
}

task<open_callback> live_attempt::callback(std::string name, json::value about)
{
    branch& here = co_await this_branch();
    journal::record r = calls().next_call(here, call_kind::callback, name);
    if (const journal::record* before = calls().recall_call(r))
        co_return open_callback(std::move(name), parse_opened(before->data).token, owner_.services().callback_base);
    co_await begin_new(here);
    owner_.mask().clean(about);
    const opened_callback opened{make_callback_token(owner_.id(), owner_.services().unguessable), std::move(about)};
    r.data = recordable_text(opened_form(opened), fmt::format("what the callback `{}` says of itself", name));
    r.at = owner_.clock().wall_now();
    owner_.callbacks().open(r);
    co_await commit(std::move(r));
    co_return open_callback(std::move(name), opened.token, owner_.services().callback_base);
}

task<json::value> live_attempt::completion(open_callback c, duration silence)
{
    callback_book::entry* e = owner_.callbacks().find(c.token());
    if (!e)
        throw fatal(fmt::format("the callback `{}` was not opened by this run", c.name()), "unknown_callback");
    // Comes from the journal, so a group in which it waits is one of those that are remembered.
    branch& here = co_await this_branch();
    calls().note_trace(here);
    {
        const deferral waits(*this);
        if (silence == duration::max())
            co_await e->completed.reached(1);
        else
            co_await completed_or_silent(*e, loop().now(), silence);
        co_await owner_.services().log.reached(e->durable);
    }
    if (!e->success)
        throw callback_failure(e->name, e->answer);
    co_return e->answer;
}

std::optional<json::value> live_attempt::recorded(std::string_view name)
{
    attempt_replay* known = records();
    const journal::record* found = known ? known->take_fact(name) : nullptr;
    if (!found)
        return std::nullopt;
    auto value = found->kind == journal::record_kind::launch_intent ? json::value(json::string(found->name))
                                                                    : parse_recorded(found->data);
    deliver_stop_if_arrived();
    return value;
}

launch_token live_attempt::claim_token()
{
    if (std::exchange(token_claimed_, true))
        throw fatal("an attempt launches one remote job, and this is its second: let another task launch that, or "
                    "another item of a `foreach`",
                    "second_launch");
    if (attempt_replay* known = records()) {
        known->claim_launch();
        deliver_stop_if_arrived();
    }
    return token();
}

task<> live_attempt::record(std::string name, json::value fact)
{
    branch& here = co_await this_branch();
    // What was left before the first group counts for none.
    if (parts_ && parts_->calls)
        parts_->calls->note_trace(here);
    journal::record r = make_record(journal::record_kind::step_recorded, name);
    if (name == to_string(journal::record_kind::launch_intent)) {
        co_await begin_new(here);
        attempt_replay* known = records();
        if (const journal::record* left = known ? known->next_call({}) : nullptr)
            throw fatal(fmt::format("the operator has changed: it launches a job before its call {}, which was "
                                    "recorded as {}; retry the task to run it from the start",
                                    left->step, describe_call(call_kind_of(*left), left->name)),
                        "operator_changed");
        r.kind = journal::record_kind::launch_intent;
        r.name = token().value();
    } else if (name == to_string(journal::record_kind::launch_recorded)) {
        r.kind = journal::record_kind::launch_recorded;
        r.name = token().value();
        r.data = recordable_text(fact, "the id of the job");
    } else {
        owner_.mask().clean(fact);
        r.state = journal::recorded_state::success;
        r.step = no_step;
        r.data = recordable_text(fact, fmt::format("the fact `{}`", name));
        calls().records_to_keep().remember(r);
        deliver_stop_if_arrived();
    }
    co_await commit(std::move(r));
}

} // namespace potoo::runtime
