// The slurm operator against a slurmrestd that is played here.

#include "operators/slurm/credentials.hpp"
#include "operators/slurm/submission.hpp"
#include "tests/unit/operators/fake_context.hpp"
#include "tests/unit/operators/scripted_http.hpp"

#include <boost/test/unit_test.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>

using namespace potoo;
using namespace potoo::test;

namespace {

std::string base64url(std::string_view text)
{
    constexpr std::string_view letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    std::string out;
    for (std::size_t i = 0; i < text.size(); i += 3) {
        std::uint32_t bits = 0;
        for (std::size_t k = 0; k < 3; ++k)
            bits = bits << 8U | (i + k < text.size() ? static_cast<unsigned char>(text[i + k]) : 0U);
        for (std::size_t k = 0; k < 4 && i + k <= text.size(); ++k)
            out += letters[bits >> (18U - 6U * static_cast<unsigned>(k)) & 63U];
    }
    return out;
}

/// @param life from now on, in seconds
std::string jwt(std::int64_t life, std::string_view name, std::string_view user = "alice")
{
    const auto now =
        std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
    return base64url(R"({"alg":"HS256"})") + "." +
           base64url(fmt::format(R"({{"exp":{},"iat":{},"sun":"{}"}})", now + life,
                                 now + std::min<std::int64_t>(life, 0) - 100, user)) +
           "." + std::string(name);
}

/// As much of slurmrestd as the operator sees.
class played_slurm
{
  public:
    struct job
    {
        std::uint64_t array = 0;
        std::string element = "null";
        std::string elements;
        std::string state = "PENDING";
        std::string comment;
        std::uint32_t exit_status = 0;
        std::string reason = "None";
    };

    played_slurm()
    {
        client.reply = [this](const http_request& r) { return answer(r); };
        client.latency = duration{1};
    }

    scripted_http client;
    std::map<std::uint64_t, job> jobs;
    std::vector<std::string> log; ///< method and path of each request
    std::string good_token;       ///< empty: any
    bool controller = true;       ///< runs
    bool unchanged = false;       ///< `update_time` gets 304
    std::function<void(std::string_view)> on_request = [](std::string_view) {};
    std::function<std::optional<http_response>(std::string_view)> instead = [](std::string_view) {
        return std::nullopt;
    };
    json::object submitted; ///< last body

    std::size_t count(std::string_view beginning) const
    {
        return static_cast<std::size_t>(
            std::count_if(log.begin(), log.end(), [&](const auto& l) { return l.starts_with(beginning); }));
    }

    static http_response error(unsigned status, std::int64_t number, std::string_view text)
    {
        return scripted_http::json(
            status, fmt::format(R"({{"errors": [{{"error_number": {}, "error": "{}"}}], "jobs": []}})", number, text));
    }

  private:
    static std::string header(const http_request& r, std::string_view name)
    {
        http_response h;
        h.headers = r.headers;
        return std::string(h.header(name));
    }

    http_response answer(const http_request& r)
    {
        const std::string path = r.url.substr(r.url.find("/slurm/v0.0.38") + 14);
        const std::string line = r.method + " " + path;
        log.push_back(line);
        on_request(line);
        if (auto other = instead(line))
            return *other;
        if (header(r, "X-SLURM-USER-NAME").empty() || header(r, "X-SLURM-USER-TOKEN").empty())
            return {401, {}, "Authentication failure"};
        const bool refused = !good_token.empty() && header(r, "X-SLURM-USER-TOKEN") != good_token;
        if (refused && (r.method == "POST" || r.method == "DELETE"))
            return error(500, 5005, "Zero Bytes were transmitted or received");
        if (refused || !controller)
            return error(500, -1, "Unspecified error");
        if (line == "GET /ping")
            return scripted_http::json(200, R"({"errors": [], "pings": []})");
        if (line == "POST /job/submit")
            return submit(r);
        if (r.method == "DELETE") {
            for (auto& [id, j] : jobs) {
                if (path == fmt::format("/job/{}", id))
                    j.state = "CANCELLED";
            }
            return scripted_http::json(200, R"({"errors": []})");
        }
        if (path.starts_with("/jobs?update_time=") && unchanged)
            return {304, {}, ""};
        if (path.starts_with("/jobs"))
            return listing(r, 0);
        const auto id = std::stoull(path.substr(5));
        const bool known =
            std::any_of(jobs.begin(), jobs.end(), [&](const auto& j) { return j.first == id || j.second.array == id; });
        return known ? listing(r, id) : error(500, 2017, "Invalid job id specified");
    }

    http_response submit(const http_request& r)
    {
        submitted = json::parse(r.body).as_object();
        const json::object& j = submitted.at("job").as_object();
        const std::uint64_t id = jobs.empty() ? 1 : jobs.rbegin()->first + 1;
        job& made = jobs[id];
        made.comment = std::string(j.at("comment").as_string());
        if (const auto* array = j.if_contains("array")) {
            made.array = id;
            made.elements = std::string(array->as_string());
        }
        return scripted_http::json(200, fmt::format(R"({{"errors": [], "job_id": {}}})", id));
    }

    /// @param only 0: all of them
    http_response listing(const http_request& r, std::uint64_t only)
    {
        std::string body = R"({"errors": [], "jobs": [)";
        bool first = true;
        for (const auto& [id, j] : jobs) {
            if (only != 0 && id != only && j.array != only)
                continue;
            body += fmt::format(R"({}{{"job_id": {}, "array_job_id": {}, "array_task_id": {}, "array_task_string": "{}",
              "job_state": "{}", "comment": "{}", "exit_code": {}, "state_reason": "{}", "submit_time": 1000}})",
                                first ? "" : ",", id, j.array, j.element, j.elements, j.state, j.comment, j.exit_status,
                                j.reason);
            first = false;
        }
        body += "]}";
        http_response answer = scripted_http::json(200, "");
        for (std::size_t at = 0; at < body.size(); at += 10) {
            if (!r.body_sink(std::string_view(body).substr(at, 10)))
                throw std::logic_error("the list was not wanted: " + body);
        }
        return answer;
    }
};

struct played_command final : process_runner
{
    std::deque<std::string> outputs; ///< the last stays
    int runs = 0;
    int exit_code = 0;

    task<process_end> run(process_spec, output_sink sink) override
    {
        ++runs;
        sink(output_stream::standard_output, outputs.front());
        if (outputs.size() > 1)
            outputs.pop_front();
        co_return process_end{exit_code, 0};
    }
};

constexpr const char* quick =
    R"({"command": "true", "logs": false, "settle": "10ms", "poll": {"interval": "10ms", "max_interval": "20ms"}})";

struct slurm_fixture : operator_fixture
{
    slurm_fixture() { token = jwt(3600, "secretsecret"); }

    /// A context of an attempt that uses the played service.
    std::unique_ptr<fake_context> attempt(std::string_view with = quick, json::object connection = {})
    {
        auto ctx = std::make_unique<fake_context>(loop, "slurm", with);
        ctx->client = &slurm.client;
        ctx->runner = &command;
        ctx->shared = &shared;
        if (connection.empty())
            connection = {{"type", "slurm"}, {"url", "http://slurm:6820"}, {"user", "alice"}, {"token", token}};
        ctx->connections["slurm"] = std::move(connection);
        return ctx;
    }

    json::object command_connection()
    {
        return {{"type", "slurm"}, {"url", "http://slurm:6820"}, {"user", "alice"}, {"token_command", "get token"}};
    }

    played_slurm slurm;
    played_command command;
    fake_context::shared_objects shared;
    std::string token;
};

std::string failure_of(slurm_fixture& f, fake_context& ctx, failure_class* kind = nullptr)
{
    try {
        f.run(ctx.perform());
    } catch (const task_error& e) {
        if (kind)
            *kind = e.classification();
        return e.code() + ": " + e.what();
    }
    return "no failure";
}

} // namespace

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
    slurm.instead = [&](std::string_view line) -> std::optional<http_response> {
        if (!line.starts_with("POST"))
            return std::nullopt;
        slurm.jobs[5] = {};
        return scripted_http::json(
            500, R"({"errors": [{"error_code": 2042, "error": "Job is in held state"}], "job_id": 5})");
    };
    slurm.on_request = [&](std::string_view) {
        if (slurm.jobs.contains(5))
            slurm.jobs[5] = {0,  "null", "",           slurm.count("GET /jobs") < 3 ? "PENDING" : "COMPLETED",
                             "", 0,      "JobHeldUser"};
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
    BOOST_TEST(failure_of(*this, *ctx).starts_with("no_token: the command /bin/sh is no token"));
    command.exit_code = 3;
    shared.clear();
    ctx = attempt(quick, command_connection());
    BOOST_TEST(failure_of(*this, *ctx)
                   .starts_with("no_token: the token for Slurm cannot be had: /bin/sh ended with exit "
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
    BOOST_TEST(failure_of(*this, *ctx).starts_with("no_token: the token for Slurm cannot be read: no file " + path));
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
    slurm.jobs[1] = {0, "null", "", "RUNNING", ""};
    slurm.jobs[2] = {0, "null", "", "COMPLETED", ""};
    slurm.unchanged = true;
    auto first = attempt();
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
    slurm.instead = [&](std::string_view line) -> std::optional<http_response> {
        // Asked about alone it is there for once.
        if (line == "GET /job/1" && slurm.count("GET /job/1") == 1)
            slurm.jobs[1] = {0, "null", "", "RUNNING", ""};
        else if (line.starts_with("GET"))
            slurm.jobs.erase(1);
        return std::nullopt;
    };
    auto ctx = attempt();
    const std::string text = failure_of(*this, *ctx);
    BOOST_TEST(text.starts_with("lost: Slurm does not know the job 1 any more"), text);
    BOOST_TEST(slurm.count("GET /job/1") == 3U);
}

BOOST_AUTO_TEST_CASE(id_that_was_given_to_another_job_is_not_taken_for_the_own)
{
    slurm.on_request = [&](std::string_view line) {
        if (line.starts_with("GET"))
            slurm.jobs[1] = {0, "null", "", "COMPLETED", "of another"};
    };
    auto ctx = attempt();
    const std::string text = failure_of(*this, *ctx);
    BOOST_TEST(text.starts_with("lost: Slurm does not know the job 1 any more, and has given its id to another"), text);
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

BOOST_AUTO_TEST_CASE(item_beyond_the_largest_array_is_refused)
{
    auto ctx = attempt(R"({"command": "true", "array": true})");
    ctx->item_position = item_index(1001);
    BOOST_TEST(failure_of(*this, *ctx).starts_with("array_too_large: item 1001 is too far"));
    BOOST_TEST(slurm.count("POST") == 0U);
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
    BOOST_TEST(wrong(R"({"command": "x", "settle": "1"})", good()).find("with.settle") != std::string::npos);
    BOOST_TEST(wrong(R"({"command": "x", "options": {"comment": "c"}})", good()).find("`comment`") !=
               std::string::npos);
    BOOST_TEST(wrong(R"({"command": "x", "script": "y"})", good()).starts_with("schema"));
    BOOST_TEST(wrong(R"({})", good()).starts_with("schema"));
}

BOOST_AUTO_TEST_CASE(submission_says_what_the_task_says)
{
    auto ctx =
        attempt(R"({"command": ["a", "it's", 5], "partition": "p", "cpus": 2, "memory": "2G", "time_limit": "90s",
        "env": {"N": 1, "PATH": "/x"}, "account": "acc", "qos": "q", "working_directory": "/w", "output": "o-%j",
        "options": {"tasks": 4, "name": "n"}})");
    ctx->variables = {{"A", "b"}, {"N", "0"}};
    const json::object s = slurm::submission_of(*ctx, "v0.0.38", "token", "");
    BOOST_TEST(json::value(s) == json::parse(R"({"script": "#!/bin/sh\nexec 'a' 'it'\\''s' '5'\n", "job": {
        "name": "n", "current_working_directory": "/w", "environment": {"PATH": "/x", "A": "b", "N": "1"},
        "standard_output": "o-%j", "partition": "p", "account": "acc", "qos": "q", "cpus_per_task": 2,
        "time_limit": 2, "memory_per_node": 2048, "tasks": 4, "comment": "token"}})"));
    const json::object later = slurm::submission_of(*ctx, "v0.0.40", "token", "0-3");
    BOOST_TEST(later.at("job").at("environment") == json::parse(R"(["PATH=/x", "A=b", "N=1"])"));
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
