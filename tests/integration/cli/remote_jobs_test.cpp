// Runs with jobs on the example job service, cancelled from outside: what counts is what the service says.
#include "stopped_runs.hpp"

#include "engine/journal/sqlite_store.hpp"
#include "tests/integration/job_service/running_service.hpp"

#include <map>

using namespace potoo::cli::test;
namespace json = potoo::json;

namespace {

constexpr const char* jobs_dag = R"(name: jobs
params: {service: {type: string}, jobs: {type: integer, default: 3}}
tasks:
  job:
    operator: http_job
    foreach: ${{ range(params.jobs) }}
    with:
      submit:
        method: POST
        url: "${{ params.service }}/jobs"
        headers: {Idempotency-Key: "${{ launch_token }}"}
        body: {command: "trap 'sleep 0.5; exit 0' TERM; while :; do sleep 0.05; done"}
      id: ${{ response.body.id }}
      find: {method: GET, url: "${{ params.service }}/jobs?token=${{ launch_token }}", id: "${{ response.body.jobs[0].id }}"}
      status: {method: GET, url: "${{ params.service }}/jobs/${{ id }}"}
      state: ${{ job.state }}
      success: [SUCCEEDED]
      failure: [FAILED, LOST]
      cancelled: [CANCELLED]
      cancel: {method: DELETE, url: "${{ params.service }}/jobs/${{ id }}"}
      poll: {interval: 50ms, max_interval: 50ms, backoff: 1}
  more:
    operator: http_job
    depends_on: [job]
    trigger_rule: all_done
    with:
      submit: {method: POST, url: "${{ params.service }}/jobs", body: {command: "echo never"}}
      id: ${{ response.body.id }}
      status: {method: GET, url: "${{ params.service }}/jobs/${{ id }}"}
      state: ${{ job.state }}
      success: [SUCCEEDED]
      failure: [FAILED]
      idempotent: true
)";

struct with_service
{
    with_service() { w.write("a.yaml", jobs_dag); }

    std::vector<std::string> run_arguments() const { return {"run", "a.yaml", "-p", "service=" + service.url()}; }

    /// States of all jobs that the service has ever accepted.
    std::map<std::string, int> jobs()
    {
        std::map<std::string, int> out;
        const json::value listed = side.get("/jobs?limit=1000").body();
        for (const auto& j : listed.at("jobs").as_array())
            ++out[std::string(j.at("state").as_string())];
        return out;
    }

    bool running(int n)
    {
        return potoo::test::eventually([&] { return jobs()["RUNNING"] == n; });
    }

    workspace w;
    potoo::test::running_service service{{"--slots", "8", "--grace-ms", "60000"}};
    potoo::test::service_connection side{service};
};

const std::map<std::string, int> all_cancelled{{"CANCELLED", 3}};

/// As if the engine that was killed had cancelled the run and given up on its job. @return the job's token
std::string give_up_on_the_job(const workspace& w)
{
    using potoo::journal::record;
    using potoo::journal::record_kind;
    using potoo::journal::recorded_state;
    const potoo::journal::state_layout layout(w.path() / ".potoo");
    const auto lock = potoo::journal::state_lock::acquire(layout);
    const auto store = potoo::journal::open_sqlite_store(layout);
    record launched;
    store->records(potoo::journal::run_number(1), potoo::journal::record_seq(0),
                   [&](potoo::journal::record_seq, const record& r) {
                       if (r.kind == record_kind::launch_recorded)
                           launched = r;
                       return launched.kind != record_kind::launch_recorded;
                   });
    potoo::journal::batch end;
    const auto add = [&](record_kind k, recorded_state s, record r) -> record& {
        r.kind = k;
        r.state = s;
        r.run = potoo::journal::run_number(1);
        r.at = launched.at;
        return end.records.emplace_back(std::move(r));
    };
    record of_attempt;
    of_attempt.task = launched.task;
    of_attempt.item = launched.item;
    of_attempt.attempt = launched.attempt;
    add(record_kind::cancel_requested, recorded_state::none, {}).name = "user";
    record& unconfirmed = add(record_kind::remote_unconfirmed, recorded_state::none, of_attempt);
    unconfirmed.name = launched.name;
    unconfirmed.data = "\"the service did not answer\"";
    add(record_kind::attempt_ended, recorded_state::cancelled, of_attempt).data =
        R"({"class":"retryable","message":"cancelled","remote":"unconfirmed"})";
    for (const std::uint32_t t : {0u, 1u}) {
        record of_task;
        of_task.task = potoo::task_index(t);
        add(record_kind::task_ended, recorded_state::cancelled, of_task);
    }
    add(record_kind::run_ended, recorded_state::cancelled, {});
    store->append(end);
    return launched.name;
}

/// `jobs_dag`, for a service that does not answer any more.
std::string impatient_dag()
{
    std::string text = jobs_dag;
    const std::string poll = "poll: {interval: 50ms, max_interval: 50ms, backoff: 1}\n";
    text.replace(text.find(poll), poll.size(), poll + "      cancel_grace: 100ms\n");
    return text;
}

} // namespace

BOOST_FIXTURE_TEST_SUITE(remote_jobs, with_service)

BOOST_AUTO_TEST_CASE(cancel_waits_until_the_service_says_cancelled)
{
    program p(w, run_arguments());
    BOOST_REQUIRE(running(3));
    BOOST_REQUIRE(
        potoo::test::eventually([&] { return holds(run_potoo(w, {"status", "-o", "json"}).out, "\"deferred\":3"); }));
    const result r = run_potoo(w, {"cancel", "last", "--wait"});
    const auto then = jobs();
    BOOST_TEST(r.code == 3, r.err);
    BOOST_TEST(holds(r.err, "3 attempts are deferred: what they wait for elsewhere is told to stop"), r.err);
    BOOST_CHECK(then == all_cancelled);
    BOOST_TEST(p.finish().code == 3);
    BOOST_CHECK(jobs() == all_cancelled);
}

BOOST_AUTO_TEST_CASE(cancellation_without_an_engine_reaches_the_jobs_by_the_next)
{
    {
        program p(w, run_arguments());
        BOOST_REQUIRE(running(3));
        p.signal(SIGINT);
        BOOST_REQUIRE(p.finish().code == 3);
    }
    BOOST_REQUIRE(running(3));
    BOOST_TEST(run_potoo(w, {"cancel", "last"}).code == 0);
    BOOST_TEST(jobs()["RUNNING"] == 3);
    const result r = run_potoo(w, {"resume"});
    BOOST_TEST(r.code == 3, r.err);
    // Nothing new was launched.
    BOOST_CHECK(jobs() == all_cancelled);
}

BOOST_AUTO_TEST_CASE(cancellation_after_a_kill_reaches_the_jobs_too)
{
    {
        program p(w, run_arguments());
        BOOST_REQUIRE(running(3));
        p.signal(SIGKILL);
        BOOST_REQUIRE(p.finish().code == -SIGKILL);
    }
    BOOST_TEST(run_potoo(w, {"cancel", "--all"}).code == 0);
    BOOST_TEST(run_potoo(w, {"resume"}).code == 3);
    BOOST_CHECK(jobs() == all_cancelled);
}

BOOST_AUTO_TEST_CASE(jobs_whose_end_nobody_confirmed_are_told_of_everywhere)
{
    w.write("a.yaml", impatient_dag());
    program p(w, run_arguments());
    BOOST_REQUIRE(running(3));
    BOOST_REQUIRE(
        potoo::test::eventually([&] { return holds(run_potoo(w, {"status", "-o", "json"}).out, "\"deferred\":3"); }));
    service.stop(SIGKILL);
    const std::string told = "3 remote jobs may still run, for their end is not confirmed";
    const result waited = run_potoo(w, {"cancel", "last", "--wait"});
    BOOST_TEST(waited.code == 3);
    BOOST_TEST(holds(waited.err, told), waited.err);
    const result end = p.finish();
    BOOST_TEST(end.code == 3);
    BOOST_TEST(holds(end.err, told), end.err);
    const result resumed = run_potoo(w, {"resume"});
    BOOST_TEST(resumed.code == 3);
    BOOST_TEST(holds(resumed.err, told), resumed.err);
}

BOOST_AUTO_TEST_CASE(job_that_was_given_up_is_named_and_stopped_by_the_next_engine)
{
    {
        auto arguments = run_arguments();
        arguments.insert(arguments.end(), {"-p", "jobs=1"});
        program p(w, arguments);
        BOOST_REQUIRE(potoo::test::eventually(
            [&] { return holds(run_potoo(w, {"status", "-o", "json"}).out, "\"deferred\":1"); }));
        p.signal(SIGKILL);
        BOOST_REQUIRE(p.finish().code == -SIGKILL);
    }
    const std::string token = give_up_on_the_job(w);
    const std::string id = latest_run(w);
    const result named = run_potoo(w, {"status"});
    BOOST_TEST(holds(named.out, "may run still"), named.out);
    BOOST_TEST(holds(named.out, token), named.out);
    BOOST_TEST(holds(run_potoo(w, {"status", id, "-o", "json"}).out, "\"why\":\"the service did not answer\""));
    const result kept = run_potoo(w, {"gc", "--keep-runs", "0"});
    BOOST_TEST(holds(kept.out, "removed 0 runs"), kept.out);
    BOOST_TEST(holds(kept.out, "1 run is kept, for remote jobs of it may still run"), kept.out);
    BOOST_TEST(!holds(kept.out, "less"), kept.out);
    const result listed = run_potoo(w, {"ls"});
    BOOST_TEST(holds(listed.err, "run " + id + " of jobs: 1 remote job may still run"), listed.err);
    BOOST_TEST(jobs()["RUNNING"] == 1);
    const result r = run_potoo(w, {"resume"});
    BOOST_TEST(r.code == 0, r.err);
    BOOST_TEST(holds(r.err, "run " + id + " of jobs: attempt 1 of task `job`, item 0: it is confirmed"), r.err);
    BOOST_TEST(!holds(r.err, "warning"), r.err);
    BOOST_TEST(holds(r.err, "run " + id + " of jobs: none of its remote jobs runs any more"), r.err);
    BOOST_TEST(jobs()["CANCELLED"] == 1);
    BOOST_TEST(!holds(run_potoo(w, {"status"}).out, "may run still"));
    BOOST_TEST(holds(run_potoo(w, {"resume"}).err, "Nothing to resume"));
}

BOOST_AUTO_TEST_SUITE_END()
