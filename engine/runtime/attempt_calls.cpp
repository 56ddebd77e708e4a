#include "engine/runtime/attempt_calls.hpp"

#include "engine/runtime/live_attempt.hpp"
#include "engine/runtime/run_executor.hpp"

#include <fmt/format.h>

#include <utility>

namespace potoo::runtime {

void attempt_calls::replay(std::vector<journal::record> recorded)
{
    replay_ = std::make_unique<replay_state>(std::move(recorded));
}

attempt_calls::replay_state& attempt_calls::replay_to_keep()
{
    if (!replay_)
        replay({});
    return *replay_;
}

attempt_replay& attempt_calls::records_to_keep()
{
    return replay_to_keep().records;
}

counter& attempt_calls::let_go()
{
    return replay_to_keep().let_go;
}

std::string attempt_calls::path_of(const branch& b) const
{
    return b.parent() ? path_below(path_of(*b.parent()), b.position()) : std::string();
}

std::string attempt_calls::path_below(std::string path, std::uint32_t position) const
{
    const std::uint32_t calls = calls_of(path);
    if (!path.empty())
        path += '.';
    path += std::to_string(position);
    if (calls > 0)
        path += fmt::format("@{}", calls);
    return path;
}

std::uint32_t attempt_calls::calls_of(const std::string& path) const
{
    const auto found = positions_.find(path);
    return found == positions_.end() ? 0 : found->second.calls;
}

journal::record attempt_calls::next_call(const branch& here, call_kind kind, std::string name)
{
    journal::record r = attempt_.make_record(kind == call_kind::callback ? journal::record_kind::callback_opened
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

const journal::record* attempt_calls::recall_call(const journal::record& call)
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
    attempt_.deliver_stop_if_arrived();
    return before;
}

void attempt_calls::refuse_if_closed(std::string_view path) const
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

std::optional<decision> attempt_calls::recorded_decision(const std::string& path, std::uint32_t tasks) const
{
    const auto at = positions_.find(path);
    const journal::record* r = replay_ ? replay_->records.find_call(path, calls_of(path)) : nullptr;
    auto d = r ? decision_of(*r) : std::nullopt;
    const std::uint32_t unkept = at == positions_.end() ? 0 : at->second.unkept;
    return d && d->of == tasks && d->after <= unkept ? d : std::nullopt;
}

attempt_calls::branch_position& attempt_calls::leave_trace(const std::string& path)
{
    ++traces_;
    return positions_[path];
}

bool attempt_calls::has_trace(const std::string& path, std::uint32_t tasks) const
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

std::optional<std::uint32_t> attempt_calls::recall(const branch& where, std::uint32_t tasks)
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
void attempt_calls::close_branches(const std::string& path, std::uint32_t tasks, const std::optional<decision>& known)
{
    for (std::uint32_t i = 0; i < tasks; ++i) {
        const bool lost = known && known->first && i != *known->first;
        if (lost || !known || known->quiet)
            replay_->closed.push_back({path_below(path, i), path, calls_of(path), lost});
    }
}

void attempt_calls::decide(const branch& where, std::uint32_t tasks, std::uint32_t decided_by)
{
    const std::string path = path_of(where);
    if (attempt_.stop_requested() != cancel_reason::none ||
        (replay_ && replay_->records.find_call(path, calls_of(path))))
        return;
    keep_decision(path, tasks, decided_by);
}

/// That of a group in which nothing is recorded is held until something is: when nothing comes after it, it is not
/// missed.
void attempt_calls::keep_decision(const std::string& path, std::uint32_t tasks, std::optional<std::uint32_t> decided_by)
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

void attempt_calls::write_held()
{
    for (held_decision& h : std::exchange(held_, {})) {
        journal::record r = attempt_.make_record(journal::record_kind::step_recorded, {});
        r.branch = std::move(h.path);
        r.step = h.number;
        r.number = static_cast<std::int64_t>(call_kind::decision);
        r.state = journal::recorded_state::success;
        r.data = decision_text(h.what);
        attempt_.note_unawaited(attempt_.owner_.append(std::move(r)));
    }
}

void attempt_calls::settle(const branch& where, std::uint32_t tasks, std::optional<std::uint32_t> decided_by,
                           bool stopped)
{
    const std::string path = path_of(where);
    stopped = stopped || attempt_.stop_requested() != cancel_reason::none;
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
            attempt_.deliver_stop_if_arrived();
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

void attempt_calls::pass_recorded_group(const std::string& path, const decision& known,
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

} // namespace potoo::runtime
