// What DescribeJobs says of the end of a job, and what SubmitJob is sent.

#include "operators/aws_batch/job_end.hpp"
#include "operators/aws_batch/job_listing.hpp"
#include "operators/aws_batch/submission.hpp"
#include "tests/unit/operators/fake_context.hpp"

#include <boost/test/unit_test.hpp>

#include <string>

using namespace potoo;
using namespace potoo::aws_batch;

namespace {

job_end end_of_job(const char* text)
{
    const auto end = end_of(json::parse(text).as_object());
    BOOST_TEST_REQUIRE(end.has_value());
    return *end;
}

struct expected_reason
{
    const char* reason;
    const char* code;
    bool retryable;
};

const expected_reason reasons[] = {
    {"Host EC2 (instance i-0123456789abcdef0) terminated.", "host_terminated", true},
    {"Your Spot Task was interrupted.", "host_terminated", true},
    {"CannotPullContainerError: Error response from daemon: Get https://r/v2/: net/http: timeout", "image_pull_failed",
     true},
    {"CannotPullContainerError: pull access denied for x, repository does not exist", "image_not_found", false},
    {"CannotPullContainerError: manifest for x:y not found: manifest unknown", "image_not_found", false},
    {"DockerTimeoutError: Could not transition to started; timed out after waiting 4m0s", "docker_timeout", true},
    {"OutOfMemoryError: Container killed due to memory usage", "oom_killed", true},
    {"Task failed to start", "start_failed", true},
    {"CannotStartContainerError: Error response from daemon", "start_failed", true},
    {"ResourceInitializationError: failed to validate logger args", "start_failed", true},
    {"Job attempt duration exceeded timeout", "job_timeout", true},
    {"Dependent Job failed", "dependency_failed", false},
    {"MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT", "misconfigured", false},
    {"Something that nobody has seen", "failed", true},
};

} // namespace

BOOST_AUTO_TEST_SUITE(aws_batch_jobs)

BOOST_AUTO_TEST_CASE(job_that_goes_on_has_no_end)
{
    for (const char* status : {"SUBMITTED", "PENDING", "RUNNABLE", "STARTING", "RUNNING", "", "NEW"}) {
        const json::object job{{"jobId", "1"}, {"status", status}};
        BOOST_TEST(!end_of(job).has_value());
    }
    BOOST_TEST(!end_of(json::object()).has_value());
    BOOST_TEST(has_started("STARTING"));
    BOOST_TEST(!has_started("RUNNABLE"));
}

BOOST_AUTO_TEST_CASE(output_of_a_success_tells_what_is_known)
{
    const auto end = end_of_job(R"({"jobId": "1", "jobName": "n", "status": "SUCCEEDED", "createdAt": 5, "startedAt": 6,
        "stoppedAt": 7, "attempts": [{}, {}], "container": {"exitCode": 0, "logStreamName": "d/default/x"}})");
    BOOST_TEST((end.result.ended == job_result::state::success));
    BOOST_TEST(end.result.output ==
               json::parse(R"({"id": "1", "state": "SUCCEEDED", "exit_code": 0, "name": "n", "created_at": 5,
                               "started_at": 6, "stopped_at": 7, "attempts": 2, "log_stream": "d/default/x"})"));
    BOOST_TEST(end.log_group == "/aws/batch/job");
    BOOST_TEST(end.log_stream == "d/default/x");
}

BOOST_AUTO_TEST_CASE(failure_has_the_exit_code_of_its_container)
{
    const auto end =
        end_of_job(R"({"jobId": "1", "status": "FAILED", "statusReason": "Essential container in task exited",
                                    "container": {"exitCode": 7}})");
    BOOST_TEST((end.result.ended == job_result::state::failed));
    BOOST_TEST(end.result.code == "exit_7");
    BOOST_TEST(end.result.error == "the job 1 failed: Essential container in task exited with exit code 7");
    BOOST_TEST(end_of_job(R"({"status": "FAILED", "attempts": [{"container": {"exitCode": 1}},
                              {"container": {"exitCode": 9}}]})")
                   .result.code == "exit_9");
    BOOST_TEST(end_of_job(R"({"status": "FAILED", "ecsProperties": {"taskProperties": [{"containers":
                              [{"exitCode": 0}, {"exitCode": 4}]}]}})")
                   .result.code == "exit_4");
    BOOST_TEST(end_of_job(R"({"status": "FAILED", "eksProperties": {"podProperties": {"containers":
                              [{"exitCode": 3, "reason": "Error"}]}}})")
                   .result.code == "exit_3");
}

BOOST_AUTO_TEST_CASE(reasons_have_codes)
{
    for (const expected_reason& r : reasons) {
        const json::object by_status{{"jobId", "1"}, {"status", "FAILED"}, {"statusReason", r.reason}};
        const json::object by_container{
            {"jobId", "1"}, {"status", "FAILED"}, {"container", json::object{{"reason", r.reason}}}};
        for (const json::object& job : {by_status, by_container}) {
            const auto end = end_of(job);
            BOOST_TEST_CONTEXT(r.reason)
            {
                BOOST_TEST(end->result.code == r.code);
                BOOST_TEST(end->result.retryable == r.retryable);
                BOOST_TEST(end->exit_code_known);
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(reason_of_the_host_says_more_than_an_exit_code)
{
    BOOST_TEST(end_of_job(R"({"status": "FAILED", "statusReason": "Essential container in task exited",
                              "container": {"exitCode": 137, "reason": "OutOfMemoryError: Container killed due to memory usage"}})")
                   .result.code == "oom_killed");
    BOOST_TEST(end_of_job(R"({"status": "FAILED", "statusReason": "Host EC2 (instance i-1) terminated.",
                              "container": {"exitCode": 143}})")
                   .result.code == "host_terminated");
}

BOOST_AUTO_TEST_CASE(job_that_potoo_stopped_is_cancelled)
{
    const auto end =
        end_of_job(R"({"status": "FAILED", "statusReason": "stopped by potoo", "container": {"exitCode": 137}})");
    BOOST_TEST((end.result.ended == job_result::state::cancelled));
}

BOOST_AUTO_TEST_CASE(failure_of_which_nothing_is_told_is_asked_about_elsewhere)
{
    auto end = end_of_job(R"({"jobId": "1", "status": "FAILED", "container": {"exitCode": null}})");
    BOOST_TEST(!end.exit_code_known);
    BOOST_TEST(end.result.code == "failed");
    set_exit_code(end, 7);
    BOOST_TEST(end.result.code == "exit_7");
}

BOOST_AUTO_TEST_CASE(log_that_is_not_in_cloudwatch_is_not_looked_for)
{
    const auto end = end_of_job(R"({"status": "SUCCEEDED", "container": {"logStreamName": "x",
                                    "logConfiguration": {"logDriver": "splunk"}}})");
    BOOST_TEST(end.log_stream.empty());
    BOOST_TEST(end.log_note.find("splunk") != std::string::npos);
    BOOST_TEST(end_of_job(R"({"status": "SUCCEEDED", "container": {"logStreamName": "x", "logConfiguration":
                              {"logDriver": "awslogs", "options": {"awslogs-group": "mine"}}}})")
                   .log_group == "mine");
}

BOOST_AUTO_TEST_CASE(names_of_arrays_are_read_back)
{
    BOOST_TEST(array_name("g", 30, 20) == "g-30-20");
    const auto a = array_of_name("g-30-20", "g");
    BOOST_TEST_REQUIRE(a.has_value());
    BOOST_TEST(a->holds(30));
    BOOST_TEST(a->holds(49));
    BOOST_TEST(!a->holds(50));
    BOOST_TEST(!a->holds(29));
    BOOST_TEST((launched_array{"id", 30, 20}.child(33) == job_id("id:3")));
    BOOST_TEST((launched_array{"id", 30, 1}.child(30) == job_id("id")));
    for (const char* name : {"g", "g-", "g-1", "g-1-", "g-1-0", "g-1-x", "h-1-2", "g-1-2-3", "gg-1-2"})
        BOOST_TEST(!array_of_name(name, "g").has_value(), name);
}

BOOST_AUTO_TEST_CASE(everything_of_with_reaches_the_submission)
{
    test::operator_fixture f;
    test::fake_context ctx(f.loop, "aws_batch", R"({
      "job_queue": "q", "job_definition": "d:7", "command": ["run", "Ref::x"], "env": {"B": 2, "C": true}, "vcpus": 0.5,
      "memory": 1024, "gpus": 1, "parameters": {"x": 5}, "retry_strategy": {"attempts": 3}, "job_timeout": "90500ms",
      "depends_on": ["j1", {"jobId": "j2", "type": "N_TO_N"}], "tags": {"team": "lab"},
      "options": {"shareIdentifier": "s"},
      "overrides": {"instanceType": "p4", "environment": [{"name": "B", "value": "1"}, {"name": "D", "value": "4"}],
                    "resourceRequirements": [{"type": "MEMORY", "value": "1"}]}})");
    ctx.variables = {{"A", "task"}, {"B", "task"}};
    const json::object body = submission_of(ctx, "name", "token", array_part{10, 4});
    BOOST_TEST(json::value(body) == json::parse(R"({
      "shareIdentifier": "s", "jobName": "name", "jobQueue": "q", "jobDefinition": "d:7",
      "containerOverrides": {"instanceType": "p4", "command": ["run", "Ref::x"],
        "environment": [{"name": "A", "value": "task"}, {"name": "B", "value": "2"}, {"name": "C", "value": "true"},
                        {"name": "D", "value": "4"}, {"name": "POTOO_ARRAY_FIRST", "value": "10"}],
        "resourceRequirements": [{"type": "GPU", "value": "1"}, {"type": "MEMORY", "value": "1024"},
                                 {"type": "VCPU", "value": "0.5"}]},
      "parameters": {"x": "5"}, "retryStrategy": {"attempts": 3},
      "dependsOn": [{"jobId": "j1"}, {"jobId": "j2", "type": "N_TO_N"}], "timeout": {"attemptDurationSeconds": 91},
      "tags": {"team": "lab", "potoo:token": "token"}, "arrayProperties": {"size": 4}})"));
}

BOOST_AUTO_TEST_CASE(submission_without_extras_overrides_nothing)
{
    test::operator_fixture f;
    test::fake_context ctx(f.loop, "aws_batch", R"({"job_queue": "q", "job_definition": "d"})");
    const json::object body = submission_of(ctx, "name", "token", std::nullopt);
    BOOST_TEST(!body.contains("containerOverrides"));
    BOOST_TEST(!body.contains("arrayProperties"));
}

BOOST_AUTO_TEST_SUITE_END()
