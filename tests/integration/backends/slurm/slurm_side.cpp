#include "tests/integration/backends/slurm/slurm_side.hpp"

#include <fmt/format.h>

#include <poll.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <sys/stat.h>
#include <utility>

namespace potoo::test {

slurm_side::slurm_side() : token_(output_of_command(token_command_)), folder_("/tmp/potoo-slurm-XXXXXX")
{
    if (!mkdtemp(folder_.data()) || ::chmod(folder_.c_str(), 0777) != 0)
        throw std::runtime_error("no folder for the jobs");
}

slurm_side::~slurm_side()
{
    try {
        for (const json::object& j : jobs()) {
            const auto state = j.at("job_state").as_string();
            if (state == "PENDING" || state == "RUNNING" || state == "CONFIGURING")
                request("DELETE", fmt::format("/job/{}", j.at("job_id").as_int64()));
        }
    } catch (const std::exception& e) {
        fmt::print(stderr, "jobs are left behind: {}\n", e.what());
    }
    std::error_code ec;
    std::filesystem::remove_all(folder_, ec);
}

std::string slurm_side::connection(std::string_view url) const
{
    return fmt::format("connections:\n  slurm: {{type: slurm, url: '{}', user: {}, token_command: '{}'}}\n", url, user_,
                       token_command_);
}

json::value slurm_side::request(std::string_view method, std::string_view path, const json::value& body)
{
    http_request r;
    r.method = method;
    r.url = fmt::format("{}/slurm/v0.0.38{}", url_, path);
    r.headers = {{"X-SLURM-USER-NAME", user_}, {"X-SLURM-USER-TOKEN", token_}};
    if (!body.is_null()) {
        r.headers.push_back({"Content-Type", "application/json"});
        r.body = json::serialize(body);
    }
    r.max_body = std::size_t{256} << 20;
    const http_response answer = client_.send(std::move(r));
    json::value v = json::parse(answer.body);
    // A job that is taken but held is told with an error.
    if (answer.status != 200 && !v.as_object().contains("job_id"))
        throw std::runtime_error(fmt::format("{} {}: {}", method, path, answer.body));
    return v;
}

std::vector<json::object> slurm_side::jobs()
{
    std::vector<json::object> mine;
    json::value all = request("GET", "/jobs");
    for (json::value& j : all.at("jobs").as_array()) {
        if (j.at("current_working_directory").as_string() == folder_)
            mine.push_back(std::move(j.as_object()));
    }
    std::sort(mine.begin(), mine.end(), [](const json::object& a, const json::object& b) {
        return a.at("job_id").as_int64() < b.at("job_id").as_int64();
    });
    return mine;
}

std::int64_t slurm_side::submit(std::string_view script, json::object fields)
{
    json::object job{{"name", "test"},
                     {"current_working_directory", folder_},
                     {"standard_output", "/dev/null"},
                     {"environment", json::object{{"PATH", "/usr/bin:/bin"}}}};
    for (auto& [name, value] : fields)
        job[name] = std::move(value);
    return request("POST", "/job/submit", json::object{{"script", json::string(script)}, {"job", std::move(job)}})
        .at("job_id")
        .as_int64();
}

void slurm_side::pause()
{
    // The cluster tells nobody when something has changed.
    ::poll(nullptr, 0, 100);
}

void slurm_side::throw_overdue(std::int64_t id)
{
    throw std::runtime_error(fmt::format("the job {} does not come to where it should be", id));
}

} // namespace potoo::test
