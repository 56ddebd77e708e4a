#include "tests/integration/backends/fault_proxy.hpp"
#include "tests/integration/backends/slurm/slurm_side.hpp"
#include "tests/integration/conformance/suite.hpp"

#include <boost/test/unit_test.hpp>
#include <fmt/format.h>

#include <fstream>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace potoo::conformance {
namespace {

using test::fault_proxy;
using test::needs_slurm;
using phase = remote_job::phase;

BOOST_TEST_GLOBAL_FIXTURE(needs_slurm);

phase phase_of(std::string_view state)
{
    if (state == "PENDING" || state == "CONFIGURING")
        return phase::queued;
    if (state == "RUNNING" || state == "COMPLETING")
        return phase::running;
    if (state == "COMPLETED")
        return phase::succeeded;
    return state == "CANCELLED" ? phase::cancelled : phase::failed;
}

std::string_view command_of(job_kind kind)
{
    switch (kind) {
    case job_kind::succeeds:
        return R"([echo, '{"answer": 42}'])";
    case job_kind::fails:
        return "'exit 7'";
    case job_kind::speaks:
        return "'echo hello from the job >&2'";
    case job_kind::lasts:
        return R"('sleep 2; echo "{\"answer\": 42}"')";
    case job_kind::endures:
        return "[sleep, '3600']";
    }
    throw std::invalid_argument("no such job");
}

bool is_submission(std::string_view method, std::string_view target)
{
    return method == "POST" && target.find("/job/submit") != std::string_view::npos;
}

bool is_list(std::string_view method, std::string_view target)
{
    return method == "GET" && target.find("/jobs") != std::string_view::npos;
}

/// About one job.
bool is_question(std::string_view method, std::string_view target)
{
    return method == "GET" && target.find("/job/") != std::string_view::npos;
}

bool is_talk(std::string_view method, std::string_view target)
{
    return is_submission(method, target) || is_list(method, target);
}

bool is_cancellation(std::string_view method, std::string_view)
{
    return method == "DELETE";
}

fault_proxy::rule rule_of(misbehaviour m)
{
    using enum fault_proxy::fault;
    const std::string json = "Content-Type: application/json\r\n";
    const std::string error = R"({"errors": [{"error_number": -1, "error": "Unspecified error"}], "jobs": []})";
    constexpr int few = 3;
    switch (m) {
    case misbehaviour::throttles:
        return {is_talk, few, answers, "429 Too Many Requests\r\nRetry-After: 1\r\n", "", {}};
    case misbehaviour::fails_for_a_while:
        return {is_talk, few, answers, "500 Internal Server Error\r\n" + json, error, {}};
    case misbehaviour::loses_the_answer:
        return {is_submission, 1, loses, {}, {}, {}};
    case misbehaviour::accepts_late:
        return {is_submission, 1, delays, {}, {}, std::chrono::milliseconds(2500)};
    case misbehaviour::refuses_to_cancel:
        return {is_cancellation, few, answers, "500 Internal Server Error\r\n" + json, error, {}};
    }
    throw std::invalid_argument("no such misbehaviour");
}

/// A real cluster.
class slurm_cluster final : public remote_system
{
  public:
    explicit slurm_cluster(bool arrays) : arrays_(arrays)
    {
        std::ofstream(side_.folder() + "/token") << side_.token() << "\n";
    }

    std::string task_text(job_kind kind) const override
    {
        return fmt::format(R"(operator: slurm
with:
  command: {}
  working_directory: {}
  output: "out-%j"
  array: {}
  connection: cluster
  poll: {{interval: 200ms, max_interval: 500ms}}
  request_timeout: 2s
  settle: 1500ms
)",
                           command_of(kind), side_.folder(), arrays_);
    }

    std::string dag_text() const override
    {
        return fmt::format("connections: {{cluster: {{type: slurm, url: '{}', user: {}, token_file: {}/token}}}}",
                           proxy_.url(), side_.user(), side_.folder());
    }

    std::vector<std::string> credentials() const override { return {side_.token()}; }

    launch_guarantee guarantee() const noexcept override { return launch_guarantee::finds; }

    std::vector<remote_job> jobs() override
    {
        std::vector<remote_job> all;
        for (const json::object& j : side_.jobs()) {
            if (j.at("name") != "test")
                all.push_back({std::to_string(j.at("job_id").as_int64()), std::string(j.at("comment").as_string()),
                               phase_of(j.at("job_state").as_string())});
        }
        return all;
    }

    bool occupy() override
    {
        const auto id = side_.submit("#!/bin/sh\nsleep 3600\n", {{"tasks", 64}});
        side_.wait_for(id, [](const json::object& j) { return j.at("job_state") == "RUNNING"; });
        return true;
    }

    bool misbehave(misbehaviour m) override
    {
        proxy_.add(rule_of(m));
        return true;
    }

    /// Slurm itself deletes no job before its time: the way to it does as if it had.
    bool forget(const remote_job&) override
    {
        using enum fault_proxy::fault;
        constexpr int always = 1'000'000;
        const std::string json = "Content-Type: application/json\r\n";
        proxy_.add({is_list, always, answers, "200 OK\r\n" + json, R"({"errors": [], "jobs": []})", {}});
        proxy_.add({is_question,
                    always,
                    answers,
                    "500 Internal Server Error\r\n" + json,
                    R"({"errors": [{"error_number": 2017, "error": "Invalid job id specified"}], "jobs": []})",
                    {}});
        return true;
    }

  private:
    bool arrays_;
    test::slurm_side side_;
    fault_proxy proxy_{side_.url()};
};

auto maker(bool arrays)
{
    return [arrays](std::string&) -> std::unique_ptr<remote_system> { return std::make_unique<slurm_cluster>(arrays); };
}

const suite singly("slurm", maker(false));
const suite in_arrays("slurm_arrays", maker(true));

} // namespace
} // namespace potoo::conformance
