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

journal::position live_attempt::append(journal::record r)
{
    write_held();
    return owner_.append(std::move(r));
}

task<> live_attempt::commit(journal::record r)
{
    const journal::position p = append(std::move(r));
    co_await owner_.services().log.reached(p);
}

journal::record live_attempt::next_call(const branch& here, call_kind kind, std::string name)
{
    journal::record r = make_record(kind == call_kind::callback ? journal::record_kind::callback_opened
                                                                : journal::record_kind::step_recorded,
                                    std::move(name));
    r.branch = path_of(here);
    branch_position& at = leave_trace(r.branch);
    // A loop in which nothing else was recorded had more rounds in an earlier life.
    for (const journal::record* before = nullptr; replay_; ++at.calls) {
        before = replay_->records.find_call(r.branch, at.calls);
        const auto decided = before ? decision_of(*before) : std::nullopt;
        if (!decided || !decided->quiet)
            break;
    }
    at.unkept = 0;
    r.step = at.calls++;
    if (kind != call_kind::callback) {
        r.number = static_cast<std::int64_t>(kind);
        r.state = journal::recorded_state::success;
    }
    return r;
}

const journal::record* live_attempt::recall_call(const journal::record& call)
{
    const journal::record* before = replay_ ? replay_->records.take_call(call.branch, call.step) : nullptr;
    if (!before)
        return nullptr;
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

void live_attempt::refuse_if_closed(std::string_view path) const
{
    if (!replay_)
        return;
    for (const closed_branch& c : replay_->closed) {
        if (!is_at_or_below(path, c.path))
            continue;
        if (c.lost)
            throw cancelled(cancel_reason::sibling);
        throw fatal(fmt::format("the operator has changed: on the branch {} it does something that is recorded, and "
                                "did nothing of the kind before; retry the task to run it from the start",
                                path),
                    "operator_changed");
    }
}

std::optional<decision> live_attempt::recorded_decision(const std::string& path, std::uint32_t tasks) const
{
    const auto at = positions_.find(path);
    const journal::record* r = replay_ ? replay_->records.find_call(path, calls_of(path)) : nullptr;
    auto d = r ? decision_of(*r) : std::nullopt;
    const std::uint32_t unkept = at == positions_.end() ? 0 : at->second.unkept;
    return d && d->of == tasks && d->after <= unkept ? d : std::nullopt;
}

live_attempt::branch_position& live_attempt::leave_trace(const std::string& path)
{
    ++traces_;
    return positions_[path];
}

bool live_attempt::has_trace(const std::string& path, std::uint32_t tasks) const
{
    const auto at = positions_.find(path);
    if (at == positions_.end() || at->second.traces_before == traces_)
        return false;
    for (std::uint32_t i = 0; i < tasks; ++i) {
        const std::string branch = path_below(path, i);
        const auto found = positions_.lower_bound(branch);
        if (found != positions_.end() && is_at_or_below(found->first, branch))
            return true;
    }
    return false;
}

std::optional<std::uint32_t> live_attempt::recall(const branch& where, std::uint32_t tasks)
{
    const std::string path = path_of(where);
    branch_position& at = positions_[path];
    at.traces_before = traces_;
    at.decided = false;
    if (!replay_ || !replay_->records.find_call(path, at.calls))
        return std::nullopt;
    const auto known = recorded_decision(path, tasks);
    close_branches(path, tasks, known);
    return known ? known->first : std::nullopt;
}

/// @param known nothing when something else is recorded in its place, so that nothing in the group was
void live_attempt::close_branches(const std::string& path, std::uint32_t tasks, const std::optional<decision>& known)
{
    for (std::uint32_t i = 0; i < tasks; ++i) {
        const bool lost = known && known->first && i != *known->first;
        if (lost || !known || known->quiet)
            replay_->closed.push_back({path_below(path, i), path, calls_of(path), lost});
    }
}

void live_attempt::decide(const branch& where, std::uint32_t tasks, std::uint32_t decided_by)
{
    const std::string path = path_of(where);
    if (stop_ != cancel_reason::none || (replay_ && replay_->records.find_call(path, calls_of(path))))
        return;
    keep_decision(path, tasks, decided_by);
}

/// That of a group in which nothing is recorded is held until something is: when nothing comes after it, it is not
/// missed.
void live_attempt::keep_decision(const std::string& path, std::uint32_t tasks, std::optional<std::uint32_t> decided_by)
{
    const bool quiet = !has_trace(path, tasks);
    if (quiet && held_.size() >= most_held)
        return;
    branch_position& at = positions_[path];
    at.decided = true;
    held_.push_back({path, at.calls, {decided_by, tasks, at.unkept, quiet}});
    if (!quiet)
        write_held();
}

void live_attempt::write_held()
{
    for (held_decision& h : std::exchange(held_, {})) {
        journal::record r = make_record(journal::record_kind::step_recorded, {});
        r.branch = std::move(h.path);
        r.step = h.number;
        r.number = static_cast<std::int64_t>(call_kind::decision);
        r.state = journal::recorded_state::success;
        r.data = decision_text(h.what);
        note_unawaited(owner_.append(std::move(r)));
    }
}

void live_attempt::settle(const branch& where, std::uint32_t tasks, std::optional<std::uint32_t> decided_by,
                          bool stopped)
{
    const std::string path = path_of(where);
    stopped = stopped || stop_ != cancel_reason::none;
    branch_position& at = positions_[path];
    if (replay_) {
        const std::uint32_t number = at.calls;
        const bool something = replay_->records.find_call(path, number) != nullptr;
        const auto known = recorded_decision(path, tasks);
        if (known)
            pass_recorded_group(path, *known, decided_by, stopped);
        std::erase_if(replay_->closed, [&](const closed_branch& c) { return c.number == number && c.group == path; });
        if (something) {
            at.calls += known ? 1 : 0;
            at.unkept = known ? 0 : at.unkept + 1;
            deliver_stop_if_arrived();
            return;
        }
    }
    if (!at.decided && !stopped)
        keep_decision(path, tasks, decided_by);
    // Numbered also when it was stopped, so that what follows does not meet the branches of this group again.
    const bool numbered = at.decided || (stopped && has_trace(path, tasks));
    at.calls += numbered ? 1 : 0;
    at.unkept = numbered ? 0 : at.unkept + 1;
}

void live_attempt::pass_recorded_group(const std::string& path, const decision& known,
                                       std::optional<std::uint32_t> decided_by, bool stopped)
{
    if (known.first && decided_by != known.first && !stopped)
        throw fatal(fmt::format("the operator has changed: the branch {} decided the end of tasks side by side by its "
                                "failure, and does not fail now; retry the task to run it from the start",
                                path_below(path, *known.first)),
                    "operator_changed");
    for (std::uint32_t i = 0; i < known.of; ++i) {
        const std::string branch = path_below(path, i);
        const bool decided = !known.first || i == *known.first;
        const journal::record* left = decided && !stopped ? replay_->records.left_at_or_below(branch) : nullptr;
        if (left)
            throw fatal(fmt::format("the operator has changed: the branch {} ended before {}, which was recorded of "
                                    "it; retry the task to run it from the start",
                                    branch, describe_call(call_kind_of(*left), left->name)),
                        "operator_changed");
        replay_->records.take_branch(branch);
    }
    replay_->records.take_call(path, calls_of(path));
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
    refuse_if_closed(path_of(here));
    if (stop_is_held())
        co_await replay_->let_go.reached(1);
    refuse_if_stopped(here);
    write_held();
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
    journal::record r = next_call(here, call_kind::sleep_until, std::move(name));
    if (const journal::record* before = recall_call(r)) {
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
    journal::record r = next_call(here, call_kind::now, {});
    if (const journal::record* before = recall_call(r))
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
    const std::string path = path_of(here);
    co_return make_replayable_uuid(token(), path, leave_trace(path).draws++);
}

task<double> live_attempt::random()
{
    branch& here = co_await this_branch();
    const std::string path = path_of(here);
    co_return make_replayable_number(token(), path, leave_trace(path).draws++);
}

task<open_callback> live_attempt::callback(std::string name)
{
    branch& here = co_await this_branch();
    journal::record r = next_call(here, call_kind::callback, name);
    if (const journal::record* before = recall_call(r))
        co_return open_callback(std::move(name), std::string(parse_recorded(before->data).as_string()));
    co_await begin_new(here);
    std::string callback_token = make_callback_token(owner_.id(), owner_.services().unguessable);
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
    leave_trace(path_of(here));
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

launch_token live_attempt::claim_token()
{
    if (std::exchange(token_claimed_, true))
        throw fatal("an attempt launches one remote job, and this is its second: let another task launch that, or "
                    "another item of a `foreach`",
                    "second_launch");
    if (replay_) {
        replay_->records.claim_launch();
        deliver_stop_if_arrived();
    }
    return token();
}

task<> live_attempt::record(std::string name, json::value fact)
{
    branch& here = co_await this_branch();
    leave_trace(path_of(here));
    journal::record r = make_record(journal::record_kind::step_recorded, name);
    if (name == to_string(journal::record_kind::launch_intent)) {
        co_await begin_new(here);
        if (const journal::record* left = replay_ ? replay_->records.next_call({}) : nullptr)
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
        if (!replay_)
            replay_ = std::make_unique<replay_state>(std::vector<journal::record>());
        replay_->records.remember(r);
        deliver_stop_if_arrived();
    }
    co_await commit(std::move(r));
}

} // namespace potoo::runtime
