#pragma once
// A slurmrestd that is played for the slurm operator, and contexts of attempts that use it.

#include "tests/unit/operators/fake_context.hpp"
#include "tests/unit/operators/scripted_http.hpp"

#include <boost/test/unit_test.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

namespace potoo::test {

inline std::string base64url(std::string_view text)
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
inline std::string jwt(std::int64_t life, std::string_view name, std::string_view user = "alice")
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

inline constexpr const char* quick =
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

inline std::string failure_of(slurm_fixture& f, fake_context& ctx, failure_class* kind = nullptr)
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

} // namespace potoo::test
