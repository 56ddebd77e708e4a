#include "test_cluster.hpp"
#include "tests/integration/conformance/suite.hpp"

#include <boost/test/unit_test.hpp>
#include <fmt/format.h>

#include <map>
#include <stdexcept>
#include <string>
#include <vector>

namespace potoo::conformance {
namespace {

using phase = remote_job::phase;
using fault = test::fault_proxy::fault;

using test::needs_kubernetes;

BOOST_TEST_GLOBAL_FIXTURE(needs_kubernetes);

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

bool has_condition(const json::value& job, std::string_view type)
{
    const json::value* conditions = job.at("status").as_object().if_contains("conditions");
    if (!conditions)
        return false;
    for (const json::value& c : conditions->as_array()) {
        if (c.at("type") == json::string(type) && c.at("status") == "True")
            return true;
    }
    return false;
}

bool runs(const json::value& pod)
{
    const json::value* containers = pod.at("status").as_object().if_contains("containerStatuses");
    if (!containers)
        return false;
    for (const json::value& c : containers->as_array()) {
        if (c.at("state").as_object().contains("running"))
            return true;
    }
    return false;
}

/// Jobs that are gone are known by the events that speak of them.
class kubernetes final : public remote_system
{
  public:
    std::string task_text(job_kind kind) const override { return cluster_.task_text(command_of(kind)); }

    std::vector<std::string> credentials() const override { return {"admintok"}; }

    launch_guarantee guarantee() const noexcept override { return launch_guarantee::finds; }

    std::vector<remote_job> jobs() override
    {
        std::map<std::string, remote_job> all;
        const json::value events = cluster_.ask("GET", cluster_.path("events"));
        for (const json::value& e : events.at("items").as_array()) {
            const auto& about = e.at("involvedObject").as_object();
            if (about.at("kind") != "Job")
                continue;
            const std::string name(about.at("name").as_string());
            all[name] = {name, name, phase::cancelled};
        }
        const json::value jobs = cluster_.ask("GET", cluster_.path("jobs"));
        for (const json::value& j : jobs.at("items").as_array()) {
            const std::string name(j.at("metadata").at("name").as_string());
            all[name] = {name, name,
                         has_condition(j, "Complete") ? phase::succeeded
                         : has_condition(j, "Failed") ? phase::failed
                                                      : phase::queued};
        }
        const json::value pods = cluster_.ask("GET", cluster_.path("pods"));
        for (const json::value& p : pods.at("items").as_array()) {
            const auto of = all.find(std::string(p.at("metadata").at("labels").at("job-name").as_string()));
            if (of != all.end() && runs(p))
                of->second.now = phase::running;
        }
        std::vector<remote_job> list;
        for (auto& [name, job] : all)
            list.push_back(std::move(job));
        return list;
    }

    bool occupy() override
    {
        cluster_.limit("pods", 0);
        return true;
    }

    bool misbehave(misbehaviour m) override
    {
        const auto refuse = [&](std::string_view method, const char* status, int times) {
            auto r = test::when(method, "/jobs", times);
            r.answer = status;
            cluster_.proxy().add(std::move(r));
        };
        auto spoilt = test::when("POST", "/jobs", 1);
        spoilt.delay = std::chrono::milliseconds(2500);
        switch (m) {
        case misbehaviour::throttles:
            refuse("POST", "429 Too Many Requests\r\nRetry-After: 1\r\n", 2);
            refuse("GET", "429 Too Many Requests\r\nRetry-After: 1\r\n", 3);
            return true;
        case misbehaviour::fails_for_a_while:
            refuse("POST", "500 Internal Server Error\r\n", 2);
            refuse("GET", "503 Service Unavailable\r\n", 3);
            return true;
        case misbehaviour::loses_the_answer:
            spoilt.what = fault::loses;
            cluster_.proxy().add(std::move(spoilt));
            return true;
        case misbehaviour::accepts_late:
            spoilt.what = fault::delays;
            cluster_.proxy().add(std::move(spoilt));
            return true;
        case misbehaviour::refuses_to_cancel:
            refuse("DELETE", "500 Internal Server Error\r\n", 3);
            return true;
        }
        throw std::invalid_argument("no such misbehaviour");
    }

    bool forget(const remote_job& j) override
    {
        cluster_.ask("DELETE", cluster_.path("jobs/" + j.id) + "?propagationPolicy=Background");
        return true;
    }

  private:
    test::test_cluster cluster_;
};

const suite whole("kubernetes_job",
                  [](std::string&) -> std::unique_ptr<remote_system> { return std::make_unique<kubernetes>(); });

} // namespace
} // namespace potoo::conformance
