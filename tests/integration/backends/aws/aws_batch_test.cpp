// What aws_batch does beyond what the conformance suite asks for, against moto.

#include "tests/integration/backends/aws/moto.hpp"
#include "tests/integration/backends/fault_proxy.hpp"
#include "tests/integration/conformance/trial_engine.hpp"

#include <boost/test/unit_test.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <set>
#include <string>
#include <string_view>
#include <vector>

using namespace potoo;
using schedule::run_state;

namespace {

struct batch_on_moto
{
    test::fault_proxy proxy{test::moto_url()};
    test::aws_environment environment{proxy.url()};
    test::moto_client moto;
    std::set<std::string> before = ids();
    conformance::trial_engine engine;

    std::set<std::string> ids()
    {
        std::set<std::string> all;
        for (const json::value& j : moto.jobs_named("*"))
            all.emplace(j.at("jobId").as_string());
        return all;
    }

    /// Jobs of this test, children of arrays too.
    std::vector<json::value> jobs()
    {
        std::vector<json::value> all;
        for (const json::value& j : moto.jobs_named("*")) {
            if (!before.contains(std::string(j.at("jobId").as_string())))
                all.push_back(j);
        }
        return all;
    }

    std::vector<json::value> children()
    {
        auto all = jobs();
        std::erase_if(all,
                      [](const json::value& j) { return j.at("jobId").as_string().find(':') == std::string::npos; });
        return all;
    }

    void start(std::string_view with, std::string_view fields = "")
    {
        engine.start(fmt::format("tasks:\n  job:\n    operator: aws_batch\n{}    with:\n      job_queue: {}\n"
                                 "      job_definition: {}\n      poll: {{interval: 200ms, max_interval: 500ms}}\n"
                                 "      settle: 1s\n{}",
                                 fields, test::moto_queue(), test::moto_definition(), with),
                     {});
    }

    std::size_t calls(std::string_view operation) const
    {
        const auto all = proxy.requests();
        return static_cast<std::size_t>(
            std::ranges::count(all, fmt::format("POST /v1/{}", operation), [](const std::string& r) { return r; }));
    }

    std::string end_of_failed_run()
    {
        BOOST_TEST((engine.finish() == run_state::failed));
        return std::string(engine.error().at("code").as_string());
    }
};

constexpr const char* four_items = "    foreach: ${{ range(4) }}\n";

} // namespace

BOOST_FIXTURE_TEST_SUITE(aws_batch_on_moto, batch_on_moto)

BOOST_AUTO_TEST_CASE(items_of_an_array_are_launched_by_one_call)
{
    start(
        "      array: true\n      command: [sh, -c, 'echo \"child ${AWS_BATCH_JOB_ID##*:} of $POTOO_ARRAY_FIRST\"']\n",
        four_items);
    BOOST_TEST((engine.finish() == run_state::success));
    BOOST_TEST(calls("submitjob") == 1u);
    BOOST_TEST(children().size() == 4u);
    for (int i = 0; i < 4; ++i) {
        const std::string line = fmt::format("child {} of 0", i);
        BOOST_TEST(engine.logs().find(line) != std::string::npos, line << " is not in: " << engine.logs());
    }
}

BOOST_AUTO_TEST_CASE(array_whose_answer_was_lost_is_found)
{
    proxy.add({.applies = [](std::string_view, std::string_view target) { return target == "/v1/submitjob"; },
               .what = test::fault_proxy::fault::loses});
    start("      array: true\n      command: [echo, hi]\n", four_items);
    BOOST_TEST((engine.finish() == run_state::success));
    BOOST_TEST(calls("submitjob") == 1u);
    BOOST_TEST(children().size() == 4u);
    // Those who ask while the first is answered share the next listing.
    BOOST_TEST(calls("listjobs") <= 2u);
}

BOOST_AUTO_TEST_CASE(every_item_of_an_array_is_stopped)
{
    start("      array: true\n      command: [sleep, '3600']\n", four_items);
    engine.run_until([&] {
        const auto all = children();
        return all.size() == 4 &&
               std::ranges::all_of(all, [](const json::value& j) { return j.at("status") == "RUNNING"; });
    });
    engine.cancel();
    BOOST_TEST((engine.finish() == run_state::cancelled));
    BOOST_TEST(engine.unconfirmed() == 0u);
    for (const json::value& j : children())
        BOOST_TEST(j.at("status") == "FAILED");
}

BOOST_AUTO_TEST_CASE(lone_item_of_an_array_is_a_plain_job)
{
    start("      array: true\n      command: [sh, -c, 'echo first $POTOO_ARRAY_FIRST']\n");
    BOOST_TEST((engine.finish() == run_state::success));
    BOOST_TEST(engine.logs().find("first 0") != std::string::npos);
    BOOST_TEST_REQUIRE(jobs().size() == 1u);
    const std::string name(jobs().front().at("jobName").as_string());
    BOOST_TEST(name.ends_with("-0-1"));
}

BOOST_AUTO_TEST_CASE(items_that_differ_make_no_array)
{
    start("      array: true\n      command: [echo, \"item ${{ item }}\"]\n", four_items);
    BOOST_TEST((engine.finish() == run_state::failed));
    BOOST_TEST(jobs().size() == 1u, engine.error() << engine.logs());
}

BOOST_AUTO_TEST_CASE(many_jobs_are_asked_about_by_few_calls)
{
    start("      command: [sleep, '3']\n      logs: false\n", "    foreach: ${{ range(20) }}\n");
    BOOST_TEST((engine.finish() == run_state::success));
    BOOST_TEST(calls("submitjob") == 20u);
    const std::size_t looks = calls("describejobs");
    BOOST_TEST(looks < 150u, looks << " calls for 20 jobs");
}

BOOST_AUTO_TEST_CASE(environment_and_tags_reach_the_job)
{
    start("      command: [sh, -c, 'echo \"[\\\"$A\\\", \\\"$B\\\", \\\"$C\\\"]\"']\n      env: {B: 2, C: true}\n"
          "      tags: {team: lab}\n      vcpus: 1\n      memory: 32\n      job_timeout: 90s\n",
          "    env: {A: task, B: task}\n");
    BOOST_TEST((engine.finish() == run_state::success));
    BOOST_TEST(engine.output().at("result") == (json::array{"task", "2", "true"}));
    BOOST_TEST(engine.output().at("exit_code") == 0);
    const json::value job = moto.job(std::string(jobs().front().at("jobId").as_string()));
    BOOST_TEST(job.at("tags").at("potoo:token") == job.at("jobName"));
    BOOST_TEST(job.at("tags").at("team") == "lab");
    BOOST_TEST(job.at("timeout").at("attemptDurationSeconds") == 90);
}

BOOST_AUTO_TEST_CASE(queue_that_is_not_there_is_fatal)
{
    engine.start("tasks:\n  job:\n    operator: aws_batch\n    with: {job_queue: nowhere, job_definition: d}\n", {});
    BOOST_TEST(end_of_failed_run() == "ClientException");
    BOOST_TEST(engine.error().at("class") == "fatal");
    BOOST_TEST(engine.error().at("message").as_string().find("nowhere") != std::string_view::npos);
}

BOOST_AUTO_TEST_CASE(host_without_an_address_is_named)
{
    environment.set("AWS_ENDPOINT_URL", "http://batch.nowhere.invalid");
    start("      command: [echo, hi]\n");
    BOOST_TEST(end_of_failed_run() == "resolve_failed");
    BOOST_TEST(engine.error().at("message").as_string().find("batch.nowhere.invalid") != std::string_view::npos);
}

BOOST_AUTO_TEST_CASE(server_that_does_not_speak_tls_is_named)
{
    environment.set("AWS_ENDPOINT_URL", ("https" + proxy.url().substr(4)).c_str());
    start("      command: [echo, hi]\n");
    BOOST_TEST(end_of_failed_run() == "tls_failed");
    BOOST_TEST(engine.error().at("class") == "retryable");
}

BOOST_AUTO_TEST_CASE(job_goes_on_while_its_credentials_are_refused)
{
    proxy.add({.applies = [](std::string_view, std::string_view target) { return target == "/v1/describejobs"; },
               .times = 2,
               .answer = "403 Forbidden\r\nx-amzn-ErrorType: ExpiredTokenException\r\n",
               .body = R"({"message": "The security token included in the request is expired"})"});
    start("      command: [echo, hi]\n      logs: false\n");
    BOOST_TEST((engine.finish() == run_state::success));
    BOOST_TEST(engine.logs().find("it has expired, and nothing newer was found") != std::string::npos, engine.logs());
}

BOOST_AUTO_TEST_SUITE_END()
