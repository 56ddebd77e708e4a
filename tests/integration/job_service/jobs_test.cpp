#include "tests/integration/job_service/running_service.hpp"

#include <boost/test/unit_test.hpp>
#include <fmt/format.h>

using namespace potoo;
using namespace potoo::test;

namespace {

struct service_and_client
{
    running_service service{{"--slots", "2", "--grace-ms", "200"}};
    service_connection client{service};

    std::string submit(const json::value& command)
    {
        const auto accepted = client.post("/jobs", {{"command", command}});
        BOOST_REQUIRE_EQUAL(accepted.status, 201U);
        return accepted.string_at("id");
    }

    reply ended(std::string_view id) { return client.get(fmt::format("/jobs/{}?wait_ms=60000", id)); }

    reply run(const json::value& command) { return ended(submit(command)); }
};

json::value command(std::initializer_list<std::string_view> arguments)
{
    json::array made;
    for (const auto argument : arguments)
        made.emplace_back(argument);
    return made;
}

} // namespace

BOOST_FIXTURE_TEST_SUITE(jobs, service_and_client)

BOOST_AUTO_TEST_CASE(accepted_job_is_shown_whole_and_where_to_find_it)
{
    const auto accepted = client.post("/jobs", {{"command", command({"true"})}, {"token", "a-token"}});
    BOOST_TEST(accepted.status == 201U);
    BOOST_TEST(accepted.string_at("state") == "RUNNING");
    BOOST_TEST(accepted.string_at("token") == "a-token");
    BOOST_TEST(std::string(accepted.headers["Location"]) == "/jobs/" + accepted.string_at("id"));
    const auto document = accepted.body().as_object();
    for (const auto key :
         {"id", "token", "state", "exit_code", "result", "error", "submitted_at", "started_at", "ended_at"})
        BOOST_TEST(document.contains(key), key);
    BOOST_TEST(document.at("ended_at").is_null());
}

BOOST_AUTO_TEST_CASE(last_line_of_stdout_is_the_result)
{
    const auto object = run("echo first; echo '{\"rows\": 3}'; echo");
    BOOST_TEST(object.string_at("state") == "SUCCEEDED");
    BOOST_TEST(object.at("exit_code").as_int64() == 0);
    BOOST_TEST(object.at("result").at("rows").as_int64() == 3);
    BOOST_TEST(object.at("ended_at").is_string());
    BOOST_TEST(run(command({"printf", "not json"})).string_at("result") == "not json");
    BOOST_TEST(run(command({"true"})).at("result").is_null());
    BOOST_TEST(run("printf '\\377'").string_at("result") == "\xEF\xBF\xBD");
}

BOOST_AUTO_TEST_CASE(failed_job_says_how_it_ended)
{
    const auto failed = run("echo noise; echo 'no such sample' >&2; exit 7");
    BOOST_TEST(failed.string_at("state") == "FAILED");
    BOOST_TEST(failed.at("exit_code").as_int64() == 7);
    const auto error = failed.at("error").as_object();
    BOOST_TEST(error.at("message").as_string() == "exited with code 7");
    BOOST_TEST(error.at("exit_code").as_int64() == 7);
    BOOST_TEST(error.at("stderr").as_string() == "no such sample");
    const auto killed = run("kill -KILL $$");
    BOOST_TEST(killed.string_at("state") == "FAILED");
    BOOST_TEST(killed.at("exit_code").is_null());
    BOOST_TEST(killed.at("error").at("signal").as_string() == "SIGKILL");
}

BOOST_AUTO_TEST_CASE(program_that_cannot_start_fails_with_the_reason)
{
    const auto unknown = run(command({"no-such-program"}));
    BOOST_TEST(unknown.string_at("state") == "FAILED");
    BOOST_TEST(unknown.at("exit_code").as_int64() == 127);
    BOOST_TEST(unknown.at("error").at("message").as_string() ==
               "cannot start 'no-such-program': No such file or directory");
    const auto elsewhere = client.post("/jobs", {{"command", command({"true"})}, {"cwd", "/no/such/place"}});
    BOOST_TEST(elsewhere.string_at("state") == "FAILED");
    BOOST_TEST(run(command({"/"})).at("exit_code").as_int64() == 126);
}

BOOST_AUTO_TEST_CASE(environment_and_working_directory_reach_the_process)
{
    const auto accepted = client.post(
        "/jobs", {{"command", "echo $COLOUR $JOB_ID $(pwd)"}, {"env", {{"COLOUR", "green"}}}, {"cwd", "/usr"}});
    const auto id = accepted.string_at("id");
    BOOST_TEST(ended(id).string_at("result") == fmt::format("green {} /usr", id));
}

BOOST_AUTO_TEST_CASE(arguments_are_not_seen_by_a_shell)
{
    BOOST_TEST(run(command({"echo", "$HOME; `id`"})).string_at("result") == "$HOME; `id`");
}

BOOST_AUTO_TEST_CASE(what_a_job_leaves_in_its_group_ends_with_it)
{
    const auto left = run("sleep 1000 & echo $!").at("result").as_int64();
    const auto state = fmt::format("cut -d ' ' -f 3 /proc/{}/stat 2>/dev/null || echo gone", left);
    // Without an init that reaps, the killed process stays as a zombie.
    const auto gone = [&] { return run(json::value(state)).string_at("result") != "S"; };
    BOOST_TEST(eventually(gone));
}

BOOST_AUTO_TEST_CASE(builtin_commands_need_no_process_and_no_slot)
{
    submit(command({"sleep", "1000"}));
    submit(command({"sleep", "1000"}));
    const auto succeeded = run(command({"builtin:succeed", R"({"n": [1, 2]})"}));
    BOOST_TEST(succeeded.string_at("state") == "SUCCEEDED");
    BOOST_TEST(succeeded.at("result").at("n").as_array().size() == 2U);
    const auto failed = run(command({"builtin:fail", "3"}));
    BOOST_TEST(failed.string_at("state") == "FAILED");
    BOOST_TEST(failed.at("error").at("exit_code").as_int64() == 3);
    BOOST_TEST(run(command({"builtin:sleep", "0.01"})).string_at("state") == "SUCCEEDED");
}

BOOST_AUTO_TEST_CASE(no_more_jobs_run_than_there_are_slots)
{
    const auto first = submit(command({"sleep", "1000"}));
    submit(command({"sleep", "1000"}));
    const auto third = submit(command({"sleep", "1000"}));
    const auto fourth = submit(command({"true"}));
    BOOST_TEST(client.get("/jobs/" + third).string_at("state") == "QUEUED");
    BOOST_TEST(client.get("/jobs/" + third).at("started_at").is_null());
    BOOST_TEST(client.get("/jobs?state=RUNNING").at("jobs").as_array().size() == 2U);
    client.remove("/jobs/" + first);
    BOOST_TEST(ended(first).string_at("state") == "CANCELLED");
    BOOST_TEST(client.get("/jobs/" + third).string_at("state") == "RUNNING");
    BOOST_TEST(client.get("/jobs/" + fourth).string_at("state") == "QUEUED");
    client.remove("/jobs/" + third);
    BOOST_TEST(ended(fourth).string_at("state") == "SUCCEEDED");
    BOOST_TEST(client.get("/stats").at("slots").at("peak").as_int64() == 2);
}

BOOST_AUTO_TEST_CASE(hundreds_of_processes_pass_through_the_slots)
{
    std::vector<std::string> ids;
    for (int i = 0; i < 300; ++i)
        ids.push_back(submit(command({"sleep", "0.001"})));
    for (const auto& id : ids) {
        const auto job = ended(id);
        BOOST_TEST(job.string_at("state") == "SUCCEEDED", job.text);
    }
    const auto stats = client.get("/stats").body();
    BOOST_TEST(stats.at("jobs").at("SUCCEEDED").as_int64() == 300);
    BOOST_TEST(stats.at("slots").at("peak").as_int64() == 2);
    BOOST_TEST(stats.at("slots").at("busy").as_int64() == 0);
}

BOOST_AUTO_TEST_CASE(log_is_read_on_from_an_offset)
{
    const auto id = submit("echo one; echo two >&2; printf three");
    ended(id);
    const auto whole = client.get(fmt::format("/jobs/{}/log", id));
    BOOST_TEST(whole.text.size() == 13U);
    BOOST_TEST(std::string(whole.headers["Content-Type"]) == "text/plain; charset=utf-8");
    BOOST_TEST(std::string(whole.headers["X-Log-Size"]) == "13");
    for (const auto word : {"one\n", "two\n", "three"})
        BOOST_TEST(whole.text.find(word) != std::string::npos, word);
    BOOST_TEST(client.get(fmt::format("/jobs/{}/log?offset=8", id)).text == whole.text.substr(8));
    BOOST_TEST(client.get(fmt::format("/jobs/{}/log?offset=99", id)).text.empty());
}

BOOST_AUTO_TEST_CASE(log_of_a_running_job_can_be_waited_for)
{
    const auto id = submit("echo ready; sleep 1000");
    const auto log = client.get(fmt::format("/jobs/{}/log?offset=0&wait_ms=60000", id));
    BOOST_TEST(log.text == "ready\n");
}

BOOST_AUTO_TEST_CASE(jobs_are_listed_by_state_and_page)
{
    for (int i = 0; i < 5; ++i)
        run(command({"builtin:succeed"}));
    const auto failed = run(command({"builtin:fail"})).string_at("id");
    const auto first = client.get("/jobs?state=SUCCEEDED&limit=3");
    BOOST_TEST(first.at("jobs").as_array().size() == 3U);
    const auto second = client.get("/jobs?state=SUCCEEDED&limit=3&after=" + first.string_at("next"));
    BOOST_TEST(second.at("jobs").as_array().size() == 2U);
    BOOST_TEST(second.at("next").is_null());
    const auto failures = client.get("/jobs?state=FAILED");
    BOOST_TEST(failures.at("jobs").as_array().size() == 1U);
    BOOST_TEST(failures.at("jobs").as_array()[0].at("id").as_string() == failed);
}

BOOST_AUTO_TEST_CASE(jobs_are_found_by_token)
{
    client.post("/jobs", {{"command", command({"true"})}, {"token", "a b"}});
    client.post("/jobs", {{"command", command({"true"})}}, {{"Idempotency-Key", "other"}});
    BOOST_TEST(client.get("/jobs?token=a%20b").at("jobs").as_array().size() == 1U);
    BOOST_TEST(client.get("/jobs?token=other").at("jobs").as_array().size() == 1U);
    BOOST_TEST(client.get("/jobs?token=none").at("jobs").as_array().empty());
    const auto found =
        client.post("/jobs/query", {{"tokens", command({"other", "none", "a b"})}}).at("jobs").as_array();
    BOOST_REQUIRE(found.size() == 2U);
    BOOST_TEST(found[0].at("token").as_string() == "other");
}

BOOST_AUTO_TEST_CASE(query_answers_in_the_order_asked_and_leaves_out_the_unknown)
{
    const auto one = submit(command({"true"}));
    const auto two = submit(command({"true"}));
    const auto found = client.post("/jobs/query", {{"ids", command({two, "job-999", one})}}).at("jobs").as_array();
    BOOST_REQUIRE(found.size() == 2U);
    BOOST_TEST(found[0].at("id").as_string() == two);
    BOOST_TEST(found[1].at("id").as_string() == one);
}

BOOST_AUTO_TEST_CASE(query_of_too_many_is_refused)
{
    json::array ids(101, json::value("job-1"));
    const auto refused = client.post("/jobs/query", {{"ids", ids}});
    BOOST_TEST(refused.status == 400U);
    BOOST_TEST(refused.string_at("detail") == "ids: 101 of them, at most 100 in a query");
}

BOOST_AUTO_TEST_CASE(every_accepted_submission_of_a_token_counts)
{
    for (int i = 0; i < 3; ++i)
        client.post("/jobs", {{"command", command({"true"})}, {"token", "thrice"}});
    const auto stats = client.get("/stats").body();
    BOOST_TEST(stats.at("tokens").at("thrice").as_int64() == 3);
    BOOST_TEST(stats.at("max_per_token").as_int64() == 3);
    BOOST_TEST(client.get("/jobs?token=thrice").at("jobs").as_array().size() == 3U);
}

BOOST_AUTO_TEST_CASE(forgotten_job_is_gone_but_stays_counted)
{
    client.post("/jobs", {{"command", command({"sleep", "1000"})}, {"token", "t"}});
    BOOST_TEST(client.post("/jobs/job-1/forget", json::object{}).status == 200U);
    BOOST_TEST(client.get("/jobs/job-1").status == 404U);
    BOOST_TEST(client.get("/jobs?token=t").at("jobs").as_array().empty());
    BOOST_TEST(client.get("/stats").at("tokens").at("t").as_int64() == 1);
    BOOST_TEST(eventually([&] { return client.get("/stats").at("slots").at("busy").as_int64() == 0; }));
    BOOST_TEST(client.get("/stats").at("jobs").at("RUNNING").as_int64() == 0);
}

BOOST_AUTO_TEST_CASE(reset_forgets_everything_and_no_id_comes_back)
{
    const auto before = submit(command({"sleep", "1000"}));
    client.put("/faults", {{"server_error", 1}});
    BOOST_TEST(client.post("/reset", json::object{}).status == 200U);
    BOOST_TEST(client.get("/jobs/" + before).status == 404U);
    BOOST_TEST(client.get("/stats").at("jobs").at("accepted").as_int64() == 0);
    BOOST_TEST(client.get("/faults").body().as_object().size() == 1U);
    BOOST_TEST(submit(command({"true"})) != before);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_CASE(deduplicating_service_returns_the_job_of_the_token)
{
    running_service service({"--deduplicate"});
    service_connection client(service);
    const json::value body{{"command", command({"sleep", "1000"})}, {"token", "once"}};
    const auto first = client.post("/jobs", body);
    const auto again = client.post("/jobs", body);
    BOOST_TEST(first.status == 201U);
    BOOST_TEST(again.status == 200U);
    BOOST_TEST(first.string_at("id") == again.string_at("id"));
    BOOST_TEST(client.get("/stats").at("tokens").at("once").as_int64() == 1);
}

BOOST_AUTO_TEST_CASE(builtin_commands_take_slots_when_told_to)
{
    running_service service({"--slots", "1", "--slots-for-builtin"});
    service_connection client(service);
    client.post("/jobs", {{"command", command({"builtin:sleep", "1000"})}});
    client.post("/jobs", {{"command", command({"builtin:succeed"})}});
    BOOST_TEST(client.get("/jobs/job-2").string_at("state") == "QUEUED");
    client.remove("/jobs/job-1");
    BOOST_TEST(client.get("/jobs/job-2?wait_ms=60000").string_at("state") == "SUCCEEDED");
}

BOOST_AUTO_TEST_CASE(flood_of_output_keeps_the_newest_bytes)
{
    running_service service({"--log-limit", "1024"});
    service_connection client(service);
    client.post("/jobs", {{"command", "yes | head -c 5000000; echo; echo end"}});
    BOOST_TEST(client.get("/jobs/job-1?wait_ms=60000").string_at("result") == "end");
    const auto log = client.get("/jobs/job-1/log");
    BOOST_TEST(log.text.size() == 1024U);
    BOOST_TEST(log.text.ends_with("y\n\nend\n"));
    BOOST_TEST(std::string(log.headers["X-Log-Size"]) == "5000005");
    BOOST_TEST(std::string(log.headers["X-Log-Offset"]) == "4998981");
}
