// What the slurm operator does on a real cluster beyond what every backend does.

#include "tests/integration/backends/fault_proxy.hpp"
#include "tests/integration/backends/slurm/slurm_side.hpp"
#include "tests/integration/conformance/trial_engine.hpp"

#include <boost/test/unit_test.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <string>

using namespace potoo;
using namespace potoo::test;
using conformance::trial_engine;
using schedule::run_state;

namespace {

BOOST_TEST_GLOBAL_FIXTURE(needs_slurm);

struct cluster
{
    slurm_side side;
    trial_engine engine;

    /// @param with lines of `with:`, without indentation
    void start(std::string_view with, std::string_view fields = {}, std::string connection = {})
    {
        std::string text = connection.empty() ? side.connection(side.url()) : std::move(connection);
        text += fmt::format("tasks:\n  job:\n    operator: slurm\n    {}\n    with:\n      working_directory: {}\n"
                            "      poll: {{interval: 200ms, max_interval: 500ms}}\n",
                            fields, side.folder());
        for (std::size_t at = 0; at < with.size();) {
            const std::size_t end = std::min(with.find('\n', at), with.size());
            text += fmt::format("      {}\n", with.substr(at, end - at));
            at = end + 1;
        }
        engine.start(text, {});
    }

    std::string connection(std::string_view url, std::string_view token) const
    {
        return fmt::format("connections:\n  slurm: {{type: slurm, url: '{}', user: {}, {}}}\n", url, side.user(),
                           token);
    }

    /// The error's code and message, of a run that must fail.
    std::string failure()
    {
        const run_state end = engine.finish();
        BOOST_TEST((end == run_state::failed));
        const json::object e = engine.error();
        return fmt::format("{} {}: {}", std::string_view(e.at("class").as_string()),
                           std::string_view(e.at("code").as_string()), std::string_view(e.at("message").as_string()));
    }

    void must_succeed()
    {
        const run_state end = engine.finish();
        BOOST_TEST((end == run_state::success), json::serialize(engine.error()) << engine.logs());
    }

    [[nodiscard]] bool has_said(std::string_view what) { return engine.logs().find(what) != std::string::npos; }
};

std::string short_token(int seconds)
{
    // The command prints what the user's own token is made by, without a life of its own.
    return output_of_command(
        fmt::format("scontrol token lifespan={} username={}", seconds, service_setting("POTOO_TEST_SLURM_USER")));
}

} // namespace

BOOST_FIXTURE_TEST_SUITE(slurm_cluster, cluster)

BOOST_AUTO_TEST_CASE(fan_out_is_one_array_job)
{
    start("command: 'echo \"{\\\"item\\\": $SLURM_ARRAY_TASK_ID}\"'\narray: true", "foreach: ${{ range(20) }}");
    must_succeed();
    const auto jobs = side.jobs();
    BOOST_TEST(jobs.size() == 20U);
    for (const auto& j : jobs)
        BOOST_TEST(j.at("array_job_id") == jobs.front().at("array_job_id"));
    for (int item = 0; item < 20; ++item)
        BOOST_TEST(has_said(fmt::format("{{\"item\": {}}}", item)));
}

BOOST_AUTO_TEST_CASE(element_that_fails_fails_its_item_alone)
{
    start("command: 'test $SLURM_ARRAY_TASK_ID != 2'\narray: true", "foreach: ${{ range(4) }}");
    BOOST_TEST((engine.finish() == run_state::failed));
    const auto jobs = side.jobs();
    BOOST_TEST(jobs.size() == 4U);
    BOOST_TEST(std::count_if(jobs.begin(), jobs.end(), [](const auto& j) { return j.at("job_state") == "FAILED"; }) ==
               1);
}

BOOST_AUTO_TEST_CASE(elements_that_have_not_begun_are_cancelled)
{
    start("command: 'sleep 3600'\narray: true\noptions: {tasks: 40}", "foreach: ${{ range(5) }}");
    engine.run_until([&] {
        const auto jobs = side.jobs();
        return std::any_of(jobs.begin(), jobs.end(), [](const auto& j) { return j.at("job_state") == "RUNNING"; });
    });
    engine.run_until([&] { return engine.deferred(); });
    engine.cancel();
    BOOST_TEST((engine.finish() == run_state::cancelled));
    BOOST_TEST(engine.unconfirmed() == 0U);
    for (const auto& j : side.jobs())
        BOOST_TEST((j.at("job_state") == "CANCELLED"), json::serialize(j));
}

BOOST_AUTO_TEST_CASE(held_job_is_told_of_and_watched_on)
{
    start("command: 'true'\noptions: {hold: true}");
    engine.run_until([&] { return has_said("scontrol release"); });
    side.request("POST", fmt::format("/job/{}", side.jobs().at(0).at("job_id").as_int64()),
                 json::object{{"hold", false}});
    must_succeed();
    BOOST_TEST(has_said("JobHeldUser"));
}

BOOST_AUTO_TEST_CASE(requeued_job_is_watched_on)
{
    start("script: |\n  #!/bin/sh\n  [ \"${SLURM_RESTART_COUNT:-0}\" = 0 ] || exit 0\n"
          "  scontrol requeuehold $SLURM_JOB_ID; exec sleep 60");
    engine.run_until([&] { return has_said("Slurm holds the job"); });
    // It would wait for two minutes first, and Slurm holds it once more while it cleans up.
    auto next = std::chrono::steady_clock::now();
    engine.run_until([&] {
        if (std::chrono::steady_clock::now() < next)
            return false;
        next = std::chrono::steady_clock::now() + std::chrono::seconds(1);
        const json::object job = side.jobs().at(0);
        if (job.at("job_state") != "PENDING")
            return true;
        side.request("POST", fmt::format("/job/{}", job.at("job_id").as_int64()),
                     json::object{{"hold", false}, {"begin_time", "now"}});
        return false;
    });
    must_succeed();
    BOOST_TEST(side.jobs().size() == 1U);
    BOOST_TEST(engine.output().at("restarts") == json::value(1));
}

BOOST_AUTO_TEST_CASE(job_that_is_another_now_is_neither_watched_nor_cancelled)
{
    // As after a controller that was killed has given the id anew.
    start("command: 'sleep 3600'");
    engine.run_until([&] { return engine.deferred(); });
    side.request("POST", fmt::format("/job/{}", side.jobs().at(0).at("job_id").as_int64()),
                 json::object{{"comment", "of another"}});
    const std::string text = failure();
    BOOST_TEST(text.find(" lost: Slurm does not know the job ") != std::string::npos, text);
    BOOST_TEST(text.find("has given its id to another job") != std::string::npos, text);
    BOOST_TEST((side.jobs().at(0).at("job_state") != "CANCELLED"));
}

BOOST_AUTO_TEST_CASE(time_limit_reaches_slurm)
{
    // Which counts minutes, so that its end is not waited for.
    start("command: 'sleep 3600'\ntime_limit: 1");
    engine.run_until([&] { return engine.deferred(); });
    BOOST_TEST(side.jobs().at(0).at("time_limit") == json::value(1));
    engine.cancel();
    BOOST_TEST((engine.finish() == run_state::cancelled));
}

BOOST_AUTO_TEST_CASE(signal_that_ends_the_job_is_told)
{
    start("command: 'kill -KILL $$'");
    BOOST_TEST(failure().starts_with("retryable signal_9: the job "));
}

BOOST_AUTO_TEST_CASE(job_that_cannot_begin_says_why)
{
    start("command: 'true'\noutput: /no/such/folder/out");
    const std::string text = failure();
    BOOST_TEST(text.starts_with("retryable launch_failed: Slurm could not start the job "), text);
}

BOOST_AUTO_TEST_CASE(unknown_option_is_refused_by_name)
{
    start("command: 'true'\noptions: {bogus: 1}");
    const std::string text = failure();
    BOOST_TEST(text.starts_with("fatal slurm_"), text);
    BOOST_TEST(text.find("Unknown key \"bogus\"") != std::string::npos, text);
    BOOST_TEST(side.jobs().empty());
}

BOOST_AUTO_TEST_CASE(unknown_partition_is_refused)
{
    start("command: 'true'\npartition: nowhere");
    const std::string text = failure();
    BOOST_TEST(text.starts_with("fatal slurm_2000: Slurm does not take the job: Invalid partition name"), text);
}

BOOST_AUTO_TEST_CASE(errors_are_read_from_their_own_file)
{
    start("command: 'echo out; echo err >&2'\noptions: {standard_error: err-%j}");
    must_succeed();
    BOOST_TEST(has_said("out"));
    BOOST_TEST(has_said("err"));
}

BOOST_AUTO_TEST_CASE(file_that_cannot_be_reached_is_told_of)
{
    start("command: 'rm -f gone; true'\noutput: gone");
    must_succeed();
    BOOST_TEST(has_said("/gone, which cannot be read from the engine's machine"), engine.logs());
}

BOOST_AUTO_TEST_CASE(wrong_token_is_unauthorized)
{
    start("command: 'true'", {}, connection(side.url(), "token: wrong"));
    const std::string text = failure();
    BOOST_TEST(
        text.starts_with(fmt::format("fatal unauthorized: Slurm at {} refuses the token of the user {} (from the "
                                     "connection's token)",
                                     side.url(), side.user())),
        text);
}

BOOST_AUTO_TEST_CASE(token_that_expires_is_read_again_by_the_command)
{
    const std::string first = side.folder() + "/first";
    const std::string command =
        fmt::format("test -e {0} && {1} || {{ touch {0}; scontrol token lifespan=4 username={2}; }}", first,
                    service_setting("POTOO_TEST_SLURM_TOKEN_COMMAND"), side.user());
    start("command: 'sleep 8'", {}, connection(side.url(), fmt::format("token_command: '{}'", command)));
    must_succeed();
    BOOST_TEST(!has_said("refuses"), engine.logs());
}

BOOST_AUTO_TEST_CASE(token_that_is_refused_meanwhile_ends_no_job)
{
    const std::string path = side.folder() + "/token";
    std::ofstream(path) << short_token(4);
    start("command: 'sleep 8'", {}, connection(side.url(), fmt::format("token_file: {}", path)));
    engine.run_until([&] { return has_said("refuses the token"); });
    BOOST_TEST(has_said(fmt::format("(from the file {}; it expired at ", path)), engine.logs());
    std::ofstream(path) << side.token();
    must_succeed();
    BOOST_TEST(side.jobs().size() == 1U);
}

BOOST_AUTO_TEST_CASE(way_that_leads_nowhere_has_its_own_codes)
{
    const std::string token = fmt::format("token: {}", side.token());
    const auto code_at = [&](std::string_view url) {
        cluster c;
        c.start("command: 'true'", {}, connection(url, token));
        return c.failure();
    };
    const auto check = [&](const std::string& url, std::string_view beginning) {
        const std::string text = code_at(url);
        BOOST_TEST(text.starts_with(beginning), text);
        BOOST_TEST(text.find(side.token()) == std::string::npos);
    };
    check("http://127.0.0.1:1", "retryable connect_failed: ");
    check("http://no-such-host.invalid:6820", "retryable resolve_failed: ");
    check("https" + side.url().substr(4), "retryable tls_failed: ");
    check("unix:/no/such/socket", "retryable connect_failed: ");
}

BOOST_AUTO_TEST_CASE(list_that_breaks_off_is_asked_for_again)
{
    fault_proxy proxy(side.url());
    const auto is_list = [](std::string_view method, std::string_view target) {
        return method == "GET" && target.find("/jobs") != std::string_view::npos;
    };
    proxy.add({is_list, 2, fault_proxy::fault::loses, {}, {}, {}});
    proxy.add({is_list,
               1,
               fault_proxy::fault::answers,
               "200 OK\r\nContent-Type: application/json\r\n",
               R"({"jobs": [{"job_id": 1, "job_st)",
               {}});
    start("command: 'sleep 2'", {}, side.connection(proxy.url()));
    must_succeed();
    BOOST_TEST(has_said("something that is no list of jobs"), engine.logs());
}

BOOST_AUTO_TEST_SUITE_END()
