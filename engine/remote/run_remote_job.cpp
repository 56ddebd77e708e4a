#include <potoo/backend.hpp>
#include <potoo/launch_intent.hpp>

#include <algorithm>
#include <utility>

namespace potoo {
namespace {

constexpr int most_submissions = 3;
/// Where two of them make one job, trying longer costs nothing but time.
constexpr int most_submissions_deduplicated = 12;
constexpr duration first_delay{500};
constexpr duration longest_delay{10'000};
constexpr duration log_time_after_cancellation{30'000};
constexpr duration longest_wait_for_journal{10'000};
constexpr duration longest_line_to_cancel{3'600'000};

class growing_delay
{
  public:
    [[nodiscard]] duration next() noexcept
    {
        const duration d = delay_;
        delay_ = std::min(delay_ * 2, longest_delay);
        return d;
    }

  private:
    duration delay_ = first_delay;
};

steady_time later(context& ctx, steady_clock::duration d)
{
    const steady_time now = ctx.now_steady();
    return d >= steady_time::max() - now ? steady_time::max() : now + d;
}

/// What a task came to that did not fail.
template <class T>
struct attempted
{
    std::optional<T> value;
    cancel_reason stopped = cancel_reason::none;
};

template <class T>
task<attempted<T>> unless_cancelled(task<T> t)
{
    attempted<T> a;
    try {
        auto value = co_await std::move(t);
        a.value.emplace(std::move(value));
    } catch (const cancelled& c) {
        a.stopped = c.reason();
    }
    co_return a;
}

std::string unknown_message(const launch_token& token, const std::string& why)
{
    return "the job " + token.value() + " may or may not have been accepted (" + why +
           "), and this system can neither be asked for it nor told to start it once only: see whether it runs, then "
           "retry the task by hand";
}

using urgency = request_gate::urgency;

/// The right to one request; nothing where the remote system has no gate.
using turn = std::optional<request_gate::pass>;

task<turn> take_turn(backend& b, urgency u)
{
    turn mine;
    if (request_gate* gate = b.gate()) {
        auto pass = co_await gate->enter(u);
        mine.emplace(std::move(pass));
    }
    co_return mine;
}

/// A submission waits here, unless it waits for others first.
task<turn> take_turn_to_submit(backend& b)
{
    turn mine;
    if (!b.launches_together()) {
        auto passed = co_await take_turn(b, urgency::normal);
        mine = std::move(passed);
    }
    co_return mine;
}

/// What is asked about a job that runs may be asked again, also when credentials are refused: the job runs on, and
/// people may mend them.
bool may_pass(const task_error& e)
{
    if (e.classification() == failure_class::fatal)
        return e.code() == "unauthorized" || e.code() == "forbidden" || e.code() == "no_credentials";
    return e.classification() != failure_class::skip;
}

/// Until the remote side can be asked. @return nothing when it knows no such job
task<std::optional<job_id>> find_patiently(context& ctx, backend& b, urgency u)
{
    growing_delay delay;
    for (;;) {
        std::string trouble;
        try {
            const auto mine = co_await take_turn(b, u);
            auto found = co_await b.find(ctx, ctx.token());
            co_return found;
        } catch (const task_error& e) {
            if (!may_pass(e))
                throw;
            trouble = e.what();
        }
        ctx.log("cannot ask for the job " + ctx.token().value() + ": " + trouble + "; asking again");
        co_await sleep_for(delay.next());
    }
}

/// Asks, and if there is none, asks again when a request that was on its way has surely arrived.
task<std::optional<job_id>> find_after_settling(context& ctx, backend& b, urgency u)
{
    auto found = co_await find_patiently(ctx, b, u);
    if (found)
        co_return found;
    co_await sleep_for(b.settle_time());
    found = co_await find_patiently(ctx, b, u);
    co_return found;
}

task<> append_id(context& ctx, const job_id& id)
{
    co_await ctx.record("launch_recorded", json::value(json::string(std::string_view(id.value()))));
}

/// The id is appended to the journal at once. A disk that is full does not keep the attempt from being stopped: the
/// intent is durable, so that the job can be found.
task<job_id> record_id(context& ctx, job_id id)
{
    co_await unless_cancelled(shield(as_value(append_id(ctx, id)), later(ctx, longest_wait_for_journal)));
    co_return id;
}

/// The attempt as a whole may have been told to stop, or only the branch that launches.
cancel_reason why_stopped(const context& ctx, const branch& here)
{
    return here.cancel_requested() != cancel_reason::none ? here.cancel_requested() : ctx.stop_requested();
}

void refuse_if_stopped(const context& ctx, const branch& here)
{
    if (const cancel_reason why = why_stopped(ctx, here); why != cancel_reason::none)
        throw cancelled(why);
}

struct submission
{
    std::optional<job_id> id;
    std::string unknown; ///< why it is not known whether the job was accepted
};

task<submission> submit_and_record(context& ctx, backend& b, turn mine)
{
    submission s;
    try {
        auto id = co_await b.submit(ctx, ctx.token());
        s.id = std::move(id);
    } catch (const unknown_outcome& u) {
        s.unknown = u.what();
    }
    mine.reset();
    if (s.id)
        co_await record_id(ctx, *s.id);
    co_return s;
}

/// A cancellation waits until the answer is there: without the id the job could not be cancelled. So the turn must have
/// come before.
task<submission> submit_once(context& ctx, backend& b, turn mine)
{
    const branch& here = co_await this_branch();
    // Told to stop already, it must not begin: the shield would let it.
    refuse_if_stopped(ctx, here);
    auto s = co_await shield(submit_and_record(ctx, b, std::move(mine)), steady_time::max());
    co_return s;
}

/// After a submission whose outcome is unknown. That this one was surely not accepted says nothing about the one
/// before.
task<submission> submit_again(context& ctx, backend& b)
{
    submission s;
    auto mine = co_await take_turn_to_submit(b);
    try {
        s = co_await submit_once(ctx, b, std::move(mine));
    } catch (const failure& f) {
        if (b.can_find())
            throw;
        s.unknown = f.what();
    }
    co_return s;
}

/// The job may have been launched before; `why` says what happened.
/// @param in_doubt kept true for as long as it may have been
task<job_id> launch_after_unknown(context& ctx, backend& b, std::string why, int submissions, bool& in_doubt)
{
    for (growing_delay delay;;) {
        if (b.can_find()) {
            auto found = co_await find_after_settling(ctx, b, urgency::normal);
            if (found) {
                auto id = co_await record_id(ctx, std::move(*found));
                co_return id;
            }
            in_doubt = false;
        } else if (!b.deduplicates())
            throw unknown_outcome(unknown_message(ctx.token(), why), "unknown_outcome");
        else if (submissions > 0)
            co_await sleep_for(delay.next());
        if (submissions >= most_submissions && b.can_find())
            throw failure("the job was submitted " + std::to_string(submissions) +
                              " times, and the remote side does not know it: " + why,
                          "not_accepted");
        if (submissions >= most_submissions_deduplicated)
            throw unknown_outcome("the job was submitted " + std::to_string(submissions) +
                                      " times without an answer: " + why,
                                  "unknown_outcome");
        auto s = co_await submit_again(ctx, b);
        ++submissions;
        if (s.id)
            co_return std::move(*s.id);
        in_doubt = true;
        ctx.log("no answer to the submission of " + ctx.token().value() + ": " + s.unknown);
        why = std::move(s.unknown);
    }
}

/// @param in_doubt set when it is not known whether the job was accepted
task<job_id> launch_new(context& ctx, backend& b, bool& in_doubt)
{
    auto mine = co_await take_turn_to_submit(b);
    co_await record_launch_intent(ctx);
    auto s = co_await submit_once(ctx, b, std::move(mine));
    if (s.id)
        co_return std::move(*s.id);
    in_doubt = true;
    ctx.log("no answer to the submission of " + ctx.token().value() + ": " + s.unknown);
    auto id = co_await launch_after_unknown(ctx, b, std::move(s.unknown), 1, in_doubt);
    co_return id;
}

/// How far the journal says that the launch came.
enum class launch_stage : std::uint8_t
{
    none,
    intended,
    recorded, ///< the job's id is known
};

/// Claims the attempt's token. @param id set when it is known
launch_stage recall_launch(context& ctx, job_id& id)
{
    (void)ctx.claim_token();
    const auto known = ctx.recorded("launch_recorded");
    if (!known)
        return launch_intended(ctx) ? launch_stage::intended : launch_stage::none;
    if (!known->is_string())
        throw fatal("the journal's job id of " + ctx.token().value() + " is no text: " + json::serialize(*known));
    id = job_id(std::string_view(known->get_string()));
    return launch_stage::recorded;
}

task<job_id> launch_again(context& ctx, backend& b, bool& in_doubt)
{
    ctx.log("the engine stopped while it launched " + ctx.token().value() + "; looking for the job");
    auto id = co_await launch_after_unknown(ctx, b, "the engine stopped before the answer", 0, in_doubt);
    co_return id;
}

/// The attempt was stopped while it was not known whether the job runs. @return the job if there is one
task<std::optional<job_id>> find_to_cancel(context& ctx, backend& b)
{
    if (!b.can_find()) {
        ctx.mark_unconfirmed("the job " + ctx.token().value() +
                             " may have been accepted, and this system cannot be asked");
        co_return std::nullopt;
    }
    std::optional<job_id> found;
    std::string trouble;
    try {
        const steady_time end = later(ctx, b.settle_time() + b.cancel_grace());
        found = co_await shield(find_after_settling(ctx, b, urgency::urgent), end);
    } catch (const cancelled&) {
        trouble = "it did not answer";
    } catch (const std::exception& e) {
        trouble = e.what();
    }
    if (!trouble.empty())
        ctx.mark_unconfirmed("cannot ask whether the job " + ctx.token().value() + " was accepted: " + trouble);
    co_return found;
}

task<> cancel_and_pause(context& ctx, backend& b, const job_id& id, turn mine, growing_delay& delay, bool& heard)
{
    std::string trouble;
    try {
        co_await b.cancel(ctx, id);
        heard = true;
        co_return;
    } catch (const task_error& e) {
        if (!may_pass(e))
            throw;
        trouble = e.what();
    }
    ctx.log("cannot cancel the job " + std::string(id.value()) + ": " + trouble + "; trying again");
    mine.reset();
    co_await sleep_for(delay.next());
}

/// Out of reach of a cancellation. Waiting in line for a turn is not counted, and has a limit of its own for all tries
/// together: a service may ask for a pause with each answer. @return what is left of `grace`
/// @throws cancelled when there is nothing left, or no turn came
task<steady_clock::duration> cancel_patiently(context& ctx, backend& b, const job_id& id, steady_clock::duration grace)
{
    growing_delay delay;
    const steady_time last_turn = later(ctx, longest_line_to_cancel);
    for (bool heard = false; !heard;) {
        auto mine = co_await shield(take_turn(b, urgency::urgent), last_turn);
        const steady_time begun = ctx.now_steady();
        co_await shield(cancel_and_pause(ctx, b, id, std::move(mine), delay, heard), later(ctx, grace));
        grace -= ctx.now_steady() - begun;
    }
    co_return grace;
}

task<job_result> wait_for_end(context& ctx, backend& b, const job_id& id)
{
    co_await borrowed_leaf(b.begin_wait(ctx, id));
    co_return b.end_wait();
}

/// @return nothing when the end was not confirmed in time
task<std::optional<job_result>> end_job(context& ctx, backend& b, const job_id& id)
{
    std::string trouble;
    try {
        const auto left = co_await cancel_patiently(ctx, b, id, b.cancel_grace());
        auto r = co_await shield(wait_for_end(ctx, b, id), later(ctx, left));
        co_return r;
    } catch (const cancelled&) {
        trouble = "no confirmation within " + format_duration(b.cancel_grace());
    } catch (const std::exception& e) {
        trouble = e.what();
    }
    ctx.mark_unconfirmed("job " + std::string(id.value()) + ": " + trouble);
    co_return std::nullopt;
}

/// A log that cannot be had does not change how the job ended.
task<> fetch_logs(context& ctx, backend& b, const job_id& id, job_result& ended)
{
    try {
        co_await b.logs(ctx, id, ended);
        co_return;
    } catch (const std::exception& e) {
        ctx.log("the log of the job " + std::string(id.value()) + " could not be read: " + e.what());
    }
}

json::value output_of(job_result r)
{
    if (r.ended == job_result::state::success)
        return std::move(r.output);
    const auto raise = [&](std::string code) {
        if (r.retryable)
            throw failure(r.error, std::move(code));
        throw fatal(r.error, std::move(code));
    };
    if (r.error.empty())
        r.error = r.ended == job_result::state::lost        ? "the remote side does not know the job any more"
                  : r.ended == job_result::state::cancelled ? "the job was cancelled by somebody else"
                                                            : "the job failed";
    if (r.ended == job_result::state::lost)
        raise("lost");
    if (r.ended == job_result::state::cancelled)
        raise("cancelled");
    raise(r.code.empty() ? "failed" : r.code);
    return {};
}

/// Stopped while the job runs: ends it, unless the engine only lets go.
task<json::value> stop_job(context& ctx, backend& b, const job_id& id, cancel_reason why)
{
    if (detaches(why))
        throw cancelled(why);
    auto end = co_await end_job(ctx, b, id);
    if (!end)
        throw cancelled(why);
    co_await unless_cancelled(shield(as_value(fetch_logs(ctx, b, id, *end)), later(ctx, log_time_after_cancellation)));
    if (end->ended != job_result::state::success)
        throw cancelled(why);
    co_return output_of(std::move(*end));
}

/// The attempt fails although the job may still run: it must not run beside that of the next attempt.
task<> abandon_job(context& ctx, backend& b, const job_id& id, std::string why)
{
    ctx.log("the job " + std::string(id.value()) + " cannot be watched any more and is cancelled: " + why);
    std::string trouble = "it was told to stop; its end was not seen";
    try {
        co_await cancel_patiently(ctx, b, id, b.cancel_grace());
    } catch (const cancelled&) {
        trouble = "it did not answer within " + format_duration(b.cancel_grace());
    } catch (const std::exception& e) {
        trouble = e.what();
    }
    ctx.mark_unconfirmed("job " + std::string(id.value()) + ": " + trouble);
}

/// How the wait went that has just ended.
struct wait_end
{
    std::optional<job_result> job;
    cancel_reason stopped = cancel_reason::none;
    std::exception_ptr error;
    std::string trouble; ///< what `error` says
};

/// @param broken why it did not even begin, if it did not
wait_end end_of_wait(backend& b, std::exception_ptr broken)
{
    wait_end w;
    try {
        if (broken)
            std::rethrow_exception(std::move(broken));
        w.job = b.end_wait();
    } catch (const cancelled& c) {
        w.stopped = c.reason();
    } catch (const std::exception& e) {
        w.error = std::current_exception();
        w.trouble = e.what();
    }
    return w;
}

/// What follows the wait: the job's output, or the end of a job that is not to go on.
task<json::value> conclude(context& ctx, backend& b, const job_id& id, std::exception_ptr broken)
{
    wait_end w = end_of_wait(b, std::move(broken));
    if (w.error) {
        co_await abandon_job(ctx, b, id, std::move(w.trouble));
        std::rethrow_exception(w.error);
    }
    if (!w.job) {
        auto output = co_await stop_job(ctx, b, id, w.stopped);
        co_return output;
    }
    if (w.job->ended == job_result::state::lost && b.can_find()) {
        auto looked = co_await unless_cancelled(find_patiently(ctx, b, urgency::normal));
        if (looked.stopped != cancel_reason::none) {
            auto output = co_await stop_job(ctx, b, id, looked.stopped);
            co_return output;
        }
        if (*looked.value) {
            co_await abandon_job(ctx, b, **looked.value, w.job->error);
            throw fatal(w.job->error + ", but finds it by its name " + ctx.token().value() +
                            ": it was told to stop; is it asked about in the right place?",
                        "lost");
        }
    }
    auto logged = co_await unless_cancelled(as_value(fetch_logs(ctx, b, id, *w.job)));
    // Whoever goes on with the attempt sees the same end again.
    if (detaches(logged.stopped))
        throw cancelled(logged.stopped);
    co_return output_of(std::move(*w.job));
}

/// Brings the attempt to where it has a job. @return why it was told to stop before it watched
/// the job, which is then to be ended; `none` if it was not
task<cancel_reason> find_or_launch(context& ctx, backend& b, launch_stage before, job_id& id)
{
    branch& here = co_await this_branch();
    bool in_doubt = before == launch_stage::intended;
    attempted<job_id> launched;
    std::exception_ptr trouble;
    try {
        task<job_id> launch = in_doubt ? launch_again(ctx, b, in_doubt) : launch_new(ctx, b, in_doubt);
        launched = co_await unless_cancelled(std::move(launch));
    } catch (...) {
        trouble = std::current_exception();
    }
    if (launched.value) {
        id = std::move(*launched.value);
        co_return cancel_reason::none;
    }
    const cancel_reason asked = why_stopped(ctx, here);
    const cancel_reason why = asked != cancel_reason::none ? asked : launched.stopped;
    if (why == cancel_reason::none) {
        if (in_doubt && b.can_find())
            ctx.mark_unconfirmed("it is not known whether the job " + ctx.token().value() + " was accepted");
        std::rethrow_exception(trouble);
    }
    if (in_doubt && !detaches(why)) {
        auto found = co_await find_to_cancel(ctx, b);
        if (found) {
            id = std::move(*found);
            co_return why;
        }
    }
    throw cancelled(why);
}

/// A million of these frames wait side by side: what is not needed then is in coroutines that have ended.
template <class Backend>
task<json::value> drive(context& ctx, Backend b)
{
    job_id id;
    const launch_stage before = recall_launch(ctx, id);
    if (before != launch_stage::recorded) {
        const cancel_reason stopped = co_await find_or_launch(ctx, *b, before, id);
        if (stopped != cancel_reason::none) {
            auto output = co_await stop_job(ctx, *b, id, stopped);
            co_return output;
        }
    }
    std::exception_ptr broken;
    try {
        const context::deferral deferred(ctx);
        co_await borrowed_leaf(b->begin_wait(ctx, id));
    } catch (...) {
        broken = std::current_exception();
    }
    auto output = co_await conclude(ctx, *b, id, std::move(broken));
    co_return output;
}

} // namespace

task<json::value> run_remote_job(context& ctx, std::unique_ptr<backend> b)
{
    return drive(ctx, std::move(b));
}

task<json::value> run_remote_job(context& ctx, backend& b)
{
    return drive(ctx, &b);
}

} // namespace potoo
