#include "tests/integration/cli/program.hpp"
#include "tests/integration/job_service/running_service.hpp"

#include <boost/test/unit_test.hpp>

#include <fmt/format.h>

#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <random>
#include <string>

using namespace potoo;
using namespace potoo::cli::test;

namespace {

constexpr std::size_t jobs = 500;
constexpr int kills = 100;

constexpr const char* dag = R"(name: crash
params: {service: {type: string}, seconds: {type: string}}
tasks:
  job:
    operator: http_job
    foreach: ${{ range(500) }}
    max_active: MAX_ACTIVE
    with:
      submit:
        method: POST
        url: "${{ params.service }}/jobs"
        headers: {Idempotency-Key: "${{ launch_token }}"}
        body: {command: ["builtin:sleep", "${{ params.seconds }}"]}
      id: ${{ response.body.id }}
      find: {url: "${{ params.service }}/jobs?token=${{ launch_token }}", id: "${{ response.body.jobs[0].id }}"}
      status: {url: "${{ params.service }}/jobs/${{ id }}"}
      batch:
        method: POST
        url: "${{ params.service }}/jobs/query"
        body: {ids: "${{ ids }}"}
        items: ${{ response.body.jobs }}
        id: ${{ job.id }}
      state: ${{ job.state }}
      success: [SUCCEEDED]
      failure: [FAILED]
      cancelled: [CANCELLED]
      output: ${{ job.id }}
      cancel: {method: DELETE, url: "${{ params.service }}/jobs/${{ id }}"}
      poll: {interval: 100ms, max_interval: 500ms}
      request_timeout: 5s
      settle: 2s
)";

std::string dag_with(int max_active)
{
    std::string text = dag;
    const std::string_view place = "MAX_ACTIVE";
    return text.replace(text.find(place), place.size(), std::to_string(max_active));
}

unsigned chosen_seed()
{
    const char* given = std::getenv("POTOO_TEST_SEED");
    return given ? static_cast<unsigned>(std::stoul(given)) : std::random_device{}();
}

/// The engine of a test, which is killed and started again and again.
struct killed_engine
{
    killed_engine()
    {
        BOOST_TEST_MESSAGE("POTOO_TEST_SEED=" << seed);
        // Every tenth answer is lost after the work was done.
        service.side.put("/faults",
                         json::object{{"seed", seed % 1000}, {"drop_response", json::object{{"probability", 0.1}}}});
    }

    [[nodiscard]] std::unique_ptr<program> start(bool first, const std::string& seconds)
    {
        std::vector<std::string> arguments{"resume"};
        if (first)
            arguments = {"run", "crash.yaml", "-p", "service=" + service.process.url(), "-p", "seconds=" + seconds};
        return std::make_unique<program>(where, arguments);
    }

    /// Waits so long for the program's end.
    [[nodiscard]] static bool ends_within(const program& p, int milliseconds)
    {
        const int descriptor = static_cast<int>(::syscall(SYS_pidfd_open, p.pid(), 0));
        BOOST_TEST_REQUIRE(descriptor >= 0);
        pollfd what{descriptor, POLLIN, 0};
        const bool ended = ::poll(&what, 1, milliseconds) > 0;
        ::close(descriptor);
        return ended;
    }

    /// How many jobs of each token the service has accepted.
    [[nodiscard]] json::object accepted() { return side().get("/stats").body().at("tokens").as_object(); }

    [[nodiscard]] std::int64_t jobs_in(std::string_view state)
    {
        const json::value stats = side().get("/stats").body();
        const json::value* n = stats.at("jobs").as_object().if_contains(state);
        return n ? n->to_number<std::int64_t>() : 0;
    }

    test::service_connection& side() { return service.side; }

    struct
    {
        test::running_service process{{"--slots", "64"}};
        test::service_connection side{process};
    } service;

    workspace where;
    unsigned seed = chosen_seed();
    std::mt19937 random{seed};
};

void check_that_each_job_was_accepted_once(const json::object& accepted, std::size_t at_most)
{
    BOOST_TEST(accepted.size() <= at_most);
    for (const auto& [token, times] : accepted)
        BOOST_TEST(times.to_number<int>() == 1, token << " was accepted " << times << " times");
}

} // namespace

BOOST_FIXTURE_TEST_SUITE(crash, killed_engine)

BOOST_AUTO_TEST_CASE(engine_killed_a_hundred_times_launches_every_job_exactly_once)
{
    where.write("crash.yaml", dag_with(24));
    std::uniform_int_distribution<int> pause(20, 350);
    std::size_t runs = 0;
    bool over = true;
    // A machine that is fast enough to end a run between the kills gets another one.
    for (int killed = 0; killed < kills;) {
        const auto p = start(over, "0.8");
        // The run is in the journal before it can be gone on with.
        if (over)
            BOOST_TEST_REQUIRE(p->wait_for("job"));
        runs += over ? 1 : 0;
        over = ends_within(*p, pause(random));
        if (over)
            continue;
        p->signal(SIGKILL);
        BOOST_TEST(p->finish().code == -SIGKILL);
        ++killed;
    }
    const std::size_t before = accepted().size();
    const result end = start(false, "0.8")->finish();
    BOOST_TEST(end.code == 0, end.err);
    BOOST_TEST_MESSAGE(kills << " kills; " << before << " of " << jobs * runs << " jobs launched by then");
    const json::object tokens = accepted();
    BOOST_TEST(tokens.size() == jobs * runs);
    check_that_each_job_was_accepted_once(tokens, jobs * runs);
    const json::value status = json::parse(run_potoo(where, {"status", "-o", "json"}).out);
    BOOST_TEST(status.at("state") == "success");
    BOOST_TEST(jobs_in("SUCCEEDED") == static_cast<std::int64_t>(jobs * runs));
}

BOOST_AUTO_TEST_CASE(cancel_in_the_middle_of_kills_leaves_nothing_running)
{
    where.write("crash.yaml", dag_with(static_cast<int>(jobs)));
    std::uniform_int_distribution<int> pause(50, 500);
    for (int i = 0; i < 10; ++i) {
        const auto p = start(i == 0, "3600");
        if (i == 0)
            BOOST_TEST_REQUIRE(p->wait_for("job"));
        BOOST_TEST_REQUIRE(!ends_within(*p, pause(random)));
        p->signal(SIGKILL);
        BOOST_TEST(p->finish().code == -SIGKILL);
    }
    BOOST_TEST_REQUIRE(jobs_in("RUNNING") > 0);
    const result asked = run_potoo(where, {"cancel", latest_run(where)});
    BOOST_TEST(asked.code == 0, asked.err);
    // Killed while it cancels, too.
    for (int i = 0; i < 10; ++i) {
        const auto p = start(false, "");
        if (ends_within(*p, pause(random)))
            break;
        p->signal(SIGKILL);
        BOOST_TEST(p->finish().code == -SIGKILL);
    }
    const result end = start(false, "")->finish();
    BOOST_TEST((end.code == 0 || end.code == 3), end.err);
    BOOST_TEST(jobs_in("RUNNING") == 0);
    BOOST_TEST(jobs_in("QUEUED") == 0);
    check_that_each_job_was_accepted_once(accepted(), jobs);
    const json::value status = json::parse(run_potoo(where, {"status", "-o", "json"}).out);
    BOOST_TEST(status.at("state") == "cancelled");
}

BOOST_AUTO_TEST_CASE(cancel_of_everything_in_flight_leaves_nothing_running)
{
    where.write("crash.yaml", dag_with(static_cast<int>(jobs)));
    const auto p = start(true, "3600");
    BOOST_TEST(test::eventually([&] { return jobs_in("RUNNING") > static_cast<std::int64_t>(jobs / 2); }));
    const result asked = run_potoo(where, {"cancel", latest_run(where), "--wait"});
    BOOST_TEST((asked.code == 0 || asked.code == 3), asked.err);
    BOOST_TEST(p->finish().code == 3);
    BOOST_TEST(jobs_in("RUNNING") == 0);
    BOOST_TEST(jobs_in("QUEUED") == 0);
    check_that_each_job_was_accepted_once(accepted(), jobs);
}

BOOST_AUTO_TEST_SUITE_END()
