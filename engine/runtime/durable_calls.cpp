// What an attempt records, and finds again in a replay: its calls, its facts, and who decided its groups.

#include "engine/runtime/launch_name.hpp"
#include "engine/runtime/live_attempt.hpp"
#include "engine/runtime/run_executor.hpp"

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
    const json::object* o = said.if_object();
    const auto text = [&](std::string_view member) {
        const json::value* v = o ? o->if_contains(member) : nullptr;
        return v && v->is_string() ? std::string(v->get_string()) : std::string();
    };
    std::string message = said.is_string() ? std::string(said.get_string()) : text("message");
    if (message.empty())
        message = fmt::format("the callback `{}` was completed as failed{}", name,
                              said.is_null() ? std::string() : ": " + json::serialize(said));
    return failure(message, text("code"));
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

std::string live_attempt::path_of(const branch& b) const
{
    return b.parent() ? path_below(path_of(*b.parent()), b.position()) : std::string();
}

std::string live_attempt::path_below(std::string path, std::uint32_t position) const
{
    const std::uint32_t calls = calls_of(path);
    if (!path.empty())
        path += '.';
    path += std::to_string(position);
    if (calls > 0)
        path += fmt::format("@{}", calls);
    return path;
}

std::uint32_t live_attempt::calls_of(const std::string& path) const
{
    const auto found = positions_.find(path);
    return found == positions_.end() ? 0 : found->second.calls;
}

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

task<> live_attempt::commit(journal::record r)
{
    const journal::position p = owner_.append(std::move(r));
    co_await owner_.services().log.reached(p);
}

journal::record live_attempt::next_call(const branch& here, call_kind kind, std::string name)
{
    journal::record r = make_record(kind == call_kind::callback ? journal::record_kind::callback_opened
                                                                : journal::record_kind::step_recorded,
                                    std::move(name));
    r.branch = path_of(here);
    r.step = positions_[r.branch].calls++;
    if (kind != call_kind::callback) {
        r.number = static_cast<std::int64_t>(kind);
        r.state = journal::recorded_state::success;
    }
    return r;
}

const journal::record* live_attempt::recall_call(const journal::record& call)
{
    const journal::record* before = replay_ ? replay_->records.take_call(call.branch, call.step) : nullptr;
    if (!before) {
        refuse_if_lost(call.branch);
        return nullptr;
    }
    const call_kind kind = call_kind_of(call);
    if (call_kind_of(*before) != kind || before->name != call.name)
        throw fatal(fmt::format("the operator has changed: its call {}{} was recorded as {} and is now {}; retry the "
                                "task to run it from the start",
                                call.step, call.branch.empty() ? "" : fmt::format(" on the branch {}", call.branch),
                                describe_call(call_kind_of(*before), before->name), describe_call(kind, call.name)),
                    "operator_changed");
    deliver_stop_if_arrived();
    return before;
}

void live_attempt::refuse_if_lost(std::string_view path) const
{
    if (replay_ && std::any_of(replay_->lost.begin(), replay_->lost.end(),
                               [&](const std::string& branch) { return is_at_or_below(path, branch); }))
        throw cancelled(cancel_reason::sibling);
}

const journal::record* live_attempt::recorded_decision(const std::string& path, std::uint32_t tasks) const
{
    const journal::record* r = replay_ ? replay_->records.find_call(path, calls_of(path)) : nullptr;
    if (!r || call_kind_of(*r) != call_kind::decision)
        return nullptr;
    return parse_recorded(r->data).at("of").to_number<std::uint32_t>() == tasks ? r : nullptr;
}

/// Has any of its branches come by something that is recorded, or drawn?
bool live_attempt::is_journaled(const std::string& path, std::uint32_t tasks) const
{
    for (std::uint32_t i = 0; i < tasks && !positions_.empty(); ++i) {
        const std::string branch = path_below(path, i);
        const auto found = positions_.lower_bound(branch);
        if (found != positions_.end() && is_at_or_below(found->first, branch))
            return true;
    }
    return false;
}

std::optional<std::uint32_t> live_attempt::recall(const branch& where, std::uint32_t tasks)
{
    if (!replay_)
        return std::nullopt;
    const std::string path = path_of(where);
    const journal::record* before = recorded_decision(path, tasks);
    if (!before)
        return std::nullopt;
    const auto first = parse_recorded(before->data).at("first").to_number<std::uint32_t>();
    for (std::uint32_t i = 0; i < tasks; ++i) {
        if (i != first)
            replay_->lost.push_back(path_below(path, i));
    }
    return first;
}

void live_attempt::settle(const branch& where, std::uint32_t tasks, std::optional<std::uint32_t> decided_by)
{
    if (positions_.empty() && !replay_)
        return;
    const std::string path = path_of(where);
    const bool recalled = recorded_decision(path, tasks) != nullptr;
    if (!recalled && !is_journaled(path, tasks))
        return;
    for (std::uint32_t i = 0; recalled && i < tasks; ++i) {
        const std::string branch = path_below(path, i);
        replay_->records.take_branch(branch);
        std::erase(replay_->lost, branch);
    }
    // Numbered also when nothing is recorded, so that what follows does not meet the branches of this group again.
    const std::uint32_t number = positions_[path].calls++;
    if (recalled) {
        replay_->records.take_call(path, number);
        deliver_stop_if_arrived();
    } else if (decided_by && stop_ == cancel_reason::none) {
        journal::record r = make_record(journal::record_kind::step_recorded, {});
        r.branch = path;
        r.step = number;
        r.number = static_cast<std::int64_t>(call_kind::decision);
        r.state = journal::recorded_state::success;
        r.data = json::serialize(json::object{{"first", *decided_by}, {"of", tasks}});
        // Not waited for: should it be lost, nothing that came after it is in the journal either.
        owner_.append(std::move(r));
    }
}

void live_attempt::refuse_if_stopped(const branch& here) const
{
    if (here.cancel_requested() != cancel_reason::none)
        throw cancelled(here.cancel_requested());
    if (stop_ != cancel_reason::none)
        throw cancelled(stop_);
}

task<json::value> live_attempt::step(std::string name, task<json::value> work)
{
    branch& here = co_await this_branch();
    journal::record r = next_call(here, call_kind::step, std::move(name));
    if (const journal::record* before = recall_call(r)) {
        const json::value value = parse_recorded(before->data);
        if (before->state == journal::recorded_state::failed)
            throw_recorded_failure(value);
        co_return value;
    }
    if (stop_is_held())
        co_await replay_->let_go.reached(1);
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
    journal::record r = next_call(here, call_kind::sleep_until, std::move(name));
    if (const journal::record* before = recall_call(r)) {
        t = time_recorded(*before);
    } else {
        if (stop_is_held())
            co_await replay_->let_go.reached(1);
        refuse_if_stopped(here);
        // Not waited for: should it be lost, nothing that came after it is in the journal either.
        r.data = json::serialize(milliseconds_of(t));
        owner_.append(std::move(r));
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
    journal::record r = next_call(here, call_kind::now, {});
    if (const journal::record* before = recall_call(r))
        co_return time_recorded(*before);
    if (stop_is_held())
        co_await replay_->let_go.reached(1);
    refuse_if_stopped(here);
    const wall_time t = loop().wall_now();
    // Not waited for: should it be lost, nothing that came after it is in the journal either.
    r.data = json::serialize(milliseconds_of(t));
    owner_.append(std::move(r));
    co_return t;
}

task<std::string> live_attempt::uuid()
{
    branch& here = co_await this_branch();
    const std::string path = path_of(here);
    co_return make_replayable_uuid(token_, path, positions_[path].draws++);
}

task<double> live_attempt::random()
{
    branch& here = co_await this_branch();
    const std::string path = path_of(here);
    co_return make_replayable_number(token_, path, positions_[path].draws++);
}

task<open_callback> live_attempt::callback(std::string name)
{
    branch& here = co_await this_branch();
    journal::record r = next_call(here, call_kind::callback, name);
    if (const journal::record* before = recall_call(r))
        co_return open_callback(std::move(name), std::string(parse_recorded(before->data).as_string()));
    if (stop_is_held())
        co_await replay_->let_go.reached(1);
    refuse_if_stopped(here);
    std::string callback_token = make_callback_token(owner_.id(), owner_.services().entropy);
    r.data = json::serialize(json::string(callback_token));
    owner_.callbacks().open(r);
    co_await commit(std::move(r));
    co_return open_callback(std::move(name), std::move(callback_token));
}

task<json::value> live_attempt::completion(open_callback c)
{
    callback_book::entry* e = owner_.callbacks().find(c.token());
    if (!e)
        throw fatal(fmt::format("the callback `{}` was not opened by this run", c.name()), "unknown_callback");
    // Comes from the journal, so a group in which it waits is one of those that are remembered.
    branch& here = co_await this_branch();
    positions_.try_emplace(path_of(here));
    {
        const deferral waits(*this);
        co_await e->completed.reached(1);
        co_await owner_.services().log.reached(e->durable);
    }
    if (!e->success)
        throw callback_failure(e->name, e->answer);
    co_return e->answer;
}

std::optional<json::value> live_attempt::recorded(std::string_view name)
{
    const journal::record* found = replay_ ? replay_->records.take_fact(name) : nullptr;
    if (!found)
        return std::nullopt;
    auto value = found->kind == journal::record_kind::launch_intent ? json::value(json::string(found->name))
                                                                    : parse_recorded(found->data);
    deliver_stop_if_arrived();
    return value;
}

const launch_token& live_attempt::claim_token()
{
    if (std::exchange(token_claimed_, true))
        throw fatal("an attempt launches one remote job, and this is its second: let another task launch that, or "
                    "another item of a `foreach`",
                    "second_launch");
    if (replay_) {
        replay_->records.claim_launch();
        deliver_stop_if_arrived();
    }
    return token_;
}

task<> live_attempt::record(std::string name, json::value fact)
{
    branch& here = co_await this_branch();
    journal::record r = make_record(journal::record_kind::step_recorded, name);
    if (name == to_string(journal::record_kind::launch_intent)) {
        refuse_if_lost(path_of(here));
        if (stop_is_held())
            co_await replay_->let_go.reached(1);
        refuse_if_stopped(here);
        if (const journal::record* left = replay_ ? replay_->records.next_call({}) : nullptr)
            throw fatal(fmt::format("the operator has changed: it launches a job before its call {}, which was "
                                    "recorded as {}; retry the task to run it from the start",
                                    left->step, describe_call(call_kind_of(*left), left->name)),
                        "operator_changed");
        r.kind = journal::record_kind::launch_intent;
        r.name = token_.value();
    } else if (name == to_string(journal::record_kind::launch_recorded)) {
        r.kind = journal::record_kind::launch_recorded;
        r.name = token_.value();
        r.data = recordable_text(fact, "the id of the job");
    } else {
        owner_.mask().clean(fact);
        r.state = journal::recorded_state::success;
        r.step = no_step;
        r.data = recordable_text(fact, fmt::format("the fact `{}`", name));
        if (!replay_)
            replay_ = std::make_unique<replay_state>(std::vector<journal::record>());
        replay_->records.remember(r);
        deliver_stop_if_arrived();
    }
    co_await commit(std::move(r));
}

} // namespace potoo::runtime
