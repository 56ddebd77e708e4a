#include "tests/integration/conformance/job_service_system.hpp"
#include "tests/integration/conformance/suite.hpp"

#include <fmt/format.h>

#include <memory>
#include <string>

namespace potoo::conformance {
namespace {

class job_service final : public job_service_system
{
  public:
    using job_service_system::job_service_system;

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
        if (guarantee() == launch_guarantee::finds)
            text +=
                R"(  find: {url: "${{ params.service }}/jobs?token=${{ launch_token }}", id: "${{ response.body.jobs[0].id }}"}
)";
        if (guarantee() == launch_guarantee::deduplicates)
            text += "  idempotent: true\n";
        return text;
    }

    json::value answer(const json::value& output) const override { return output; }
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
