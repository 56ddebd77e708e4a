#include "tests/integration/conformance/job_service_system.hpp"

#include <fmt/format.h>

#include <stdexcept>

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

std::vector<std::string> arguments(launch_guarantee g)
{
    std::vector<std::string> a{"--slots", "2"};
    if (g == launch_guarantee::deduplicates)
        a.emplace_back("--deduplicate");
    return a;
}

} // namespace

job_service_system::job_service_system(launch_guarantee g) : guarantee_(g), service_(arguments(g)), side_(service_) {}

std::string_view job_service_system::command_of(job_kind kind)
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

std::vector<remote_job> job_service_system::jobs()
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

bool job_service_system::occupy()
{
    side_.post("/jobs", json::object{{"command", json::array{"sleep", "3600"}}});
    side_.post("/jobs", json::object{{"command", json::array{"sleep", "3600"}}});
    return true;
}

bool job_service_system::misbehave(misbehaviour m)
{
    side_.put("/faults", faults_of(m));
    return true;
}

bool job_service_system::forget(const remote_job& j)
{
    side_.post("/jobs/" + j.id + "/forget", json::object());
    return true;
}

} // namespace potoo::conformance
