#include "tests/integration/conformance/suite.hpp"
#include "tests/integration/job_service/running_service.hpp"

#include <fmt/format.h>

#include <stdexcept>
#include <string>
#include <vector>

namespace potoo::conformance {
namespace {

using phase = remote_job::phase;

phase phase_of(std::string_view state)
{
    if (state == "QUEUED")
        return phase::queued;
    if (state == "RUNNING")
        return phase::running;
    if (state == "SUCCEEDED")
        return phase::succeeded;
    if (state == "FAILED")
        return phase::failed;
    if (state == "CANCELLED")
        return phase::cancelled;
    throw std::runtime_error(fmt::format("the job service calls a job {}", state));
}

std::string_view command_of(job_kind kind)
{
    switch (kind) {
    case job_kind::succeeds:
        return R"(['echo', '{"answer": 42}'])";
    case job_kind::fails:
        return "'exit 7'";
    case job_kind::speaks:
        return "'echo hello from the job >&2'";
    case job_kind::lasts:
        return R"('sleep 2; echo "{\"answer\": 42}"')";
    case job_kind::endures:
        return "['sleep', '3600']";
    }
    throw std::invalid_argument("no such job");
}

json::value faults_of(misbehaviour m)
{
    const json::array talk{"submit", "status", "query"};
    switch (m) {
    case misbehaviour::throttles:
        return json::object{{"throttle", json::object{{"count", 3}, {"retry_after", 1}, {"routes", talk}}}};
    case misbehaviour::fails_for_a_while:
        return json::object{{"server_error", json::object{{"count", 3}, {"routes", talk}}}};
    case misbehaviour::loses_the_answer:
        return json::object{{"drop_response", json::object{{"count", 1}, {"routes", "submit"}}}};
    case misbehaviour::accepts_late:
        return json::object{{"delay_ms", json::object{{"ms", 2500}, {"count", 1}, {"routes", "submit"}}}};
    case misbehaviour::refuses_to_cancel:
        return json::object{{"server_error", json::object{{"count", 3}, {"routes", "cancel"}}}};
    }
    throw std::invalid_argument("no such misbehaviour");
}

/// The example job service, a process of its own.
class job_service final : public remote_system
{
  public:
    explicit job_service(launch_guarantee g) : guarantee_(g), service_(arguments(g)), side_(service_) {}

    std::string task_text(job_kind kind) const override
    {
        std::string text = fmt::format(R"(operator: http_job
with:
  submit: {{method: POST, url: "${{{{ params.service }}}}/jobs", headers: {{Idempotency-Key: "${{{{ launch_token }}}}"}}, body: {{command: {}}}}}
  id: ${{{{ response.body.id }}}}
  status: {{url: "${{{{ params.service }}}}/jobs/${{{{ id }}}}"}}
  state: ${{{{ job.state }}}}
  success: [SUCCEEDED]
  failure: [FAILED]
  cancelled: [CANCELLED]
  output: ${{{{ job.result }}}}
  error: ${{{{ job.error }}}}
  cancel: {{method: DELETE, url: "${{{{ params.service }}}}/jobs/${{{{ id }}}}"}}
  logs: {{url: "${{{{ params.service }}}}/jobs/${{{{ id }}}}/log"}}
  poll: {{interval: 200ms, max_interval: 500ms}}
  request_timeout: 2s
  settle: 1500ms
)",
                                       command_of(kind));
        if (guarantee_ == launch_guarantee::finds)
            text +=
                R"(  find: {url: "${{ params.service }}/jobs?token=${{ launch_token }}", id: "${{ response.body.jobs[0].id }}"}
)";
        if (guarantee_ == launch_guarantee::deduplicates)
            text += "  idempotent: true\n";
        return text;
    }

    json::object params() const override { return {{"service", service_.url()}}; }

    json::value answer(const json::value& output) const override { return output; }

    launch_guarantee guarantee() const noexcept override { return guarantee_; }

    std::vector<remote_job> jobs() override
    {
        std::vector<remote_job> all;
        const json::value body = side_.get("/jobs?limit=1000").body();
        for (const json::value& j : body.at("jobs").as_array()) {
            if (!j.at("token").is_string())
                continue;
            all.push_back({std::string(j.at("id").as_string()), std::string(j.at("token").as_string()),
                           phase_of(j.at("state").as_string())});
        }
        return all;
    }

    bool occupy() override
    {
        side_.post("/jobs", json::object{{"command", json::array{"sleep", "3600"}}});
        side_.post("/jobs", json::object{{"command", json::array{"sleep", "3600"}}});
        return true;
    }

    bool misbehave(misbehaviour m) override
    {
        side_.put("/faults", faults_of(m));
        return true;
    }

    bool forget(const remote_job& j) override
    {
        side_.post("/jobs/" + j.id + "/forget", json::object());
        return true;
    }

  private:
    static std::vector<std::string> arguments(launch_guarantee g)
    {
        std::vector<std::string> a{"--slots", "2"};
        if (g == launch_guarantee::deduplicates)
            a.emplace_back("--deduplicate");
        return a;
    }

    launch_guarantee guarantee_;
    test::running_service service_;
    test::service_connection side_;
};

auto maker(launch_guarantee g)
{
    return [g](std::string&) -> std::unique_ptr<remote_system> { return std::make_unique<job_service>(g); };
}

const suite finding("http_job_that_finds", maker(launch_guarantee::finds));
const suite deduplicating("http_job_that_deduplicates", maker(launch_guarantee::deduplicates));
const suite neither("http_job_that_does_neither", maker(launch_guarantee::none));

} // namespace
} // namespace potoo::conformance
