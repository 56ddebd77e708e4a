// Runs as a server carries them: what cannot go on, what is only looked after, and the end.

#include "engine/graph/load.hpp"
#include "engine/host/control_request.hpp"
#include "tests/unit/server/server_trial.hpp"

#include <potoo/context.hpp>
#include <potoo/operator.hpp>
#include <potoo/wait.hpp>

#include <boost/test/unit_test.hpp>

#include <cstdlib>
#include <string>
#include <vector>

using namespace potoo;
using namespace potoo::server;
using namespace potoo::server::test;
using namespace std::chrono_literals;
using kind = host::request_result::kind;

namespace {

task<json::value> wait_a_day(context&)
{
    co_await sleep_for(24h);
    co_return nullptr;
}

task<json::value> break_down(context&)
{
    throw fatal("broken on purpose");
    co_return nullptr;
}

POTOO_OPERATOR("carrier_wait", wait_a_day, {.summary = "Waits."})
POTOO_OPERATOR("carrier_fail", break_down, {.summary = "Fails."})

constexpr const char* secret = "POTOO_TEST_CARRIER_SECRET";
constexpr const char* waiting = "name: test\ntasks: {t: {operator: carrier_wait}}\n";
constexpr const char* failing = "name: test\ntasks: {t: {operator: carrier_fail}}\n";
constexpr const char* secretive =
    "name: test\nsecrets: {s: {env: POTOO_TEST_CARRIER_SECRET}}\ntasks: {t: {operator: carrier_wait}}\n";

struct carrier_trial : server_trial
{
    carrier_trial()
    {
        ::setenv(secret, "hush", 1);
        start_service();
        listen();
    }

    ~carrier_trial() { ::unsetenv(secret); }

    void listen()
    {
        carrier().listen([this](const run_notice& n) { ends += n.what == run_notice::kind::ended ? 1 : 0; });
    }

    run_id begin(const char* yaml)
    {
        const graph::load_result loaded = graph::load_dag(yaml, "test.yaml", operators());
        BOOST_TEST_REQUIRE((loaded.value != nullptr), graph::format_diagnostics(loaded));
        host::run_request wish;
        wish.dag = loaded.value;
        wish.origin.by = "api";
        return finish(carrier().start(std::move(wish)));
    }

    journal::run_row row() { return store.runs({}).at(0); }

    std::string state() { return std::string(to_string(row().state)); }

    /// A start of the server at which the run's secret is missing.
    void restart_without_secret()
    {
        ::unsetenv(secret);
        crash_and_start();
        listen();
        BOOST_TEST(engine().figures().runs == 0u);
        ::setenv(secret, "hush", 1);
    }

    int ends = 0;
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(runs_carried, carrier_trial)

BOOST_AUTO_TEST_CASE(run_that_is_retried_over_the_control_socket_is_carried)
{
    const run_id id = begin(failing);
    BOOST_TEST(state() == "failed");
    const std::string request = json::serialize(host::retry_request(id, {}));
    const auto answer = host::result_of_answer(finish(host::carry_out_request(engine(), request)));
    BOOST_TEST((answer.what == kind::accepted));
    BOOST_TEST(answer.carried);
    settle();
    BOOST_TEST(state() == "failed");
    BOOST_TEST(store.tasks(row().number).at(0).attempts == 2u);
}

BOOST_AUTO_TEST_CASE(run_that_could_not_go_on_counts_and_is_tried_again)
{
    begin(secretive);
    restart_without_secret();
    BOOST_TEST(carrier().active_of("test") == 1u);
    pass(2min);
    BOOST_TEST(engine().figures().runs == 1u);
    BOOST_TEST(carrier().active_of("test") == 1u);
}

BOOST_AUTO_TEST_CASE(run_that_could_not_go_on_is_tried_again_when_it_is_asked_for)
{
    const run_id id = begin(secretive);
    restart_without_secret();
    const auto answer = finish(engine().unpause_on_request(id.value()));
    BOOST_TEST((answer.what == kind::repeated));
    settle();
    BOOST_TEST(engine().figures().runs == 1u);
}

BOOST_AUTO_TEST_CASE(run_that_could_not_go_on_is_cancelled)
{
    const run_id id = begin(secretive);
    restart_without_secret();
    BOOST_TEST((finish(engine().cancel_on_request(id.value(), {})).what == kind::accepted));
    settle();
    BOOST_TEST(state() == "cancelled");
    BOOST_TEST(ends == 1);
    BOOST_TEST(carrier().active() == 0u);
}

BOOST_AUTO_TEST_CASE(run_is_cancelled_without_its_secrets)
{
    const run_id id = begin(secretive);
    restart_without_secret();
    ::unsetenv(secret);
    BOOST_TEST((finish(engine().cancel_on_request(id.value(), {})).what == kind::accepted));
    settle();
    BOOST_TEST(state() == "cancelled");
}

BOOST_AUTO_TEST_CASE(nothing_begins_after_the_stop_and_nothing_is_left)
{
    begin(secretive);
    restart_without_secret();
    carrier().stop();
    settle();
    BOOST_TEST(carrier().active() == 0u);
    BOOST_CHECK_THROW(begin(waiting), server_stopping);
    BOOST_TEST(store.runs({}).size() == 1u);
}

BOOST_AUTO_TEST_CASE(run_that_had_ended_when_it_was_taken_up_ends_without_a_word)
{
    begin(failing);
    BOOST_TEST(ends == 1);
    carrier().resume(row());
    BOOST_TEST(carrier().active_of("test") == 0u);
    settle();
    BOOST_TEST(carrier().active() == 0u);
    BOOST_TEST(ends == 1);
}

BOOST_AUTO_TEST_CASE(run_with_an_origin_that_nobody_can_read_is_carried)
{
    begin(waiting);
    crash();
    journal::run_row damaged = row();
    damaged.origin = "{\"by\":\"\xff\"}";
    carrier().resume(damaged);
    settle();
    BOOST_TEST(engine().figures().runs == 1u);
}

BOOST_AUTO_TEST_SUITE_END()
