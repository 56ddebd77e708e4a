#include "checker.hpp"

#include <potoo/json.hpp>

#include <algorithm>
#include <utility>

namespace potoo::sim {

using journal::record;
using journal::record_kind;
using journal::recorded_state;

namespace {

constexpr std::size_t longest_data_shown = 200;

bool decides_early(const std::string& rule)
{
    return rule == "one_success" || rule == "one_failed" || rule == "one_done";
}

} // namespace

checker::checker(const scenario& s, event_queue& events, trace& log, std::vector<std::unique_ptr<service>>& services)
    : scenario_(s), events_(events), trace_(log), services_(services)
{}

void checker::report(std::string invariant, std::string what)
{
    trace_.note("!! {}: {}", invariant, what);
    if (!broken_)
        broken_ = violation{std::move(invariant), std::move(what)};
}

std::string checker::name_of(const run_state& run, const record& r) const
{
    std::string name = run.plan->name;
    if (r.task != journal::no_task)
        name += "." + run.plan->tasks[r.task.value()].name;
    if (r.item != journal::no_item)
        name += fmt::format("[{}]", r.item.value());
    if (r.attempt.value() != 0)
        name += fmt::format("#{}", r.attempt.value());
    return name;
}

std::string checker::name_of(const attempt_place& p) const
{
    const run_state& run = runs_.at(p.run);
    return fmt::format("{}.{}[{}]#{}", run.plan->name, run.plan->tasks[p.item.task].name, p.item.item, p.attempt);
}

void checker::durable(const journal::batch& b)
{
    for (const journal::new_run& n : b.runs) {
        run_state run;
        run.id = n.id.value();
        const auto plan = std::find_if(scenario_.runs.begin(), scenario_.runs.end(),
                                       [&](const run_plan& p) { return p.dag.name == n.dag->name; });
        run.plan = &plan->dag;
        if (run_exists(n.dag->name))
            report("created_once", "run of " + n.dag->name + " was created twice");
        runs_.emplace(n.number, std::move(run));
    }
    for (const record& r : b.records)
        take(r);
}

void checker::take(const record& r)
{
    ++records_;
    run_state& run = runs_.at(r.run);
    trace_.note("     {} {} {} {} {}", name_of(run, r), to_string(r.kind), to_string(r.state), r.name,
                std::string_view(r.data).substr(0, longest_data_shown));
    const bool says_so_after_the_end = r.kind == record_kind::run_started || r.kind == record_kind::remote_confirmed ||
                                       r.kind == record_kind::remote_unconfirmed ||
                                       r.kind == record_kind::run_reopened ||
                                       // Asked for in the moment of the end, or while no engine ran.
                                       r.kind == record_kind::cancel_requested;
    if (run.ended != recorded_state::none && !says_so_after_the_end)
        report("end_is_final", fmt::format("{} of {} after its run had ended {}", to_string(r.kind), name_of(run, r),
                                           to_string(run.ended)));
    switch (r.kind) {
    case record_kind::attempt_started:
        return take_attempt_started(run, r);
    case record_kind::attempt_ended:
        return take_attempt_ended(run, r);
    case record_kind::attempt_interrupted:
        return take_attempt_interrupted(run, r);
    case record_kind::launch_intent:
        return take_intent(run, r);
    case record_kind::launch_recorded:
        return take_launch(run, r);
    case record_kind::step_recorded:
        return take_step(run, r);
    case record_kind::task_ended:
        return take_task_ended(run, r);
    case record_kind::run_ended:
        return take_run_ended(run, r);
    case record_kind::task_evaluated:
        if (const auto [known, added] = run.item_counts.emplace(r.task.value(), static_cast<std::uint32_t>(r.number));
            !added && known->second != r.number)
            report("end_is_final", name_of(run, r) + " got another number of items");
        return;
    case record_kind::cancel_requested:
        if (r.task == journal::no_task)
            run.cancel_requested = true;
        else
            run.tasks_cancelled.insert(r.task.value());
        return;
    case record_kind::paused:
    case record_kind::resumed:
        (r.kind == record_kind::paused ? run.was_paused : run.was_unpaused) = true;
        return;
    case record_kind::run_reopened:
        return take_run_reopened(run);
    case record_kind::task_reopened:
        return take_task_reopened(run, r);
    case record_kind::callback_opened:
    case record_kind::callback_completed:
        return take_callback(run, r);
    case record_kind::remote_unconfirmed:
        run.items[{r.task.value(), r.item.value()}].attempts[r.attempt.value()].unconfirmed = true;
        return;
    case record_kind::remote_confirmed:
        if (attempt_state& a = run.items[{r.task.value(), r.item.value()}].attempts[r.attempt.value()];
            std::exchange(a.unconfirmed, false)) {
            if (const job* j = active_job(a.token))
                report("confirmed_is_true",
                       fmt::format("{} was confirmed to be gone, and {} runs", name_of(run, r), j->id));
        }
        return;
    default:
        return;
    }
}

void checker::take_attempt_started(run_state& run, const record& r)
{
    item_state& item = run.items[{r.task.value(), r.item.value()}];
    for (const auto& [number, a] : item.attempts) {
        if (number == r.attempt.value() && a.over())
            report("end_is_final", name_of(run, r) + " started again after it had ended");
        if (number != r.attempt.value() && !a.over())
            report("one_attempt", fmt::format("{} started while #{} had not ended", name_of(run, r), number));
        if (number > r.attempt.value())
            report("one_attempt", fmt::format("{} started after #{}", name_of(run, r), number));
    }
    item.attempts[r.attempt.value()];
    if (run.tasks_ended.contains(r.task.value()))
        report("end_is_final", name_of(run, r) + " started after its task had ended");
}

void checker::take_attempt_ended(run_state& run, const record& r)
{
    item_state& item = run.items[{r.task.value(), r.item.value()}];
    attempt_state& a = item.attempts[r.attempt.value()];
    if (a.over()) {
        report("end_is_final", fmt::format("{} ended {} after it had ended {}", name_of(run, r), to_string(r.state),
                                           a.interrupted ? "interrupted" : to_string(a.ended)));
        return;
    }
    a.ended = r.state;
    if (r.state == recorded_state::failed)
        ++item.failures;
    if (!r.data.empty() && r.state != recorded_state::success) {
        const json::object error = json::parse(r.data).as_object();
        if (const json::value* remote = error.if_contains("remote"))
            a.unconfirmed = a.unconfirmed || *remote == "unconfirmed";
        const json::value* c = error.if_contains("class");
        a.unknown_outcome = c && *c == "unknown_outcome";
        unconfirmed_ += a.unconfirmed ? 1 : 0;
        const json::value* code = error.if_contains("code");
        if (code && *code == "operator_changed")
            report("replay_safe", fmt::format("{} did not come to where it was: {}", name_of(run, r), r.data));
    }
    const std::string name = fmt::format("{}-{}.{}.{}", run.id, r.task.value(), r.item.value(), r.attempt.value());
    if (leases_.contains(name) && !a.unconfirmed && r.state != recorded_state::failed)
        report("clean_up",
               fmt::format("{} ended {} and did not give back what it had taken", name_of(run, r), to_string(r.state)));
    if (run.plan->tasks[r.task.value()].service)
        check_truth(run, r, a);
}

/// The end of a job's attempt against the job itself.
void checker::check_truth(const run_state& run, const record& r, const attempt_state& a)
{
    const steady_time now = events_.now();
    const std::vector<const job*> jobs = jobs_of(a.token);
    if (r.state == recorded_state::success) {
        const bool true_one = std::any_of(jobs.begin(), jobs.end(), [&](const job* j) {
            return std::string_view(j->state(now)) == "SUCCEEDED" && json::parse(r.data) == j->result;
        });
        if (!true_one)
            report("success_is_true", name_of(run, r) + " is said to have succeeded, and no job of it did");
        return;
    }
    if (a.unconfirmed || a.unknown_outcome)
        return;
    if (const job* j = active_job(a.token))
        report("end_is_true",
               fmt::format("{} is said to be {}, and its job {} runs", name_of(run, r), to_string(r.state), j->id));
}

void checker::take_attempt_interrupted(run_state& run, const record& r)
{
    attempt_state& a = run.items[{r.task.value(), r.item.value()}].attempts[r.attempt.value()];
    if (a.over())
        report("end_is_final", name_of(run, r) + " was interrupted after it had ended");
    a.interrupted = true;
    if (const job* j = active_job(a.token))
        report("end_is_true",
               fmt::format("{} is given up as interrupted, and its job {} runs", name_of(run, r), j->id));
}

void checker::take_intent(run_state& run, const record& r)
{
    attempt_state& a = run.items[{r.task.value(), r.item.value()}].attempts[r.attempt.value()];
    if (a.over())
        report("end_is_final", name_of(run, r) + " intends a launch after its end");
    if (!a.token.empty() && a.token != r.name)
        report("one_token", fmt::format("{} has the tokens {} and {}", name_of(run, r), a.token, r.name));
    a.token = r.name;
    a.withdrawn = false;
    const attempt_place place{r.run, {r.task.value(), r.item.value()}, r.attempt.value()};
    const auto [known, added] = tokens_.emplace(r.name, place);
    if (!added && (known->second.item != place.item || known->second.attempt != place.attempt))
        report("one_token", fmt::format("{} and {} have the token {}", name_of(known->second), name_of(place), r.name));
}

void checker::take_launch(run_state& run, const record& r)
{
    attempt_state& a = run.items[{r.task.value(), r.item.value()}].attempts[r.attempt.value()];
    const std::string id(json::parse(r.data).as_string());
    if (a.job && *a.job != id)
        report("one_job", fmt::format("{} has the jobs {} and {}", name_of(run, r), *a.job, id));
    a.job = id;
}

void checker::take_step(run_state& run, const record& r)
{
    attempt_state& a = run.items[{r.task.value(), r.item.value()}].attempts[r.attempt.value()];
    if (a.over())
        report("end_is_final", name_of(run, r) + " does a step after its end");
    if (r.name == "launch_withdrawn") {
        a.withdrawn = r.data == "true";
        return;
    }
    const std::string place = fmt::format("{}/{}", r.branch, r.step);
    if (!a.steps.insert(place).second)
        report("step_once", fmt::format("{} recorded the step {} ({}) twice", name_of(run, r), place, r.name));
    a.steps.insert(r.name);
}

void checker::take_callback(const run_state& run, const record& r)
{
    // A completion is recorded in the place of the opening, which says the token.
    const std::string place = fmt::format("{} {}/{}", name_of(run, r), r.branch, r.step);
    if (r.kind == record_kind::callback_opened) {
        const std::string token(json::parse(r.data).as_string());
        if (!callback_places_.emplace(place, token).second)
            report("step_once", "the callback " + place + " was opened twice");
        callbacks_.emplace(token, false);
        return;
    }
    const auto opened = callback_places_.find(place);
    if (opened == callback_places_.end())
        return report("step_once", "the callback " + place + " was completed and never opened");
    if (std::exchange(callbacks_.at(opened->second), true))
        report("step_once", "the callback " + place + " was completed twice");
}

void checker::take_task_ended(run_state& run, const record& r)
{
    const auto [known, added] = run.tasks_ended.emplace(r.task.value(), r.state);
    if (!added && known->second != r.state)
        report("end_is_final", fmt::format("{} ended {} after it had ended {}", name_of(run, r), to_string(r.state),
                                           to_string(known->second)));
    if (added && r.state != recorded_state::cancelled && !has_ended(run, r.task.value()))
        report("end_is_final", name_of(run, r) + " ended while an item of it goes on");
}

void checker::take_run_ended(run_state& run, const record& r)
{
    if (run.ended != recorded_state::none)
        report("end_is_final", fmt::format("{} ended twice", name_of(run, r)));
    run.ended = r.state;
    for (const auto& [name, item] : run.items) {
        for (const auto& [number, a] : item.attempts) {
            if (!a.over() && !a.token.empty() && !a.withdrawn)
                report("end_is_final", fmt::format("the run {} ended while t{}[{}]#{} had launched a job and not ended",
                                                   name_of(run, r), name.task, name.item, number));
        }
    }
    if (r.state != recorded_state::success)
        return;
    for (const auto& [task, state] : run.tasks_ended) {
        const bool bad = state != recorded_state::success && state != recorded_state::skipped;
        const bool excused = run.plan->tasks[task].allow_failure;
        if (bad && !excused)
            report("success_is_true",
                   fmt::format("{} succeeded although t{} ended {}", name_of(run, r), task, to_string(state)));
    }
}

void checker::take_run_reopened(run_state& run)
{
    run.ended = recorded_state::none;
    run.cancel_requested = false;
    run.tasks_cancelled.clear();
}

void checker::take_task_reopened(run_state& run, const record& r)
{
    ++run.reopenings;
    const std::uint32_t task = r.task.value();
    if (run.tasks_ended.erase(task) > 0)
        run.reopened.insert(task);
    else if (r.number != 0)
        report("end_is_final", name_of(run, r) + " starts over and had not ended");
    run.tasks_cancelled.erase(task);
    if (r.number != 0)
        run.item_counts.erase(task);
}

bool checker::has_ended(const run_state& run, std::uint32_t task) const
{
    if (run.tasks_ended.contains(task))
        return true;
    const auto count = run.item_counts.find(task);
    if (count == run.item_counts.end())
        return false;
    for (std::uint32_t i = 0; i < count->second; ++i) {
        const auto item = run.items.find({task, i});
        if (item == run.items.end() || item->second.attempts.empty() || !item->second.attempts.rbegin()->second.over())
            return false;
    }
    return true;
}

bool checker::may_start(const run_state& run, std::uint32_t task) const
{
    const task_plan& t = run.plan->tasks[task];
    const auto ended = std::count_if(t.parents.begin(), t.parents.end(), [&](std::size_t p) {
        const auto parent = static_cast<std::uint32_t>(p);
        return has_ended(run, parent) || run.reopened.contains(parent);
    });
    if (t.parents.empty() || t.trigger_rule == "always")
        return true;
    return decides_early(t.trigger_rule) ? ended > 0 : ended == static_cast<std::ptrdiff_t>(t.parents.size());
}

void checker::submission_sent(const std::string& token)
{
    const auto place = tokens_.find(token);
    if (place == tokens_.end()) {
        report("intent_first", "a submission was sent under " + token + ", which the journal does not know");
        return;
    }
    const run_state& run = runs_.at(place->second.run);
    if (run.cancel_requested)
        report("nothing_after_cancel",
               fmt::format("{} was submitted after the cancellation of its run was durable", name_of(place->second)));
    if (run.tasks_cancelled.contains(place->second.item.task))
        report("nothing_after_cancel",
               fmt::format("{} was submitted after the cancellation of its task was durable", name_of(place->second)));
    if (attempt_of(token)->over())
        report("end_is_final", name_of(place->second) + " was submitted after it had ended");
}

void checker::accepted(const job& j)
{
    const auto place = tokens_.find(j.token);
    if (place == tokens_.end())
        return report("intent_first", j.id + " was accepted under a token that the journal does not know");
    const run_state& run = runs_.at(place->second.run);
    const attempt_state& a = *attempt_of(j.token);
    const std::string name = name_of(place->second);
    std::size_t others = 0;
    for (const job* other : jobs_of(j.token))
        others += other->id != j.id && !other->forgotten ? 1 : 0;
    if (others > 0)
        report("one_job", fmt::format("{} has {} jobs", name, others + 1));
    if (a.over() && !a.unconfirmed && !a.unknown_outcome)
        report("end_is_true", fmt::format("{} was accepted for {}, which had ended {}", j.id, name,
                                          a.interrupted ? "interrupted" : to_string(a.ended)));
    if (!may_start(run, place->second.item.task))
        report("parents_first",
               fmt::format("{} was accepted for {} before its parents' ends were durable", j.id, name));
    for (const auto& [number, other] : run.items.at(place->second.item).attempts) {
        const job* runs = number == place->second.attempt ? nullptr : active_job(other.token);
        if (runs && !may_run_still(other))
            report("one_job", fmt::format("{} was accepted for {} while {} of #{} runs", j.id, name, runs->id, number));
    }
}

void checker::step_done(const std::string& token, const std::string& step)
{
    trace_.note("  does the step {} of {}", step, token);
    for (const auto& [number, run] : runs_) {
        if (!token.starts_with(run.id))
            continue;
        // Steps are unique by name in the operators of the simulation.
        for (const auto& [item_name, item] : run.items) {
            for (const auto& [attempt, a] : item.attempts) {
                const std::string mine = fmt::format("{}-{}.{}.{}", run.id, item_name.task, item_name.item, attempt);
                if (mine == token && a.steps.contains(step))
                    report("step_once",
                           fmt::format("the step {} of {} is done again although it is durable", step, token));
            }
        }
    }
}

void checker::handed_out(const std::string& token)
{
    if (!callbacks_.contains(token))
        report("intent_first", "the callback " + token + " was given to the outside before it was durable");
}

void checker::same_in_every_replay(const std::string& attempt, const std::string& value)
{
    std::set<std::string>& values = values_[attempt];
    values.insert(value);
    if (values.size() > 1)
        report("replay_safe", fmt::format("{} drew {} and in a replay {}", attempt, *values.begin(), *values.rbegin()));
}

void checker::lease_taken(const std::string& attempt, bool taken)
{
    trace_.note("  {} {} its lease", attempt, taken ? "takes" : "gives back");
    if (taken)
        leases_.insert(attempt);
    else
        leases_.erase(attempt);
}

bool checker::cancel_is_durable(journal::run_number run, std::optional<std::size_t> task) const
{
    const run_state& r = runs_.at(run);
    return r.cancel_requested || r.ended != recorded_state::none ||
           (task && (r.tasks_cancelled.contains(static_cast<std::uint32_t>(*task)) ||
                     r.tasks_ended.contains(static_cast<std::uint32_t>(*task))));
}

bool checker::pause_is_durable(journal::run_number run, bool paused) const
{
    const run_state& r = runs_.at(run);
    return r.ended != recorded_state::none || (paused ? r.was_paused : r.was_unpaused);
}

std::uint64_t checker::reopenings(journal::run_number run) const
{
    const auto found = runs_.find(run);
    return found == runs_.end() ? 0 : found->second.reopenings;
}

bool checker::callback_is_durable(const std::string& token) const
{
    const auto found = callbacks_.find(token);
    return found != callbacks_.end() && found->second;
}

checker::attempt_state* checker::attempt_of(const std::string& token)
{
    const auto place = tokens_.find(token);
    return place == tokens_.end()
               ? nullptr
               : &runs_.at(place->second.run).items.at(place->second.item).attempts.at(place->second.attempt);
}

const job* checker::active_job(const std::string& token) const
{
    for (const job* j : jobs_of(token)) {
        if (j->active(events_.now()))
            return j;
    }
    return nullptr;
}

std::vector<const job*> checker::jobs_of(const std::string& token) const
{
    std::vector<const job*> result;
    if (token.empty())
        return result;
    for (const auto& s : services_) {
        for (const job& j : s->jobs()) {
            if (j.token == token)
                result.push_back(&j);
        }
    }
    return result;
}

bool checker::may_run_still(const attempt_state& a) const
{
    return a.unconfirmed || a.unknown_outcome;
}

bool checker::run_exists(const std::string& dag) const
{
    return number_of(dag).has_value();
}

std::optional<journal::run_number> checker::number_of(const std::string& dag) const
{
    for (const auto& [number, run] : runs_) {
        if (run.plan->name == dag)
            return number;
    }
    return std::nullopt;
}

bool checker::run_ended(const std::string& dag) const
{
    const auto number = number_of(dag);
    return number && runs_.at(*number).ended != recorded_state::none;
}

unsigned checker::failures_of(const std::string& run, std::uint32_t task, std::uint32_t item) const
{
    for (const auto& [number, r] : runs_) {
        if (r.id != run)
            continue;
        const auto found = r.items.find({task, item});
        return found == r.items.end() ? 0 : found->second.failures;
    }
    return 0;
}

/// The services answer again: what they can be asked about is known by now.
void checker::check_reconciled(const run_state& run)
{
    for (const auto& [name, item] : run.items) {
        for (const auto& [number, a] : item.attempts) {
            const auto service = run.plan->tasks[name.task].service;
            if (a.unconfirmed && service && (a.job || services_[*service]->plan().finds))
                report("reconciled", fmt::format("{}.t{}[{}]#{} is still called unconfirmed", run.plan->name, name.task,
                                                 name.item, number));
        }
    }
}

void checker::final_check()
{
    for (const run_plan& wanted : scenario_.runs) {
        if (!run_ended(wanted.dag.name))
            report("every_run_ends", wanted.dag.name + " has not ended");
    }
    for (const auto& [number, run] : runs_)
        check_reconciled(run);
    for (const auto& s : services_) {
        for (const job& j : s->jobs()) {
            if (!j.active(events_.now()))
                continue;
            const attempt_state* a = attempt_of(j.token);
            const bool somebody_has_to_look = a && a->unknown_outcome && !s->plan().finds;
            const bool cannot_be_asked = a && a->unconfirmed && !a->job && !s->plan().finds;
            if (!somebody_has_to_look && !cannot_be_asked)
                report("nothing_left_running", j.id + " still runs, and nobody watches it");
        }
    }
}

} // namespace potoo::sim
