#include "tests/unit/operators/fake_context.hpp"
#include "tests/unit/remote/repeated_look.hpp"
#include "tests/unit/task/runner.hpp"

#include <potoo/backend.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

using namespace potoo;
using namespace std::chrono_literals;

namespace {

enum class reception : std::uint8_t
{
    accepted,
    refused,     ///< failure
    forbidden,   ///< fatal
    lost_on_way, ///< no answer, and not accepted
    lost_answer, ///< no answer, and accepted
    late,        ///< no answer, and accepted three seconds later
};

/// A remote system that outlives contexts. Every call takes 10 ms.
struct remote_system
{
    struct job
    {
        steady_time accepted;
        steady_time ends;
        job_result result;
        bool cancel_asked = false;
    };

    explicit remote_system(virtual_loop& l) : loop(l) {}

    [[nodiscard]] bool running(const job& j) const { return loop.now() < j.ends; }

    [[nodiscard]] std::size_t running_jobs() const
    {
        return static_cast<std::size_t>(
            std::count_if(jobs.begin(), jobs.end(), [&](const auto& j) { return running(j.second); }));
    }

    void accept(const std::string& name, duration delay)
    {
        jobs[name] = {loop.now() + delay, loop.now() + delay + job_takes, result, false};
    }

    virtual_loop& loop;
    std::deque<reception> submissions; ///< what happens to them in turn; then they are accepted
    duration job_takes{200};
    duration cancel_takes{50};
    job_result result{job_result::state::success, json::value("done"), {}, {}, true};

    void check_credentials()
    {
        if (unauthorized_calls-- > 0)
            throw fatal("who are you?", "unauthorized");
    }

    int failing_finds = 0;
    int failing_cancels = 0;
    int unauthorized_calls = 0; ///< searches and cancellations whose credentials are refused
    bool find_is_dead = false;
    bool cancel_is_forbidden = false;
    bool logs_are_broken = false;
    bool wait_is_broken = false;
    bool deduplicates = false;
    std::map<std::string, job> jobs; ///< by id
    int submit_calls = 0;
    int find_calls = 0;
    int cancel_calls = 0;
    int log_calls = 0;
    int calls = 0;
};

class scripted_backend final : public backend
{
  public:
    explicit scripted_backend(remote_system& r) : remote_(r) {}

    bool finds = true;
    bool find_is_forbidden = false;
    duration grace{10'000};
    request_gate* line = nullptr;
    bool together = false;

    task<job_id> submit(context& ctx, const launch_token& token) override
    {
        ++remote_.calls;
        ++remote_.submit_calls;
        const reception what = remote_.submissions.empty() ? reception::accepted : remote_.submissions.front();
        if (!remote_.submissions.empty())
            remote_.submissions.pop_front();
        std::string id =
            remote_.deduplicates ? token.value() : token.value() + "#" + std::to_string(remote_.submit_calls);
        co_await sleep_for(5ms);
        if (what == reception::accepted || what == reception::lost_answer)
            remote_.accept(id, 0ms);
        if (what == reception::late)
            remote_.accept(id, 3'000ms);
        co_await sleep_for(5ms);
        (void)ctx;
        switch (what) {
        case reception::refused:
            throw failure("try later", "http_503");
        case reception::forbidden:
            throw fatal("forbidden", "http_403");
        case reception::lost_on_way:
        case reception::lost_answer:
        case reception::late:
            throw unknown_outcome("no answer", "connection_lost");
        case reception::accepted:
            break;
        }
        co_return job_id(id);
    }

    task<std::optional<job_id>> find(context&, const launch_token& token) override
    {
        ++remote_.calls;
        ++remote_.find_calls;
        co_await sleep_for(10ms);
        remote_.check_credentials();
        if (find_is_forbidden)
            throw fatal("who are you?", "http_401");
        if (remote_.find_is_dead || remote_.failing_finds-- > 0)
            throw failure("no answer to find");
        for (const auto& [id, j] : remote_.jobs) {
            if (id.starts_with(token.value()) && j.accepted <= remote_.loop.now())
                co_return job_id(id);
        }
        co_return std::nullopt;
    }

    leaf& begin_wait(context&, const job_id& id) override
    {
        ++remote_.calls;
        auto& j = remote_.jobs.at(std::string(id.value()));
        return wait_.emplace(remote_.loop.now(), [this, &j]() -> std::optional<steady_time> {
            if (remote_.wait_is_broken)
                throw fatal("no such state", "bad_expression");
            if (remote_.running(j))
                return std::min(j.ends, remote_.loop.now() + 20ms);
            ended_ = &j;
            return std::nullopt;
        });
    }

    job_result end_wait() override
    {
        wait_->await_resume();
        return ended_->result;
    }

    task<> cancel(context&, const job_id& id) override
    {
        ++remote_.calls;
        ++remote_.cancel_calls;
        co_await sleep_for(10ms);
        remote_.check_credentials();
        if (remote_.cancel_is_forbidden)
            throw fatal("not allowed");
        if (remote_.failing_cancels-- > 0)
            throw failure("no answer to cancel");
        auto& j = remote_.jobs.at(std::string(id.value()));
        if (!remote_.running(j) || j.cancel_asked)
            co_return;
        j.cancel_asked = true;
        j.ends = remote_.loop.now() + remote_.cancel_takes;
        j.result = {job_result::state::cancelled, {}, "cancelled", {}, true};
    }

    task<> logs(context& ctx, const job_id&, job_result&) override
    {
        ++remote_.calls;
        ++remote_.log_calls;
        co_await sleep_for(10ms);
        if (remote_.logs_are_broken)
            throw failure("no log");
        ctx.log_output(static_cast<output_stream>(0), "log\n");
    }

    bool can_find() const noexcept override { return finds; }

    bool deduplicates() const noexcept override { return remote_.deduplicates; }

    duration cancel_grace() const noexcept override { return grace; }

    request_gate* gate() noexcept override { return line; }

    bool launches_together() const noexcept override { return together; }

  private:
    remote_system& remote_;
    const remote_system::job* ended_ = nullptr;
    std::optional<test::repeated_look> wait_;
};

task<json::value> nothing(context&)
{
    co_return json::value();
}

task<json::value> told_to_stop_before(task<json::value> attempt)
{
    branch& here = co_await this_branch();
    here.cancel(cancel_reason::user);
    auto output = co_await std::move(attempt);
    co_return output;
}

struct launch : test::fixture
{
    remote_system remote{loop};
    test::fake_context ctx{loop, "scripted"};
    scripted_backend b{remote};

    /// As another attempt, or another life of the same.
    task<json::value> attempt()
    {
        ctx.token_claimed = false;
        return run_remote_job(ctx, b);
    }

    json::value run() { return test::fixture::run(attempt()); }

    /// What was thrown, as `class code`.
    std::string run_failing()
    {
        try {
            run();
        } catch (const task_error& e) {
            return std::string(to_string(e.classification())) + " " + e.code();
        }
        return "no failure";
    }

    /// Stops it after so long.
    struct stopped
    {
        bool ended_before = false;
        cancel_reason by = cancel_reason::none;
        json::value output;
    };

    stopped run_and_stop(duration after, cancel_reason reason)
    {
        test::runner<json::value> r(loop, attempt());
        loop.run(after);
        stopped s;
        s.ended_before = r.ended();
        if (!r.ended())
            r.cancel(reason);
        loop.run();
        BOOST_TEST_REQUIRE(r.ended());
        try {
            s.output = r.take();
        } catch (const cancelled& c) {
            s.by = c.reason();
        }
        return s;
    }

    [[nodiscard]] std::vector<std::string> fact_names() const
    {
        std::vector<std::string> names;
        for (const auto& f : ctx.facts)
            names.push_back(f.first);
        return names;
    }
};

const std::vector<std::string> launch_facts{"launch_intent", "launch_recorded"};

} // namespace

POTOO_OPERATOR("scripted", nothing, {.summary = "For tests.", .schema = R"({"type": "object"})"})

BOOST_FIXTURE_TEST_SUITE(remote_jobs, launch)

BOOST_AUTO_TEST_CASE(job_is_launched_recorded_waited_for_and_its_log_fetched)
{
    BOOST_TEST(run() == json::value("done"));
    BOOST_TEST(fact_names() == launch_facts);
    BOOST_TEST(ctx.facts[0].second == json::value(ctx.token().value()));
    BOOST_TEST(ctx.facts[1].second == json::value(ctx.token().value() + "#1"));
    BOOST_TEST(ctx.standard_output == "log\n");
    BOOST_TEST(ctx.deferrals == 1);
    BOOST_TEST(!ctx.deferred);
    BOOST_TEST(remote.submit_calls == 1);
}

BOOST_AUTO_TEST_CASE(log_that_cannot_be_had_changes_nothing)
{
    remote.logs_are_broken = true;
    BOOST_TEST(run() == json::value("done"));
    BOOST_TEST(ctx.lines.size() == 1u);
}

BOOST_AUTO_TEST_CASE(ends_of_the_job_become_failures)
{
    remote.result = {job_result::state::failed, {}, "exit 3", "exit_3", true};
    BOOST_TEST(run_failing() == "retryable exit_3");
    remote.result = {job_result::state::failed, {}, "bad input", "", false};
    BOOST_TEST(run_failing() == "fatal failed");
    b.finds = false;
    remote.result = {job_result::state::lost, {}, "", "", true};
    BOOST_TEST(run_failing() == "retryable lost");
    remote.result = {job_result::state::cancelled, {}, "", "", true};
    BOOST_TEST(run_failing() == "retryable cancelled");
    BOOST_TEST(remote.log_calls == 4);
}

BOOST_AUTO_TEST_CASE(lost_job_that_is_still_found_is_stopped_and_not_launched_again)
{
    remote.result = {job_result::state::lost, {}, "not here", "", true};
    BOOST_TEST(run_failing() == "fatal lost");
    BOOST_TEST(remote.cancel_calls == 1);
    BOOST_TEST(ctx.unconfirmed.size() == 1u);
}

BOOST_AUTO_TEST_CASE(job_that_cannot_be_watched_is_cancelled)
{
    remote.wait_is_broken = true;
    remote.failing_cancels = 1;
    BOOST_TEST(run_failing() == "fatal bad_expression");
    BOOST_TEST(remote.cancel_calls == 2);
    BOOST_TEST(ctx.unconfirmed.size() == 1u);
}

BOOST_AUTO_TEST_CASE(refused_submission_fails_the_attempt_without_a_search)
{
    remote.submissions = {reception::refused};
    BOOST_TEST(run_failing() == "retryable http_503");
    remote.submissions = {reception::forbidden};
    BOOST_TEST(run_failing() == "fatal http_403");
    BOOST_TEST(remote.find_calls == 0);
    BOOST_TEST(remote.jobs.empty());
}

BOOST_AUTO_TEST_CASE(lost_answer_is_found_out_and_nothing_is_submitted_again)
{
    remote.submissions = {reception::lost_answer};
    remote.failing_finds = 2;
    BOOST_TEST(run() == json::value("done"));
    BOOST_TEST(remote.submit_calls == 1);
    BOOST_TEST(remote.find_calls == 3);
    BOOST_TEST(fact_names() == launch_facts);
}

BOOST_AUTO_TEST_CASE(nothing_is_recorded_before_the_turn_to_submit_has_come)
{
    request_gate gate(loop, {});
    gate.throttle(loop.now() + 1h);
    b.line = &gate;
    const auto s = run_and_stop(30min, cancel_reason::user);
    BOOST_CHECK(s.by == cancel_reason::user);
    BOOST_TEST(ctx.facts.empty());
    BOOST_TEST(remote.calls == 0);
    BOOST_TEST(ctx.unconfirmed.empty());
}

BOOST_AUTO_TEST_CASE(waiting_for_the_turn_to_cancel_does_not_count_against_the_grace)
{
    request_gate gate(loop, {});
    b.line = &gate;
    b.grace = 10'000ms;
    remote.job_takes = 3'600'000ms;
    test::runner<json::value> r(loop, attempt());
    loop.run(1s);
    gate.throttle(loop.now() + 5min);
    r.cancel(cancel_reason::user);
    loop.run();
    BOOST_CHECK(r.ended_by() == cancel_reason::user);
    BOOST_TEST(remote.cancel_calls == 1);
    BOOST_TEST(remote.running_jobs() == 0u);
    BOOST_TEST(ctx.unconfirmed.empty());
}

BOOST_AUTO_TEST_CASE(job_in_doubt_that_cannot_be_asked_for_is_called_unconfirmed)
{
    remote.submissions = {reception::lost_answer};
    b.find_is_forbidden = true;
    BOOST_TEST(run_failing() == "fatal http_401");
    BOOST_TEST(ctx.unconfirmed.size() == 1u);
}

BOOST_AUTO_TEST_CASE(job_that_is_surely_not_there_is_not_in_doubt)
{
    remote.submissions = {reception::lost_on_way, reception::forbidden};
    BOOST_TEST(run_failing() == "fatal http_403");
    BOOST_TEST(ctx.unconfirmed.empty());
}

BOOST_AUTO_TEST_CASE(nothing_is_submitted_while_a_stop_is_held_back_for_a_replay)
{
    ctx.history.emplace_back("launch_intent", json::value(ctx.token().value()));
    ctx.stop = cancel_reason::user;
    test::runner<json::value> r(loop, attempt());
    loop.run();
    BOOST_CHECK(r.ended_by() == cancel_reason::user);
    BOOST_TEST(remote.submit_calls == 0);
    BOOST_TEST(remote.find_calls > 0);
}

BOOST_AUTO_TEST_CASE(stop_that_is_held_back_for_a_replay_leaves_a_launch_in_doubt_unconfirmed)
{
    b.finds = false;
    ctx.history.emplace_back("launch_intent", json::value(ctx.token().value()));
    ctx.stop = cancel_reason::user;
    test::runner<json::value> r(loop, attempt());
    loop.run();
    BOOST_CHECK(r.ended_by() == cancel_reason::user);
    BOOST_TEST(remote.submit_calls == 0);
    BOOST_TEST(ctx.unconfirmed.size() == 1u);
}

BOOST_AUTO_TEST_CASE(searches_and_repeated_cancellations_pass_the_gate)
{
    request_gate gate(loop, {});
    b.line = &gate;
    remote.submissions = {reception::lost_answer};
    remote.failing_finds = 1;
    remote.failing_cancels = 2;
    remote.job_takes = 3'600'000ms;
    const auto s = run_and_stop(1min, cancel_reason::user);
    BOOST_CHECK(s.by == cancel_reason::user);
    BOOST_TEST(gate.entered() ==
               static_cast<std::uint64_t>(remote.submit_calls + remote.find_calls + remote.cancel_calls));
    BOOST_TEST(remote.cancel_calls == 3);
}

BOOST_AUTO_TEST_CASE(launch_together_takes_its_own_turn)
{
    request_gate gate(loop, {});
    b.line = &gate;
    b.together = true;
    remote.job_takes = 1h;
    const auto s = run_and_stop(1min, cancel_reason::user);
    BOOST_CHECK(s.by == cancel_reason::user);
    BOOST_TEST(remote.submit_calls == 1);
    BOOST_TEST(gate.entered() == static_cast<std::uint64_t>(remote.cancel_calls));
}

BOOST_AUTO_TEST_CASE(search_whose_credentials_are_refused_is_repeated)
{
    remote.submissions = {reception::lost_answer};
    remote.unauthorized_calls = 3;
    BOOST_TEST(run() == json::value("done"));
    BOOST_TEST(remote.submit_calls == 1);
    BOOST_TEST(remote.find_calls == 4);
}

BOOST_AUTO_TEST_CASE(cancellation_whose_credentials_are_refused_is_repeated)
{
    remote.job_takes = 1h;
    remote.unauthorized_calls = 2;
    const auto s = run_and_stop(100ms, cancel_reason::user);
    BOOST_CHECK(s.by == cancel_reason::user);
    BOOST_TEST(remote.cancel_calls == 3);
    BOOST_TEST(ctx.unconfirmed.empty());
    BOOST_TEST(remote.running_jobs() == 0u);
}

BOOST_AUTO_TEST_CASE(request_that_arrives_late_is_waited_for)
{
    remote.submissions = {reception::late};
    BOOST_TEST(run() == json::value("done"));
    BOOST_TEST(remote.submit_calls == 1);
    BOOST_TEST(remote.jobs.size() == 1u);
}

BOOST_AUTO_TEST_CASE(lost_request_is_submitted_again_once_it_is_surely_not_there)
{
    remote.submissions = {reception::lost_on_way, reception::lost_on_way};
    BOOST_TEST(run() == json::value("done"));
    BOOST_TEST(remote.submit_calls == 3);
    BOOST_TEST(remote.find_calls == 4);
    BOOST_CHECK(loop.elapsed() > 10s);
}

BOOST_AUTO_TEST_CASE(requests_that_are_always_lost_fail_the_attempt)
{
    remote.submissions.assign(100, reception::lost_on_way);
    BOOST_TEST(run_failing() == "retryable not_accepted");
    BOOST_TEST(remote.submit_calls == 3);
}

BOOST_AUTO_TEST_CASE(system_that_deduplicates_is_asked_again)
{
    b.finds = false;
    remote.deduplicates = true;
    remote.submissions = {reception::lost_answer};
    BOOST_TEST(run() == json::value("done"));
    BOOST_TEST(remote.submit_calls == 2);
    BOOST_TEST(remote.jobs.size() == 1u);
    remote.submissions.assign(100, reception::lost_on_way);
    BOOST_TEST(run_failing() == "unknown_outcome unknown_outcome");
}

BOOST_AUTO_TEST_CASE(lost_answer_of_a_system_that_cannot_be_asked_is_an_unknown_outcome)
{
    b.finds = false;
    remote.submissions = {reception::lost_answer};
    BOOST_TEST(run_failing() == "unknown_outcome unknown_outcome");
    BOOST_TEST(remote.submit_calls == 1);
}

BOOST_AUTO_TEST_CASE(refusal_after_a_lost_answer_proves_nothing_where_the_job_cannot_be_looked_for)
{
    b.finds = false;
    remote.deduplicates = true;
    remote.submissions = {reception::lost_answer};
    remote.submissions.resize(20, reception::refused);
    BOOST_TEST(run_failing() == "unknown_outcome unknown_outcome");
    BOOST_TEST(remote.submit_calls == 12);
}

BOOST_AUTO_TEST_CASE(launch_that_was_withdrawn_before_it_was_sent_is_not_in_doubt)
{
    b.finds = false;
    ctx.history = {{"launch_intent", "t"}, {"launch_withdrawn", true}};
    BOOST_TEST(run() == json::value("done"));
    BOOST_TEST(remote.submit_calls == 1);
    BOOST_TEST((fact_names() == std::vector<std::string>{"launch_withdrawn", "launch_intent", "launch_recorded"}));
}

BOOST_AUTO_TEST_CASE(replay_with_an_id_goes_on_waiting)
{
    remote.accept("known", 0ms);
    ctx.history = {{"launch_intent", "t"}, {"launch_recorded", "known"}};
    BOOST_TEST(run() == json::value("done"));
    BOOST_TEST(remote.submit_calls == 0);
    BOOST_TEST(remote.find_calls == 0);
    BOOST_TEST(ctx.facts.empty());
}

BOOST_AUTO_TEST_CASE(replay_with_an_intent_alone_looks_for_the_job)
{
    remote.accept(ctx.token().value() + "#0", 3'000ms);
    ctx.history = {{"launch_intent", "t"}};
    BOOST_TEST(run() == json::value("done"));
    BOOST_TEST(remote.submit_calls == 0);
    BOOST_TEST(fact_names() == std::vector<std::string>{"launch_recorded"});
}

BOOST_AUTO_TEST_CASE(second_job_of_one_attempt_is_refused)
{
    BOOST_TEST(run() == json::value("done"));
    try {
        test::fixture::run(run_remote_job(ctx, b));
        BOOST_ERROR("it was launched");
    } catch (const fatal& e) {
        BOOST_TEST(e.code() == "second_launch");
    }
    BOOST_TEST(remote.submit_calls == 1);
}

BOOST_AUTO_TEST_CASE(journal_that_cannot_be_written_keeps_no_job_from_being_cancelled)
{
    remote.job_takes = duration{3'600'000};
    ctx.hanging_facts.insert("launch_recorded");
    const auto s = run_and_stop(100ms, cancel_reason::user);
    BOOST_TEST(!s.ended_before);
    BOOST_CHECK(s.by == cancel_reason::user);
    BOOST_TEST(remote.cancel_calls == 1);
    BOOST_TEST(remote.running_jobs() == 0u);
    BOOST_CHECK(loop.elapsed() >= 10s && loop.elapsed() < 11s);
}

BOOST_AUTO_TEST_CASE(journal_that_cannot_be_written_for_a_while_does_not_end_the_attempt)
{
    remote.job_takes = duration{60'000};
    ctx.hanging_facts.insert("launch_recorded");
    BOOST_TEST(run() == json::value("done"));
    BOOST_TEST(remote.submit_calls == 1);
}

BOOST_AUTO_TEST_CASE(replay_with_an_intent_submits_if_there_is_no_job)
{
    ctx.history = {{"launch_intent", "t"}};
    BOOST_TEST(run() == json::value("done"));
    BOOST_TEST(remote.find_calls == 2);
    BOOST_TEST(remote.submit_calls == 1);
}

BOOST_AUTO_TEST_CASE(replay_with_an_intent_submits_again_where_that_is_safe_only)
{
    ctx.history = {{"launch_intent", "t"}};
    b.finds = false;
    BOOST_TEST(run_failing() == "unknown_outcome unknown_outcome");
    remote.deduplicates = true;
    BOOST_TEST(run() == json::value("done"));
    BOOST_TEST(remote.submit_calls == 1);
}

BOOST_AUTO_TEST_CASE(cancelled_while_it_runs_the_job_is_cancelled_and_waited_for)
{
    const auto s = run_and_stop(100ms, cancel_reason::user);
    BOOST_CHECK(s.by == cancel_reason::user);
    BOOST_TEST(remote.cancel_calls == 1);
    BOOST_TEST(remote.running_jobs() == 0u);
    BOOST_TEST(ctx.standard_output == "log\n");
    BOOST_TEST(ctx.unconfirmed.empty());
}

BOOST_AUTO_TEST_CASE(cancellation_is_repeated_until_it_is_heard)
{
    remote.job_takes = 1h;
    remote.failing_cancels = 3;
    const auto s = run_and_stop(100ms, cancel_reason::deadline);
    BOOST_CHECK(s.by == cancel_reason::deadline);
    BOOST_TEST(remote.cancel_calls == 4);
    BOOST_TEST(ctx.unconfirmed.empty());
}

BOOST_AUTO_TEST_CASE(cancellation_that_is_not_confirmed_in_time_says_so)
{
    remote.job_takes = 1h;
    remote.cancel_takes = 1h;
    const steady_time before = loop.now();
    const auto s = run_and_stop(100ms, cancel_reason::user);
    BOOST_CHECK(s.by == cancel_reason::user);
    BOOST_TEST(ctx.unconfirmed.size() == 1u);
    BOOST_CHECK(loop.now() - before < 11s);
}

BOOST_AUTO_TEST_CASE(cancellation_that_is_refused_says_so)
{
    remote.job_takes = 1h;
    remote.cancel_is_forbidden = true;
    const auto s = run_and_stop(100ms, cancel_reason::user);
    BOOST_CHECK(s.by == cancel_reason::user);
    BOOST_TEST_REQUIRE(ctx.unconfirmed.size() == 1u);
    BOOST_TEST(ctx.unconfirmed[0].find("not allowed") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(job_that_succeeded_before_the_cancellation_arrived_keeps_its_result)
{
    remote.failing_cancels = 1;
    const auto s = run_and_stop(195ms, cancel_reason::user);
    BOOST_CHECK(s.by == cancel_reason::none);
    BOOST_TEST(s.output == json::value("done"));
}

BOOST_AUTO_TEST_CASE(cancelled_while_nothing_is_known_the_job_is_looked_for_and_cancelled)
{
    remote.submissions = {reception::late};
    remote.job_takes = 1h;
    const auto s = run_and_stop(500ms, cancel_reason::user);
    BOOST_CHECK(s.by == cancel_reason::user);
    BOOST_TEST(remote.running_jobs() == 0u);
    BOOST_TEST(remote.submit_calls == 1);
    BOOST_TEST(ctx.unconfirmed.empty());
}

BOOST_AUTO_TEST_CASE(cancelled_while_nothing_can_be_known_says_so)
{
    remote.submissions = {reception::lost_answer};
    remote.find_is_dead = true;
    const auto s = run_and_stop(500ms, cancel_reason::user);
    BOOST_CHECK(s.by == cancel_reason::user);
    BOOST_TEST(ctx.unconfirmed.size() == 1u);
}

BOOST_AUTO_TEST_CASE(replay_that_was_cancelled_meanwhile_launches_nothing)
{
    ctx.history = {{"launch_intent", "t"}};
    const auto s = run_and_stop(0ms, cancel_reason::user);
    BOOST_CHECK(s.by == cancel_reason::user);
    BOOST_TEST(remote.submit_calls == 0);
    BOOST_TEST(remote.find_calls >= 2);
}

BOOST_AUTO_TEST_CASE(replay_that_was_cancelled_before_it_begins_submits_nothing_to_a_system_that_only_deduplicates)
{
    remote.deduplicates = true;
    b.finds = false;
    ctx.history = {{"launch_intent", "t"}};
    test::runner<json::value> r(loop, told_to_stop_before(attempt()));
    loop.run();
    BOOST_CHECK(r.ended_by() == cancel_reason::user);
    BOOST_TEST(remote.submit_calls == 0);
    BOOST_TEST(ctx.unconfirmed.size() == 1u);
}

BOOST_AUTO_TEST_SUITE_END()

namespace {

using script = std::deque<reception>;

const std::vector<script> scripts{{},
                                  {reception::lost_answer},
                                  {reception::late},
                                  {reception::lost_on_way},
                                  {reception::lost_on_way, reception::late}};

duration length_of(const script& s)
{
    launch l;
    l.remote.submissions = s;
    l.run();
    return std::chrono::ceil<duration>(l.loop.elapsed());
}

} // namespace

BOOST_AUTO_TEST_SUITE(remote_jobs_at_every_point)

BOOST_AUTO_TEST_CASE(cancelled_at_any_time_no_job_runs_on)
{
    for (const auto& s : scripts) {
        const duration end = length_of(s);
        for (duration t{0}; t <= end; t += end > 1s && t > 100ms && t < end - 400ms ? 97ms : 3ms) {
            launch l;
            l.remote.submissions = s;
            const auto r = l.run_and_stop(t, cancel_reason::user);
            BOOST_TEST(l.remote.running_jobs() == 0u);
            BOOST_TEST(l.remote.jobs.size() <= 1u);
            BOOST_TEST(l.ctx.unconfirmed.empty());
            BOOST_TEST(l.loop.timers() == 0u);
            BOOST_CHECK(r.by == cancel_reason::user || r.output == json::value("done"));
        }
    }
}

BOOST_AUTO_TEST_CASE(stopped_with_the_engine_at_any_time_no_further_call_is_made)
{
    for (const auto& s : scripts) {
        const duration end = length_of(s);
        for (duration t{0}; t <= end; t += end > 1s && t > 100ms && t < end - 400ms ? 97ms : 3ms) {
            launch l;
            l.remote.submissions = s;
            test::runner<json::value> r(l.loop, l.attempt());
            l.loop.run(t);
            const int calls = l.remote.calls;
            const bool ended = r.ended();
            if (!ended)
                r.cancel(cancel_reason::shutdown);
            l.loop.run();
            BOOST_TEST(l.remote.calls <= calls + 1); // `wait` is begun, and ends before it asks
            BOOST_TEST(l.remote.cancel_calls == 0);
            BOOST_CHECK(ended || r.ended_by() == cancel_reason::shutdown);
        }
    }
}

BOOST_AUTO_TEST_CASE(engine_that_dies_at_any_time_and_comes_back_runs_the_job_once)
{
    const std::size_t before = detail::frame_bytes_in_use();
    for (const auto& s : scripts) {
        const duration end = length_of(s);
        for (duration t{0}; t <= end; t += end > 1s && t > 100ms && t < end - 400ms ? 97ms : 3ms) {
            launch l;
            l.remote.submissions = s;
            std::vector<std::pair<std::string, json::value>> journal;
            {
                test::runner<json::value> r(l.loop, l.attempt());
                l.loop.run(t);
                journal = l.ctx.facts;
            }
            BOOST_TEST(l.loop.timers() == 0u);
            l.ctx.history = journal;
            BOOST_TEST(l.run() == json::value("done"));
            BOOST_TEST(l.remote.jobs.size() == 1u);
        }
    }
    BOOST_TEST(detail::frame_bytes_in_use() == before);
}

BOOST_AUTO_TEST_SUITE_END()
