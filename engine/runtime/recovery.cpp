// How a run that the journal knows is brought back to where it was.

#include "engine/runtime/launch_name.hpp"
#include "engine/runtime/retry_timer.hpp"
#include "engine/runtime/run_executor.hpp"
#include "engine/runtime/run_records.hpp"

#include <fmt/format.h>

#include <stdexcept>

namespace potoo::runtime {

using journal::record;
using journal::record_kind;
using journal::recorded_state;
using schedule::attempt_outcome;

namespace {

json::value data_of(const record& r)
{
    return parse_recorded(r.data);
}

cancel_reason reason_named(std::string_view name)
{
    for (const cancel_reason r : {cancel_reason::user, cancel_reason::deadline, cancel_reason::upstream}) {
        if (to_string(r) == name)
            return r;
    }
    throw std::runtime_error(fmt::format("the journal names the unknown cancellation reason '{}'", name));
}

} // namespace

void run_executor::recover(journal::run_number number, std::span<const record> records,
                           std::function<void()> when_ended)
{
    number_ = number;
    begin(std::move(when_ended));
    replaying_ = true;
    end_recorded_.assign(dag().tasks.size(), false);
    machine_.start();
    deadline_from_ = plan_.created;
    for (const record& r : records)
        replay(r);
    replaying_ = false;
    had_ended_ = had_ended_ && schedule::is_terminal(machine_.state());
    if (!had_ended_)
        begin_again();
    for (const auto& [key, u] : unconfirmed_) {
        if (const auto& [t, i, n] = key; !is_under_way(t, i, n))
            observer_.warning(fmt::format("{} had ended before it was confirmed that nothing of it runs any more ({}); "
                                          "it is looked after now",
                                          name_of(key), u.why));
    }
    wake();
}

void run_executor::begin_again()
{
    arm_deadline(deadline_from_);
    caused_by_ = append(task_record(record_kind::run_started, journal::no_task));
    // For who reads the journal: that start does not end the pause.
    if (machine_.is_paused())
        caused_by_ = append(task_record(record_kind::paused, journal::no_task));
    observer_.run_started(*this, true);
    pumping_ = true;
    report_what_followed();
    restart_in_flight();
    pumping_ = false;
}

/// A request that was written while no engine ran may have ended tasks, and a crash may have come before the record.
void run_executor::report_what_followed()
{
    for (std::uint32_t t = 0; t < dag().tasks.size(); ++t) {
        const schedule::task_state state = machine_.state_of(task_index(t));
        if (schedule::is_terminal(state) && !end_recorded_[t])
            record_end(task_index(t), state);
    }
}

void run_executor::replay_event(const schedule::event& e)
{
    carry_out(machine_.apply(e));
}

void run_executor::replay(const record& r)
{
    const item_key key = key_of(r.task, r.item);
    switch (r.kind) {
    case record_kind::task_evaluated: {
        schedule::task_evaluated e{r.task, schedule::verdict::run, static_cast<std::uint32_t>(r.number)};
        if (r.state == recorded_state::skipped)
            e.verdict = schedule::verdict::skip;
        else if (r.state == recorded_state::failed) {
            e.verdict = schedule::verdict::fail;
            values_.set_error(r.task, item_index(0), data_of(r).as_object());
            not_evaluable_.at(r.task.value()) = true;
        } else if (dag()[r.task].foreach && expand_items(r.task) != e.item_count)
            throw std::runtime_error(fmt::format(
                "`foreach` of task `{}` yields another number of items than it did before", dag()[r.task].name));
        replay_event(e);
        break;
    }
    case record_kind::attempt_ended:
        replay_end(r);
        break;
    case record_kind::attempt_interrupted:
        replay_start(r);
        history_.erase(key);
        replay_event(schedule::attempt_ended{r.task, r.item, attempt_outcome::interrupted, false, 0});
        break;
    case record_kind::retry_scheduled:
        history_[key].retry_at = wall_time(std::chrono::milliseconds(r.number));
        break;
    case record_kind::retry_due:
        history_.erase(key);
        replay_event(schedule::retry_due{r.task, r.item});
        break;
    case record_kind::attempt_started:
        replay_start(r);
        if (!history_[key].started)
            history_[key].started = r.at;
        break;
    case record_kind::cancel_requested:
        if (r.task == journal::no_task)
            replay_event(schedule::cancel_requested{reason_named(r.name)});
        else
            replay_event(schedule::task_cancel_requested{r.task});
        break;
    case record_kind::paused:
        replay_event(schedule::run_paused{});
        break;
    case record_kind::resumed:
        replay_event(schedule::run_resumed{});
        break;
    case record_kind::callback_opened:
        replay_start(r);
        callbacks_.open(r);
        keep_step(r);
        break;
    case record_kind::callback_completed:
        callbacks_.complete(r, 0);
        break;
    case record_kind::step_recorded:
    case record_kind::launch_intent:
    case record_kind::launch_recorded:
        replay_start(r);
        keep_step(r);
        break;
    case record_kind::remote_unconfirmed:
        keep_unconfirmed(r);
        break;
    case record_kind::remote_confirmed:
        unconfirmed_.erase({r.task, r.item, r.attempt});
        break;
    case record_kind::task_ended:
        end_recorded_.at(r.task.value()) = true;
        break;
    case record_kind::run_ended:
        had_ended_ = true;
        break;
    case record_kind::run_reopened:
        had_ended_ = false;
        deadline_from_ = r.at;
        break;
    case record_kind::task_reopened:
        replay_reopening({r.task, r.number != 0});
        break;
    // Say nothing that the machine does not know: it said so itself, or they change no decision.
    case record_kind::run_created:
    case record_kind::run_started:
    case record_kind::attempt_deferred:
    case record_kind::attempt_resumed:
    case record_kind::pool_resized:
        break;
    }
}

/// Whatever is recorded of an attempt says that it was started: the record of the start itself was not waited for.
void run_executor::replay_start(const record& r)
{
    const schedule::task_state state = machine_.state_of(r.task, r.item);
    const bool waits = state == schedule::task_state::queued || state == schedule::task_state::retrying;
    if (waits && machine_.attempt_of(r.task, r.item) < r.attempt)
        replay_event(schedule::attempt_started{r.task, r.item, r.attempt});
}

void run_executor::replay_end(const record& r)
{
    replay_start(r);
    attempt_result result;
    result.outcome = outcome_of(r.state);
    // Cancelled before it began: here its item has ended with the cancellation.
    if (result.outcome == attempt_outcome::cancelled && !is_under_way(r.task, r.item, r.attempt))
        return;
    if (result.outcome == attempt_outcome::success)
        values_.set_output(r.task, r.item, data_of(r));
    else if (!r.data.empty()) {
        result.error = data_of(r).as_object();
        values_.set_error(r.task, r.item, result.error);
    }
    const item_key key = key_of(r.task, r.item);
    if (const auto u = unconfirmed_.find({r.task, r.item, r.attempt}); u != unconfirmed_.end())
        u->second.steps = std::move(history_[key].steps);
    else
        callbacks_.forget(r.task, r.item, r.attempt);
    history_.erase(key);
    replay_event(schedule::attempt_ended{r.task, r.item, result.outcome, retry_allowed(*dag()[r.task].retry, result),
                                         replayable_fraction(id(), r.task, r.item, r.attempt) * 2 - 1});
}

void run_executor::replay_reopening(const schedule::task_reopened& e)
{
    if (!machine_.may_reopen(e))
        return;
    end_recorded_.at(e.task.value()) = false;
    forget_end_of(e);
    std::erase_if(history_, [&](const auto& h) {
        const item_index i(static_cast<std::uint32_t>(h.first));
        const bool goes_on =
            i.value() < machine_.item_count(e.task) && schedule::is_in_flight(machine_.state_of(e.task, i));
        return h.first >> 32 == e.task.value() && !goes_on;
    });
    replay_event(e);
}

/// A reconciliation adds to what its attempt, which has ended, left behind.
void run_executor::keep_step(const record& r)
{
    if (is_under_way(r.task, r.item, r.attempt))
        history_[key_of(r.task, r.item)].steps.push_back(r);
    else if (const auto u = unconfirmed_.find({r.task, r.item, r.attempt}); u != unconfirmed_.end())
        u->second.steps.push_back(r);
}

void run_executor::keep_unconfirmed(const record& r)
{
    const json::value why = data_of(r);
    unconfirmed_attempt& u = unconfirmed_[{r.task, r.item, r.attempt}];
    u.why = why.is_string() ? std::string(why.as_string()) : json::serialize(why);
    u.handlers = static_cast<std::uint32_t>(r.number);
}

std::string run_executor::name_of(const attempt_key& k) const
{
    const auto& [task, item, attempt] = k;
    const std::string item_name = values_.item_name(task, item);
    return fmt::format("attempt {} of task `{}`{}", attempt.value(), dag()[task].name,
                       item_name.empty() ? "" : fmt::format(", item {}", item_name));
}

void run_executor::start_reconciliations()
{
    std::size_t started = 0;
    for (auto i = unconfirmed_.begin(); i != unconfirmed_.end() && started < starts_a_turn;) {
        const attempt_key key = i->first;
        const auto& [task, item, attempt] = key;
        if (is_under_way(task, item, attempt)) {
            ++i;
            continue;
        }
        // What to undo would only be known by its operator from what it did, and that is not recorded.
        if (i->second.steps.empty()) {
            warn_unconfirmed(key, i->second.why + "; it left no records to go by");
            i = unconfirmed_.erase(i);
            continue;
        }
        auto a = std::make_unique<live_attempt>(*this, task, item, attempt, std::move(i->second.steps), std::nullopt,
                                                live_attempt::purpose::reconciliation);
        live_attempt& ref = *a;
        reconciliations_.emplace(key, reconciliation{std::move(a), i->second.handlers});
        i = unconfirmed_.erase(i);
        ++started;
        ref.stop(cancel_reason::user);
        clock_.let_go();
        ref.start();
        clock_.hold_again();
    }
    if (started == starts_a_turn)
        services_.loop.schedule(*this);
}

void run_executor::reconciliation_has_ended(live_attempt& a)
{
    const attempt_key key{a.task_at(), a.item(), a.attempt()};
    auto node = reconciliations_.extract(key);
    callbacks_.forget(a.task_at(), a.item(), a.attempt());
    retired_.push_back(std::move(node.mapped().attempt));
    if (a.unconfirmed().empty() && a.looked_after(node.mapped().handlers)) {
        record r;
        r.kind = record_kind::remote_confirmed;
        r.task = a.task_at();
        r.item = a.item();
        r.attempt = a.attempt();
        r.name = a.token().value();
        confirmed_position_ = append(std::move(r));
        observer_.warning(fmt::format("{}: it is confirmed that nothing of it runs any more", name_of(key)));
    } else {
        warn_unconfirmed(key, a.unconfirmed().empty() ? "its operator did not come to where it was"
                                                      : mask_.clean(a.unconfirmed()));
    }
    wake();
}

void run_executor::warn_unconfirmed(const attempt_key& k, std::string_view why)
{
    observer_.warning(fmt::format(
        "{} is still not confirmed to have ended ({}); the next start of the engine tries again", name_of(k), why));
}

void run_executor::restart_in_flight()
{
    std::vector<task_index> evaluating;
    machine_.for_each_evaluating([&](task_index t) { evaluating.push_back(t); });
    for (const task_index t : evaluating)
        carry_out(schedule::evaluate_task{t});

    machine_.for_each_retrying([&](task_index t, item_index i, attempt_number) {
        const auto found = history_.find(key_of(t, i));
        const wall_time due = found == history_.end() ? wall_time{} : found->second.retry_at;
        set_retry_timer(t, i, std::max(due - services_.loop.wall_now(), duration{0}));
    });

    machine_.for_each_in_flight([&](task_index t, item_index i, attempt_number n, schedule::task_state) {
        const auto found = history_.find(key_of(t, i));
        if (found != history_.end() && !found->second.steps.empty()) {
            add_start(t, i, n);
            return;
        }
        // Nothing of it is the next attempt's, its time least of all.
        if (found != history_.end())
            history_.erase(found);
        record r;
        r.kind = record_kind::attempt_interrupted;
        r.task = t;
        r.item = i;
        r.attempt = n;
        enqueue(schedule::attempt_ended{t, i, attempt_outcome::interrupted, false, 0}, std::move(r));
    });

    // The crash may have come between the last end and the record of it.
    if (schedule::is_terminal(machine_.state()))
        carry_out(schedule::run_ended{machine_.state()});
}

} // namespace potoo::runtime
