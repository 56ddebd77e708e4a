#include "tests/integration/conformance/cells.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace potoo::conformance {

using enum journal::record_kind;
using phase = remote_job::phase;
using schedule::run_state;

void require(bool holds, const std::string& what)
{
    if (!holds)
        throw broken_claim(what);
}

void trial::start(job_kind kind, std::string_view fields)
{
    std::string text = "params: {service: {type: string, default: ''}}\n" + remote.dag_text() + "\ntasks:\n  job:\n";
    for (const std::string& part : {remote.task_text(kind), std::string(fields)}) {
        for (std::size_t at = 0; at < part.size();) {
            const std::size_t end = std::min(part.find('\n', at), part.size());
            text += fmt::format("    {}\n", part.substr(at, end - at));
            at = end + 1;
        }
    }
    engine.start(text, remote.params());
}

remote_job trial::the_job()
{
    const auto all = remote.jobs();
    require(all.size() == 1, fmt::format("the remote system has accepted {} jobs, not one", all.size()));
    return all.front();
}

void trial::run_until(phase p)
{
    engine.run_until([&] {
        const auto all = remote.jobs();
        return std::ranges::any_of(all, [&](const remote_job& j) { return j.now == p; });
    });
}

namespace {

void require_success(trial& t)
{
    const run_state end = t.engine.finish();
    require(end == run_state::success,
            fmt::format("the run ended {}: {}", to_string(end), json::serialize(t.engine.error())));
    require(t.the_job().now == phase::succeeded, "the remote job has not succeeded");
}

void require_cancelled(trial& t, run_state end = run_state::cancelled)
{
    const run_state ended = t.engine.finish();
    require(ended == end, fmt::format("the run ended {}", to_string(ended)));
    require(t.the_job().now == phase::cancelled, "the run has ended, and its job is not cancelled");
    require(!t.engine.error().contains("remote"), "the cancellation is called unconfirmed");
}

/// After a launch in doubt a backend that can neither find nor deduplicate must not launch again.
void require_success_or_doubt(trial& t)
{
    if (t.remote.guarantee() != launch_guarantee::none) {
        require_success(t);
        return;
    }
    const run_state end = t.engine.finish();
    require(end == run_state::failed, fmt::format("the run ended {}", to_string(end)));
    require(t.engine.error().at("class") == "unknown_outcome", "its failure is not called an unknown outcome");
    require(t.remote.jobs().size() <= 1, "the job was launched again");
}

void demand(bool possible, const char* what)
{
    if (!possible)
        throw not_applicable(what);
}

void job_is_launched_once_and_yields_its_output(trial& t)
{
    t.start(job_kind::succeeds);
    require_success(t);
    require(t.remote.answer(t.engine.output()) == json::value(json::object{{"answer", 42}}),
            "the output is " + json::serialize(t.engine.output()));
    require(t.engine.recorded(launch_intent) == 1 && t.engine.recorded(launch_recorded) == 1,
            "intent and job id are not recorded once each");
}

void failure_has_the_exit_code(trial& t)
{
    t.start(job_kind::fails);
    const run_state end = t.engine.finish();
    require(end == run_state::failed, fmt::format("the run ended {}", to_string(end)));
    require(t.engine.error().at("code") == "exit_7", "its code is not exit_7: " + json::serialize(t.engine.error()));
}

void log_of_the_job_is_kept(trial& t)
{
    t.start(job_kind::speaks);
    require_success(t);
    require(t.engine.logs().find("hello from the job") != std::string::npos, "the log is: " + t.engine.logs());
}

void cancel_while_queued_ends_the_job(trial& t)
{
    demand(t.remote.occupy(), "it has no queue");
    t.start(job_kind::endures);
    t.run_until(phase::queued);
    t.engine.run_until([&] { return t.engine.deferred(); });
    t.engine.cancel();
    require_cancelled(t);
}

void cancel_while_running_ends_the_job(trial& t)
{
    t.start(job_kind::endures);
    t.run_until(phase::running);
    t.engine.cancel();
    require_cancelled(t);
}

void cancel_after_the_end_changes_nothing_of_the_job(trial& t)
{
    t.start(job_kind::succeeds);
    t.run_until(phase::succeeded);
    t.engine.cancel();
    const run_state end = t.engine.finish();
    require(end == run_state::success || end == run_state::cancelled, fmt::format("the run ended {}", to_string(end)));
    require(t.the_job().now == phase::succeeded, "the job is not what it was");
    require(t.engine.unconfirmed() == 0, "the end is called unconfirmed");
}

void cancel_is_repeated_until_it_is_heard(trial& t)
{
    t.start(job_kind::endures);
    t.run_until(phase::running);
    demand(t.remote.misbehave(misbehaviour::refuses_to_cancel), "it cannot be made to refuse a cancellation");
    t.engine.cancel();
    require_cancelled(t);
}

void timeout_ends_the_job(trial& t)
{
    t.start(job_kind::endures, "timeout: 3s");
    require_cancelled(t, run_state::failed);
    require(t.engine.error().at("code") == "timed_out", json::serialize(t.engine.error()));
}

void crash_before_submission_launches_once(trial& t)
{
    t.engine.stop_at(launch_intent, gate_side::before);
    t.start(job_kind::succeeds);
    t.engine.run_until_stopped();
    require(t.remote.jobs().empty(), "a job was launched before the intent was durable");
    t.engine.crash();
    t.engine.come_up();
    require_success(t);
}

void crash_after_the_intent_launches_once(trial& t)
{
    t.engine.stop_at(launch_intent, gate_side::after);
    t.start(job_kind::succeeds);
    t.engine.run_until_stopped();
    t.engine.crash();
    t.engine.come_up();
    require_success_or_doubt(t);
}

void crash_between_submission_and_record_launches_once(trial& t)
{
    t.engine.stop_at(launch_recorded, gate_side::before);
    t.start(job_kind::lasts);
    t.engine.run_until_stopped();
    require(t.remote.jobs().size() == 1, "the job was not accepted");
    t.engine.crash();
    t.engine.come_up();
    require_success_or_doubt(t);
}

void crash_while_waiting_watches_the_same_job(trial& t)
{
    t.start(job_kind::lasts);
    t.run_until(phase::running);
    t.engine.run_until([&] { return t.engine.deferred(); });
    t.engine.crash();
    t.engine.come_up();
    require_success(t);
}

void crash_at_the_end_yields_the_same_end(trial& t)
{
    t.engine.stop_at(attempt_ended, gate_side::before);
    t.start(job_kind::succeeds);
    t.engine.run_until_stopped();
    t.engine.crash();
    t.engine.come_up();
    require_success(t);
}

void lost_answer_does_not_launch_twice(trial& t)
{
    demand(t.remote.misbehave(misbehaviour::loses_the_answer), "it cannot be made to lose an answer");
    t.start(job_kind::succeeds);
    require_success_or_doubt(t);
}

void late_acceptance_does_not_launch_twice(trial& t)
{
    demand(t.remote.misbehave(misbehaviour::accepts_late), "it cannot be made to accept late");
    t.start(job_kind::succeeds);
    require_success_or_doubt(t);
}

void cancel_asked_while_the_engine_is_down_is_carried_out(trial& t)
{
    t.start(job_kind::endures);
    t.run_until(phase::running);
    t.engine.run_until([&] { return t.engine.deferred(); });
    t.engine.crash();
    t.engine.cancel_while_down();
    t.engine.come_up();
    require_cancelled(t);
}

void cancel_asked_while_the_launch_is_in_doubt_leaves_nothing(trial& t)
{
    t.engine.stop_at(launch_recorded, gate_side::before);
    t.start(job_kind::endures);
    t.engine.run_until_stopped();
    t.engine.crash();
    t.engine.cancel_while_down();
    t.engine.come_up();
    if (t.remote.guarantee() == launch_guarantee::finds) {
        require_cancelled(t);
        return;
    }
    require(t.engine.finish() == run_state::cancelled, "the run was not cancelled");
    require(t.engine.error().at("remote") == "unconfirmed", "nothing says that the job may run");
    require(t.engine.unconfirmed() == 1, "the job is not on the list of unconfirmed ones");
}

void throttling_is_waited_out(trial& t)
{
    demand(t.remote.misbehave(misbehaviour::throttles), "it cannot be made to throttle");
    t.start(job_kind::lasts, "retry: {limit: 5, delay: 200ms}");
    require_success(t);
}

void errors_of_the_service_are_waited_out(trial& t)
{
    demand(t.remote.misbehave(misbehaviour::fails_for_a_while), "it cannot be made to fail");
    t.start(job_kind::lasts, "retry: {limit: 5, delay: 200ms}");
    require_success_or_doubt(t);
}

void job_that_was_deleted_is_lost(trial& t)
{
    t.start(job_kind::endures);
    t.run_until(phase::running);
    t.engine.run_until([&] { return t.engine.deferred(); });
    demand(t.remote.forget(t.the_job()), "its jobs cannot be deleted");
    require(t.engine.finish() == run_state::failed, "the run did not fail");
    require(t.engine.error().at("code") == "lost", json::serialize(t.engine.error()));
}

void credentials_are_written_nowhere(trial& t)
{
    const auto credentials = t.remote.credentials();
    demand(!credentials.empty(), "it asks for none");
    (void)t.remote.misbehave(misbehaviour::fails_for_a_while);
    t.start(job_kind::speaks, "retry: {limit: 5, delay: 200ms}");
    require_success_or_doubt(t);
    for (const std::string& c : credentials)
        require(!t.engine.has_written(c), "a credential is in the journal or the log");
}

constexpr std::array all_cells{
    cell{"job_is_launched_once_and_yields_its_output", job_is_launched_once_and_yields_its_output},
    cell{"failure_has_the_exit_code", failure_has_the_exit_code},
    cell{"log_of_the_job_is_kept", log_of_the_job_is_kept},
    cell{"cancel_while_queued_ends_the_job", cancel_while_queued_ends_the_job},
    cell{"cancel_while_running_ends_the_job", cancel_while_running_ends_the_job},
    cell{"cancel_after_the_end_changes_nothing_of_the_job", cancel_after_the_end_changes_nothing_of_the_job},
    cell{"cancel_is_repeated_until_it_is_heard", cancel_is_repeated_until_it_is_heard},
    cell{"timeout_ends_the_job", timeout_ends_the_job},
    cell{"crash_before_submission_launches_once", crash_before_submission_launches_once},
    cell{"crash_after_the_intent_launches_once", crash_after_the_intent_launches_once},
    cell{"crash_between_submission_and_record_launches_once", crash_between_submission_and_record_launches_once},
    cell{"crash_while_waiting_watches_the_same_job", crash_while_waiting_watches_the_same_job},
    cell{"crash_at_the_end_yields_the_same_end", crash_at_the_end_yields_the_same_end},
    cell{"lost_answer_does_not_launch_twice", lost_answer_does_not_launch_twice},
    cell{"late_acceptance_does_not_launch_twice", late_acceptance_does_not_launch_twice},
    cell{"cancel_asked_while_the_engine_is_down_is_carried_out", cancel_asked_while_the_engine_is_down_is_carried_out},
    cell{"cancel_asked_while_the_launch_is_in_doubt_leaves_nothing",
         cancel_asked_while_the_launch_is_in_doubt_leaves_nothing},
    cell{"throttling_is_waited_out", throttling_is_waited_out},
    cell{"errors_of_the_service_are_waited_out", errors_of_the_service_are_waited_out},
    cell{"job_that_was_deleted_is_lost", job_that_was_deleted_is_lost},
    cell{"credentials_are_written_nowhere", credentials_are_written_nowhere},
};

} // namespace

std::span<const cell> cells() noexcept
{
    return all_cells;
}

} // namespace potoo::conformance
