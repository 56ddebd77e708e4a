// The slurm operator against a slurmrestd that is played here.

#include "operators/slurm/credentials.hpp"
#include "operators/slurm/submission.hpp"
#include "tests/unit/operators/slurm_fixture.hpp"

#include <boost/test/unit_test.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <memory>

using namespace potoo;
using namespace potoo::test;

BOOST_FIXTURE_TEST_SUITE(slurm_operator, slurm_fixture)

BOOST_AUTO_TEST_CASE(job_is_submitted_watched_and_its_end_told)
{
    slurm.on_request = [&](std::string_view line) {
        if (line.starts_with("GET") && slurm.count("GET /jobs") == 3)
            slurm.jobs[1].state = "COMPLETED";
    };
    auto ctx = attempt();
    const json::value out = run(ctx->perform());
    BOOST_TEST(out == json::value(json::object{{"id", "1"}, {"state", "COMPLETED"}, {"exit_code", 0}}));
    BOOST_TEST(slurm.count("POST") == 1U);
    BOOST_TEST(slurm.submitted.at("job").at("comment").as_string() == ctx->launch_name.value());
    BOOST_TEST(slurm.submitted.at("script").as_string() == "#!/bin/sh\ntrue\n");
    BOOST_TEST((std::find(ctx->concealed.begin(), ctx->concealed.end(), token) != ctx->concealed.end()));
}

BOOST_AUTO_TEST_CASE(failure_tells_exit_code_and_reason)
{
    slurm.on_request = [&](std::string_view) {
        for (auto& [id, j] : slurm.jobs)
            j = {0, "null", "", "FAILED", j.comment, 768, "NonZeroExitCode"};
    };
    auto ctx = attempt();
    BOOST_TEST(failure_of(*this, *ctx) == "exit_3: the job 1 failed with exit code 3 (NonZeroExitCode)");
}

BOOST_AUTO_TEST_CASE(what_slurm_refuses_reaches_the_user)
{
    slurm.instead = [](std::string_view line) -> std::optional<http_response> {
        if (!line.starts_with("POST"))
            return std::nullopt;
        return scripted_http::json(400, R"({"errors": [{"description": "Unknown key \"bogus\"", "source": "hsearch_r"},
            {"error_code": 9001, "error": "Failure during parsing"}]})");
    };
    auto ctx = attempt();
    failure_class kind{};
    BOOST_TEST(failure_of(*this, *ctx, &kind) == "slurm_9001: Slurm does not take the job: Unknown key \"bogus\"; "
                                                 "Failure during parsing (its error 9001)");
    BOOST_TEST((kind == failure_class::fatal));
    BOOST_TEST(slurm.count("GET") == 0U);
}

BOOST_AUTO_TEST_CASE(job_that_is_taken_but_held_is_watched)
{
    const std::string own = attempt()->launch_name.value();
    slurm.instead = [&](std::string_view line) -> std::optional<http_response> {
        if (!line.starts_with("POST"))
            return std::nullopt;
        slurm.jobs[5] = {};
        return scripted_http::json(
            500, R"({"errors": [{"error_code": 2042, "error": "Job is in held state"}], "job_id": 5})");
    };
    slurm.on_request = [&](std::string_view) {
        if (slurm.jobs.contains(5))
            slurm.jobs[5] = {0,   "null", "",           slurm.count("GET /jobs") < 3 ? "PENDING" : "COMPLETED",
                             own, 0,      "JobHeldUser"};
    };
    auto ctx = attempt();
    const json::value out = run(ctx->perform());
    BOOST_TEST(out.at("id").as_string() == "5");
    BOOST_TEST(std::count(ctx->lines.begin(), ctx->lines.end(),
                          "Slurm holds the job 5 (JobHeldUser); it runs when it is released: scontrol release 5") == 1);
}

BOOST_AUTO_TEST_CASE(refused_token_is_unauthorized_and_not_shown)
{
    slurm.good_token = "another";
    auto ctx = attempt(
        quick, {{"type", "slurm"}, {"url", "http://slurm:6820"}, {"user", "alice"}, {"token", jwt(-50, "sss", "bob")}});
    failure_class kind{};
    const std::string text = failure_of(*this, *ctx, &kind);
    BOOST_TEST((kind == failure_class::fatal));
    BOOST_TEST(
        text.starts_with("unauthorized: Slurm at http://slurm:6820 refuses the token of the user alice (from the "
                         "connection's token; it expired at "),
        text);
    BOOST_TEST(text.find("; it is for the user bob)") != std::string::npos, text);
    BOOST_TEST(text.find("sss") == std::string::npos);
    BOOST_TEST(slurm.count("POST") == 1U);
}

BOOST_AUTO_TEST_CASE(refused_token_is_read_again_and_the_job_launched_once)
{
    const std::string fresh = jwt(3600, "fresh");
    command.outputs = {"SLURM_JWT=" + token + "\n", fresh};
    slurm.good_token = fresh;
    slurm.on_request = [&](std::string_view) {
        if (!slurm.jobs.empty())
            slurm.jobs[1].state = "COMPLETED";
    };
    auto ctx = attempt(quick, command_connection());
    run(ctx->perform());
    BOOST_TEST(command.runs == 2);
    BOOST_TEST(slurm.jobs.size() == 1U);
    BOOST_TEST((std::find(ctx->concealed.begin(), ctx->concealed.end(), fresh) != ctx->concealed.end()));
}

BOOST_AUTO_TEST_CASE(expiring_token_is_read_again_before_it_is_refused)
{
    const std::string fresh = jwt(3600, "fresh");
    command.outputs = {jwt(5, "old"), fresh};
    slurm.on_request = [&](std::string_view) {
        for (auto& [id, j] : slurm.jobs)
            j.state = "RUNNING";
        const http_request& r = slurm.client.requests.back();
        for (const auto& h : r.headers) {
            if (h.name == "X-SLURM-USER-TOKEN" && h.value == fresh && !slurm.jobs.empty())
                slurm.jobs[1].state = "COMPLETED";
        }
    };
    auto ctx = attempt(quick, command_connection());
    run(ctx->perform());
    BOOST_TEST(slurm.count("GET /ping") == 0U);
    BOOST_TEST(command.runs == 2);
}

BOOST_AUTO_TEST_CASE(token_refused_while_waiting_ends_no_job)
{
    command.outputs = {token, token, jwt(3600, "fresh")};
    const std::string fresh = command.outputs.back();
    slurm.on_request = [&](std::string_view line) {
        if (line == "GET /jobs")
            slurm.good_token = fresh;
        if (!slurm.jobs.empty() && slurm.count("GET /ping") > 2)
            slurm.jobs[1].state = "COMPLETED";
    };
    auto ctx = attempt(quick, command_connection());
    run(ctx->perform());
    BOOST_TEST(std::any_of(ctx->lines.begin(), ctx->lines.end(), [](const std::string& l) {
        return l.find("refuses the token of the user alice (from the command /bin/sh)") != std::string::npos;
    }));
}

BOOST_AUTO_TEST_CASE(command_that_gives_no_token_is_told_of)
{
    command.outputs = {"not a token\nat all"};
    auto ctx = attempt(quick, command_connection());
    BOOST_TEST(failure_of(*this, *ctx).starts_with("no_credentials: the command /bin/sh is no token"));
    command.exit_code = 3;
    shared.clear();
    ctx = attempt(quick, command_connection());
    BOOST_TEST(failure_of(*this, *ctx)
                   .starts_with("no_credentials: the token for Slurm cannot be had: /bin/sh ended with exit "
                                "code 3"));
    BOOST_TEST(slurm.log.empty());
}

BOOST_AUTO_TEST_CASE(token_is_read_from_a_file)
{
    const std::string path = (std::filesystem::temp_directory_path() / "potoo-slurm-token").string();
    std::ofstream(path) << "SLURM_JWT=" << token << "\n";
    slurm.good_token = token;
    slurm.on_request = [&](std::string_view) {
        for (auto& [id, j] : slurm.jobs)
            j.state = "COMPLETED";
    };
    const json::object connection{
        {"type", "slurm"}, {"url", "http://slurm:6820"}, {"user", "alice"}, {"token_file", json::string(path)}};
    auto ctx = attempt(quick, connection);
    BOOST_TEST(run(ctx->perform()).at("state") == json::value("COMPLETED"));
    std::filesystem::remove(path);
    shared.clear();
    ctx = attempt(quick, connection);
    BOOST_TEST(
        failure_of(*this, *ctx).starts_with("no_credentials: the token for Slurm cannot be read: no file " + path));
}

BOOST_AUTO_TEST_CASE(dead_controller_fails_no_job)
{
    int rounds = 0;
    slurm.instead = [&](std::string_view line) -> std::optional<http_response> {
        if (line.starts_with("POST") && ++rounds == 1)
            return played_slurm::error(500, 1800, "Unable to contact slurm controller (connect failure)");
        if (line.starts_with("GET /jobs") && ++rounds < 4)
            return played_slurm::error(500, 1800, "Unable to contact slurm controller (connect failure)");
        return std::nullopt;
    };
    slurm.on_request = [&](std::string_view) {
        if (slurm.count("POST") == 2 && !slurm.jobs.empty())
            slurm.jobs[1].state = "COMPLETED";
    };
    auto ctx = attempt();
    run(ctx->perform());
    BOOST_TEST(slurm.jobs.size() == 1U);
    BOOST_TEST(std::any_of(ctx->lines.begin(), ctx->lines.end(), [](const std::string& l) {
        return l.find("slurmrestd at http://slurm:6820 cannot reach Slurm's controller") != std::string::npos;
    }));
}

BOOST_AUTO_TEST_CASE(one_list_answers_for_all_that_wait)
{
    std::vector<std::unique_ptr<fake_context>> contexts;
    std::vector<std::unique_ptr<started_task<json::value>>> tasks;
    for (int i = 0; i < 200; ++i) {
        contexts.push_back(attempt());
        contexts.back()->launch_name = launch_token("token-" + std::to_string(i));
    }
    slurm.on_request = [&](std::string_view line) {
        if (line.starts_with("GET /jobs") && slurm.jobs.size() == 200 && slurm.count("GET /jobs") >= 3) {
            for (auto& [id, j] : slurm.jobs)
                j.state = "COMPLETED";
        }
    };
    for (auto& c : contexts)
        tasks.push_back(std::make_unique<started_task<json::value>>(loop, c->perform()));
    for (auto& t : tasks)
        finish(*t);
    BOOST_TEST(slurm.count("POST") == 200U);
    BOOST_TEST(slurm.count("GET /jobs") < 20U);
    BOOST_TEST(slurm.count("GET /job/") == 0U);
}

BOOST_AUTO_TEST_CASE(one_that_joins_is_told_although_nothing_is_new)
{
    auto first = attempt();
    slurm.jobs[1] = {0, "null", "", "RUNNING", first->launch_name.value()};
    slurm.jobs[2] = {0, "null", "", "COMPLETED", first->launch_name.value()};
    slurm.unchanged = true;
    first->history = {{"launch_intent", json::value("c")}, {"launch_recorded", json::value("1")}};
    started_task<json::value> waits(loop, first->perform());
    while (slurm.count("GET /jobs?update_time=") < 2)
        context.run_one();
    // It was launched by an engine that is gone, and ended before; nothing changes any more.
    auto second = attempt();
    second->history = {{"launch_intent", json::value("d")}, {"launch_recorded", json::value("2")}};
    const json::value out = run(second->perform());
    BOOST_TEST(out.at("id").as_string() == "2");
    BOOST_TEST(!waits.ended());
    slurm.unchanged = false;
    slurm.jobs[1].state = "COMPLETED";
    finish(waits);
    BOOST_TEST(slurm.count("GET /job/") == 0U);
}

BOOST_AUTO_TEST_CASE(job_that_is_not_listed_is_asked_about_before_it_is_lost)
{
    const std::string own = attempt()->launch_name.value();
    slurm.instead = [&](std::string_view line) -> std::optional<http_response> {
        // Asked about alone it is there for once.
        if (line == "GET /job/1" && slurm.count("GET /job/1") == 1)
            slurm.jobs[1] = {0, "null", "", "RUNNING", own};
        else if (line.starts_with("GET"))
            slurm.jobs.erase(1);
        return std::nullopt;
    };
    auto ctx = attempt();
    const std::string text = failure_of(*this, *ctx);
    BOOST_TEST(text.starts_with("lost: Slurm does not know the job 1 any more"), text);
    BOOST_TEST(slurm.count("GET /job/1") == 3U);
}

BOOST_AUTO_TEST_CASE(items_are_launched_as_one_array)
{
    constexpr const char* with =
        R"({"command": "true", "array": true, "logs": false, "poll": {"interval": "10ms", "max_interval": "20ms"}})";
    std::vector<std::unique_ptr<fake_context>> contexts;
    std::vector<std::unique_ptr<started_task<json::value>>> tasks;
    for (const std::uint32_t item : {9U, 3U, 8U, 0U}) {
        contexts.push_back(attempt(with));
        contexts.back()->item_position = item_index(item);
    }
    slurm.on_request = [&](std::string_view line) {
        if (!line.starts_with("GET /jobs") || slurm.jobs.empty())
            return;
        if (slurm.count("GET /jobs") == 2)
            slurm.jobs[2] = {1, "3", "", "COMPLETED", slurm.jobs[1].comment};
        if (slurm.count("GET /jobs") == 2)
            slurm.jobs[1].elements = "0,8-9";
        if (slurm.count("GET /jobs") == 4) {
            slurm.jobs[3] = {1, "8", "", "FAILED", slurm.jobs[1].comment, 256};
            slurm.jobs[4] = {1, "0", "", "COMPLETED", slurm.jobs[1].comment};
            slurm.jobs[1] = {1, "9", "", "COMPLETED", slurm.jobs[1].comment};
        }
    };
    for (auto& c : contexts)
        tasks.push_back(std::make_unique<started_task<json::value>>(loop, c->perform()));
    BOOST_TEST(finish(*tasks[0]).at("id").as_string() == "1_9");
    BOOST_TEST(finish(*tasks[1]).at("id").as_string() == "1_3");
    BOOST_CHECK_THROW(finish(*tasks[2]), failure);
    BOOST_TEST(finish(*tasks[3]).at("id").as_string() == "1_0");
    BOOST_TEST(slurm.count("POST") == 1U);
    BOOST_TEST(slurm.submitted.at("job").at("array").as_string() == "0,3,8-9");
    BOOST_TEST(slurm.submitted.at("job").at("comment").as_string() == contexts[0]->group_name.value());
}

BOOST_AUTO_TEST_CASE(job_of_a_lost_answer_is_found_by_its_comment)
{
    auto ctx = attempt();
    slurm.jobs[40] = {0, "null", "", "COMPLETED", "another"};
    slurm.jobs[41] = {0, "null", "", "COMPLETED", ctx->launch_name.value()};
    ctx->history = {{"launch_intent", json::value("t")}};
    BOOST_TEST(run(ctx->perform()).at("id").as_string() == "41");
    BOOST_TEST(slurm.count("POST") == 0U);
}

BOOST_AUTO_TEST_CASE(element_of_a_lost_answer_is_found_among_those_that_have_not_begun)
{
    auto ctx = attempt(
        R"({"command": "true", "array": true, "logs": false, "settle": "0ms", "poll": {"interval": "10ms", "max_interval": "20ms"}})");
    ctx->item_position = item_index(4);
    ctx->history = {{"launch_intent", json::value("t")}};
    slurm.jobs[41] = {41, "3", "", "COMPLETED", ctx->group_name.value()};
    slurm.jobs[42] = {41, "null", "4-6", "PENDING", ctx->group_name.value()};
    slurm.on_request = [&](std::string_view) {
        if (slurm.count("GET") == 3)
            slurm.jobs[43] = {41, "4", "", "COMPLETED", ctx->group_name.value()};
    };
    BOOST_TEST(run(ctx->perform()).at("id").as_string() == "41_4");
    BOOST_TEST(slurm.count("POST") == 0U);
}

BOOST_AUTO_TEST_CASE(many_that_look_share_the_list)
{
    std::vector<std::unique_ptr<fake_context>> contexts;
    std::vector<std::unique_ptr<started_task<json::value>>> tasks;
    for (int i = 0; i < 10; ++i) {
        contexts.push_back(attempt());
        contexts.back()->launch_name = launch_token("token-" + std::to_string(i));
        contexts.back()->history = {{"launch_intent", json::value("t")}};
        slurm.jobs[static_cast<std::uint64_t>(i + 1)] = {0, "null", "", "COMPLETED", "token-" + std::to_string(i)};
    }
    for (auto& c : contexts)
        tasks.push_back(std::make_unique<started_task<json::value>>(loop, c->perform()));
    for (std::size_t i = 0; i < tasks.size(); ++i)
        BOOST_TEST(finish(*tasks[i]).at("id").as_string() == std::to_string(i + 1));
    BOOST_TEST(slurm.count("GET /jobs") <= 5U);
}

BOOST_AUTO_TEST_CASE(wrong_settings_are_named)
{
    const auto wrong = [&](std::string_view with, json::object connection) {
        shared.clear();
        try {
            auto ctx = attempt(with, std::move(connection));
            return failure_of(*this, *ctx);
        } catch (const std::invalid_argument& e) {
            return "schema: " + std::string(e.what());
        }
    };
    const auto good = [&] {
        return json::object{{"type", "slurm"}, {"url", "http://s"}, {"user", "u"}, {"token", "t"}};
    };
    const auto with = [&](const char* name, json::value v) {
        auto c = good();
        c[name] = std::move(v);
        return c;
    };
    BOOST_TEST(wrong(quick, with("url", "s:1")).find("`url` must begin") != std::string::npos);
    BOOST_TEST(wrong(quick, with("token_file", "x")).find("more than one of") != std::string::npos);
    BOOST_TEST(wrong(quick, with("api_version", "38")).find("v0.0.38") != std::string::npos);
    BOOST_TEST(wrong(quick, with("portt", "38")).find("`portt`") != std::string::npos);
    BOOST_TEST(wrong(quick, with("user", "a b")).find("`user`") != std::string::npos);
    BOOST_TEST(wrong(quick, with("token", "a\nb")).find("is no token") != std::string::npos);
    BOOST_TEST(wrong(quick, with("poll_concurrency", 4)).find("one list answers") != std::string::npos);
    BOOST_TEST(wrong(R"({"command": "x", "time_limit": "soon"})", good()).find("with.time_limit") != std::string::npos);
    BOOST_TEST(wrong(R"({"command": "x", "memory": "much"})", good()).find("with.memory") != std::string::npos);
    BOOST_TEST(wrong(R"({"command": "x", "settle": "1"})", good()).find("`settle`") != std::string::npos);
    BOOST_TEST(wrong(R"({"command": "x", "options": {"comment": "c"}})", good()).find("`comment`") !=
               std::string::npos);
    BOOST_TEST(wrong(R"({"command": "x", "script": "y"})", good()).starts_with("schema"));
    BOOST_TEST(wrong(R"({})", good()).starts_with("schema"));
}

BOOST_AUTO_TEST_CASE(submission_says_what_the_task_says)
{
    auto ctx =
        attempt(R"({"command": ["a", "it's", 5, 0.5], "partition": "p", "cpus": 2, "memory": "2G", "time_limit": "90s",
        "env": {"N": 1, "H": 0.5, "PATH": "/x"}, "account": "acc", "qos": "q", "working_directory": "/w", "output": "o-%j",
        "options": {"tasks": 4, "name": "n"}})");
    ctx->variables = {{"A", "b"}, {"N", "0"}};
    const json::object s = slurm::submission_of(*ctx, "v0.0.38", "token", "");
    BOOST_TEST(json::value(s) == json::parse(R"({"script": "#!/bin/sh\nexec 'a' 'it'\\''s' '5' '0.5'\n", "job": {
        "name": "n", "current_working_directory": "/w", "environment": {"PATH": "/x", "A": "b", "N": "1", "H": "0.5"},
        "standard_output": "o-%j", "partition": "p", "account": "acc", "qos": "q", "cpus_per_task": 2,
        "time_limit": 2, "memory_per_node": 2048, "tasks": 4, "comment": "token"}})"));
    const json::object later = slurm::submission_of(*ctx, "v0.0.40", "token", "0-3");
    BOOST_TEST(later.at("job").at("environment") == json::parse(R"(["PATH=/x", "A=b", "N=1", "H=0.5"])"));
    BOOST_TEST(later.at("job").at("array") == json::value("0-3"));
}

BOOST_AUTO_TEST_CASE(times_and_sizes_are_read)
{
    const auto minutes = [](json::value v) { return slurm::time_limit_minutes(v).value_or(-1); };
    BOOST_TEST(minutes(5) == 5);
    BOOST_TEST(minutes("90s") == 2);
    BOOST_TEST(minutes("1h30m") == 90);
    BOOST_TEST(minutes("90") == 90);
    BOOST_TEST(minutes("90:30") == 91);
    BOOST_TEST(minutes("1:30:00") == 90);
    BOOST_TEST(minutes("1-12") == 36 * 60);
    BOOST_TEST(minutes("1-12:30") == 36 * 60 + 30);
    BOOST_TEST(minutes("1-12:30:01") == 36 * 60 + 31);
    for (const char* wrong : {"", "x", "1:2:3:4", "1-", "-1", "1:", "1-2-3"})
        BOOST_TEST(minutes(wrong) == -1, wrong);
    const auto size = [](json::value v) { return slurm::megabytes(v).value_or(-1); };
    BOOST_TEST(size(100) == 100);
    BOOST_TEST(size("512M") == 512);
    BOOST_TEST(size("512MB") == 512);
    BOOST_TEST(size("2GiB") == 2048);
    BOOST_TEST(size("1T") == 1024 * 1024);
    BOOST_TEST(size("1500K") == 2);
    for (const char* wrong : {"", "G", "x", "1.5G", "-1"})
        BOOST_TEST(size(wrong) == -1, wrong);
}

BOOST_AUTO_TEST_CASE(claims_of_a_token_are_read)
{
    const auto c = slurm::read_claims(jwt(100, "x", "carol"));
    BOOST_TEST(c.expires.has_value());
    BOOST_TEST(c.issued.has_value());
    BOOST_TEST(c.user == "carol");
    // As scontrol wrote it.
    const auto real =
        slurm::read_claims("eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJleHAiOjE3OTU0MzAxMjEsImlhdCI6MTc5NTM0MzcyM"
                           "Swic3VuIjoibm9ib2R5In0.AAAA");
    BOOST_TEST(real.expires.value_or(0) == 1795430121);
    BOOST_TEST(real.issued.value_or(0) == 1795343721);
    BOOST_TEST(real.user == "nobody");
    for (const char* none : {"", "a", "a.b", "a.b.c", "..", "a.!!.c", "a.bnVsbA.c"})
        BOOST_TEST(!slurm::read_claims(none).expires, none);
}

BOOST_AUTO_TEST_SUITE_END()
