#include "job_end.hpp"

namespace potoo::aws_batch {
namespace {

struct known_reason
{
    std::string_view text; ///< contained in it
    failure_kind kind;
};

/// The first that fits counts.
constexpr known_reason known_reasons[] = {
    {"OutOfMemoryError", {"oom_killed", true, true}},
    {"Host EC2", {"host_terminated", true, true}},
    {"Spot interruption", {"host_terminated", true, true}},
    {"SpotInterruption", {"host_terminated", true, true}},
    {"Your Spot Task was interrupted", {"host_terminated", true, true}},
    {"spot instance", {"host_terminated", true, true}},
    {"Job attempt duration exceeded timeout", {"job_timeout", true, true}},
    {"manifest unknown", {"image_not_found", false, true}},
    {"repository does not exist", {"image_not_found", false, true}},
    {"pull access denied", {"image_not_found", false, true}},
    {"invalid reference format", {"image_not_found", false, true}},
    {"CannotPull", {"image_pull_failed", true, true}},
    {"ImagePullBackOff", {"image_pull_failed", true, true}},
    {"DockerTimeoutError", {"docker_timeout", true, true}},
    {"DockerStateError", {"docker_state", true, true}},
    {"ContainerRuntimeTimeoutError", {"docker_timeout", true, true}},
    {"CannotStartContainerError", {"start_failed", true, true}},
    {"CannotCreateContainerError", {"start_failed", true, true}},
    {"CannotInspectContainerError", {"start_failed", true, true}},
    {"CannotCreateVolumeError", {"start_failed", true, true}},
    {"ContainerRuntimeError", {"start_failed", true, true}},
    {"ResourceInitializationError", {"start_failed", true, true}},
    {"Timeout waiting for network interface provisioning", {"start_failed", true, true}},
    {"Timeout waiting for EphemeralStorage provisioning", {"start_failed", true, true}},
    {"Task failed to start", {"start_failed", true, false}},
    {"Capacity is unavailable", {"no_capacity", true, true}},
    {"RESOURCE:ENI", {"no_capacity", true, true}},
    {"Internal Service Error", {"service_error", true, false}},
    {"Server Exception", {"service_error", true, false}},
    {"Dependent Job failed", {"dependency_failed", false, true}},
    {"MISCONFIGURATION", {"misconfigured", false, true}},
    {"ClientException", {"misconfigured", false, true}},
};

} // namespace

std::optional<failure_kind> kind_of(std::string_view reason)
{
    for (const known_reason& r : known_reasons) {
        if (reason.find(r.text) != std::string_view::npos)
            return r.kind;
    }
    return std::nullopt;
}

} // namespace potoo::aws_batch
