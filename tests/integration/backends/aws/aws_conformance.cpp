// aws_batch against moto: its jobs are containers.

#include "tests/integration/backends/aws/moto.hpp"
#include "tests/integration/backends/fault_proxy.hpp"
#include "tests/integration/conformance/suite.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

namespace potoo::conformance {
namespace {

using phase = remote_job::phase;
using fault = test::fault_proxy::fault;

std::string_view command_of(job_kind kind)
{
    switch (kind) {
    case job_kind::succeeds:
        return R"([echo, '{"answer": 42}'])";
    case job_kind::fails:
        return "[sh, -c, exit 7]";
    case job_kind::speaks:
        return "[echo, hello from the job]";
    case job_kind::lasts:
        return R"([sh, -c, 'sleep 2; echo "{\"answer\": 42}"'])";
    case job_kind::endures:
        return "[sleep, '3600']";
    }
    throw std::invalid_argument("no such job");
}

phase phase_of(const json::object& job)
{
    const std::string_view status = job.at("status").as_string();
    if (status == "SUCCEEDED")
        return phase::succeeded;
    if (status == "STARTING" || status == "RUNNING")
        return phase::running;
    if (status != "FAILED")
        return phase::queued;
    const json::value* reason = job.if_contains("statusReason");
    return reason && reason->is_string() && reason->get_string().starts_with("stopped by potoo") ? phase::cancelled
                                                                                                 : phase::failed;
}

class batch final : public remote_system
{
  public:
    batch() : proxy_(test::moto_url()), environment_(proxy_.url())
    {
        for (const json::value& j : moto_.jobs_named("*"))
            before_.insert(std::string(j.at("jobId").as_string()));
    }

    ~batch() override
    {
        // Nothing is left running for the next trial.
        for (const json::value& j : moto_.jobs_named("*")) {
            const std::string id(j.at("jobId").as_string());
            if (!before_.contains(id))
                moto_.batch("terminatejob", {{"jobId", id}, {"reason", "the trial is over"}});
        }
    }

    std::string task_text(job_kind kind) const override
    {
        std::string text = fmt::format(R"(operator: aws_batch
with:
  job_queue: {}
  job_definition: {}
  command: {}
  poll: {{interval: 200ms, max_interval: 500ms}}
  request_timeout: 2s
  settle: 1500ms
  cancel_grace: 1m
)",
                                       test::moto_queue(), test::moto_definition(), command_of(kind));
        if (!blocker_.empty())
            text += fmt::format("  depends_on: [{}]\n", blocker_);
        return text;
    }

    std::vector<std::string> credentials() const override { return {"the secret of moto"}; }

    launch_guarantee guarantee() const noexcept override { return launch_guarantee::finds; }

    std::vector<remote_job> jobs() override
    {
        std::vector<remote_job> all;
        for (const json::value& j : moto_.jobs_named("*")) {
            const std::string id(j.at("jobId").as_string());
            if (!before_.contains(id) && id != blocker_)
                all.push_back({id, std::string(j.at("jobName").as_string()), phase_of(j.as_object())});
        }
        return all;
    }

    /// moto has no end of places: the job waits for another instead.
    bool occupy() override
    {
        const json::value made =
            moto_.batch("submitjob", {{"jobName", "blocker"},
                                      {"jobQueue", test::moto_queue()},
                                      {"jobDefinition", test::moto_definition()},
                                      {"containerOverrides", json::object{{"command", {"sleep", "3600"}}}}});
        blocker_ = std::string(made.at("jobId").as_string());
        return true;
    }

    bool misbehave(misbehaviour m) override
    {
        const auto talk = [](std::string_view, std::string_view target) {
            return target == "/v1/submitjob" || target == "/v1/describejobs";
        };
        const auto submission = [](std::string_view, std::string_view target) { return target == "/v1/submitjob"; };
        const auto stop = [](std::string_view, std::string_view target) {
            return target == "/v1/canceljob" || target == "/v1/terminatejob";
        };
        const std::string refusal = "500 Internal Server Error\r\nx-amzn-ErrorType: ServerException\r\n";
        switch (m) {
        case misbehaviour::throttles:
            proxy_.add({.applies = talk,
                        .times = 3,
                        .answer = "429 Too Many Requests\r\nx-amzn-ErrorType: TooManyRequestsException\r\n",
                        .body = R"({"message": "Too Many Requests"})"});
            return true;
        case misbehaviour::fails_for_a_while:
            proxy_.add({.applies = talk, .times = 3, .answer = refusal, .body = R"({"message": "Internal"})"});
            return true;
        case misbehaviour::loses_the_answer:
            proxy_.add({.applies = submission, .what = fault::loses});
            return true;
        case misbehaviour::accepts_late:
            proxy_.add({.applies = submission, .what = fault::delays, .delay = std::chrono::milliseconds(2500)});
            return true;
        case misbehaviour::refuses_to_cancel:
            proxy_.add({.applies = stop, .times = 3, .answer = refusal, .body = R"({"message": "Internal"})"});
            return true;
        }
        throw std::invalid_argument("no such misbehaviour");
    }

    /// moto never forgets a job; its answers do.
    bool forget(const remote_job&) override
    {
        constexpr int always = 1'000'000;
        proxy_.add({.applies = [](std::string_view, std::string_view target) { return target == "/v1/describejobs"; },
                    .times = always,
                    .answer = "200 OK\r\nContent-Type: application/json\r\n",
                    .body = R"({"jobs": []})"});
        proxy_.add({.applies = [](std::string_view, std::string_view target) { return target == "/v1/listjobs"; },
                    .times = always,
                    .answer = "200 OK\r\nContent-Type: application/json\r\n",
                    .body = R"({"jobSummaryList": []})"});
        return true;
    }

  private:
    test::moto_client moto_;
    test::fault_proxy proxy_;
    test::aws_environment environment_;
    std::set<std::string> before_; ///< jobs of other trials
    std::string blocker_;
};

const suite on_moto("aws_batch",
                    [](std::string&) -> std::unique_ptr<remote_system> { return std::make_unique<batch>(); });

} // namespace
} // namespace potoo::conformance
