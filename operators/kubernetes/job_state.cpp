#include "job_state.hpp"

#include "json_lookup.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

namespace potoo::kubernetes {
namespace {

struct reason_code
{
    std::string_view reason;
    const char* code;
};

/// Why a pod ended that did not end by itself, or a container without an exit code of its own.
constexpr std::array pod_reasons{
    reason_code{"Evicted", "evicted"},
    reason_code{"EvictionByEvictionAPI", "evicted"},
    reason_code{"DeletionByTaintManager", "evicted"},
    reason_code{"TerminationByKubelet", "evicted"},
    reason_code{"NodeLost", "node_fail"},
    reason_code{"NodeShutdown", "node_fail"},
    reason_code{"Shutdown", "node_fail"},
    reason_code{"Terminated", "node_fail"},
    reason_code{"DeletionByPodGC", "node_fail"},
    reason_code{"Preempted", "preempted"},
    reason_code{"Preempting", "preempted"},
    reason_code{"PreemptionByScheduler", "preempted"},
    reason_code{"OOMKilled", "oom_killed"},
    reason_code{"ContainerCannotRun", "cannot_start"},
    reason_code{"StartError", "cannot_start"},
};

/// Why a Job was called failed.
constexpr std::array job_reasons{
    reason_code{"BackoffLimitExceeded", "backoff_limit_exceeded"},
    reason_code{"DeadlineExceeded", "deadline_exceeded"},
    reason_code{"PodFailurePolicy", "pod_failure_policy"},
};

/// What a waiting container does not get over without help.
constexpr std::array<std::string_view, 9> stuck_reasons{
    "ErrImagePull",      "ImagePullBackOff",    "InvalidImageName",           "ErrImageNeverPull",
    "ImageInspectError", "RegistryUnavailable", "CreateContainerConfigError", "CreateContainerError",
    "RunContainerError",
};

template <std::size_t N>
const char* code_of(const std::array<reason_code, N>& known, std::string_view reason)
{
    const auto found = std::find_if(known.begin(), known.end(), [&](const auto& r) { return r.reason == reason; });
    return found == known.end() ? nullptr : found->code;
}

const json::value* condition(const json::value& object, std::string_view type)
{
    for (const json::value& c : array_at(object, "/status/conditions")) {
        if (text_at(c, "/type") == type && text_at(c, "/status") == "True")
            return &c;
    }
    return nullptr;
}

/// `: reason, message`, whatever there is of them.
std::string because(std::string_view reason, std::string_view message)
{
    std::string text;
    for (const std::string_view part : {reason, message}) {
        if (!part.empty())
            text += fmt::format("{}{}", text.empty() ? ": " : ", ", part);
    }
    return text;
}

bool is_of(const json::value& pod, std::string_view uid)
{
    const auto& owners = array_at(pod, "/metadata/ownerReferences");
    return std::any_of(owners.begin(), owners.end(), [&](const auto& o) { return text_at(o, "/uid") == uid; });
}

std::int64_t exit_code_of(const json::value& terminated)
{
    const json::value* code = find_at(terminated, "/exitCode");
    return code && code->is_int64() ? code->get_int64() : 0;
}

/// The first that ended badly, in the order in which they run; null when none did.
const json::value* failed_container(const json::value& pod)
{
    for (const char* list : {"/status/initContainerStatuses", "/status/containerStatuses"}) {
        for (const json::value& c : array_at(pod, list)) {
            const json::value* terminated = find_at(c, "/state/terminated");
            if (terminated && exit_code_of(*terminated) != 0)
                return &c;
        }
    }
    return nullptr;
}

const json::value* container_status(const json::value& pod, std::string_view name)
{
    for (const char* list : {"/status/initContainerStatuses", "/status/containerStatuses"}) {
        for (const json::value& c : array_at(pod, list)) {
            if (text_at(c, "/name") == name)
                return &c;
        }
    }
    return nullptr;
}

/// When it came to its end, or began: RFC 3339 in UTC, so that text compares as time does.
std::string_view last_time(const json::value& pod)
{
    std::string_view last = text_at(pod, "/metadata/creationTimestamp");
    for (const json::value& c : array_at(pod, "/status/containerStatuses"))
        last = std::max(last, text_at(c, "/state/terminated/finishedAt"));
    return last;
}

/// Why the pod as a whole ended, if not for its containers.
std::pair<std::string_view, std::string_view> pod_reason(const json::value& pod)
{
    if (const auto reason = text_at(pod, "/status/reason"); !reason.empty())
        return {reason, text_at(pod, "/status/message")};
    if (const json::value* target = condition(pod, "DisruptionTarget"))
        return {text_at(*target, "/reason"), text_at(*target, "/message")};
    return {};
}

void tell_failure(job_result& ended, const decisive_container& where, const json::value* terminated)
{
    const std::string_view pod = text_at(*where.pod, "/metadata/name");
    if (const auto [reason, message] = pod_reason(*where.pod); const char* code = code_of(pod_reasons, reason)) {
        ended.code = code;
        ended.error = fmt::format("pod {} ended{}", pod, because(reason, message));
        return;
    }
    if (!terminated)
        return;
    const std::string_view reason = text_at(*terminated, "/reason");
    const std::string_view message = text_at(*terminated, "/message");
    const auto exit_code = exit_code_of(*terminated);
    const char* code = code_of(pod_reasons, reason);
    // That a deadline passed is why the container was ended.
    if (ended.code == "deadline_exceeded" || (exit_code == 0 && !code))
        return;
    ended.code = code ? code : fmt::format("exit_{}", exit_code);
    ended.error = fmt::format("container {} of pod {} exited with {}{}", where.container, pod, exit_code,
                              because(reason == "Error" ? std::string_view() : reason, message));
}

} // namespace

std::optional<job_place> job_place::of(std::string_view id)
{
    const auto first = id.find('/');
    const auto second = first == std::string_view::npos ? first : id.find('/', first + 1);
    if (second == std::string_view::npos || id.find('/', second + 1) != std::string_view::npos)
        return std::nullopt;
    job_place p{id.substr(0, first), id.substr(first + 1, second - first - 1), id.substr(second + 1)};
    if (p.name_space.empty() || p.name.empty() || p.uid.empty())
        return std::nullopt;
    return p;
}

job_id id_of(const json::value& job)
{
    return job_id(fmt::format("{}/{}/{}", text_at(job, "/metadata/namespace"), text_at(job, "/metadata/name"),
                              text_at(job, "/metadata/uid")));
}

std::optional<job_result> end_of_job(const json::value& job)
{
    const json::value* complete = condition(job, "Complete");
    const json::value* failed = complete ? nullptr : condition(job, "Failed");
    if (!complete && !failed)
        return std::nullopt;
    job_result r;
    json::object output{{"id", json::string(id_of(job).value())},
                        {"state", complete ? "Complete" : "Failed"},
                        {"exit_code", complete ? json::value(0) : json::value()},
                        {"name", json::string(text_at(job, "/metadata/name"))},
                        {"namespace", json::string(text_at(job, "/metadata/namespace"))}};
    for (const auto& [name, pointer] :
         {std::pair("started_at", "/status/startTime"), std::pair("ended_at", "/status/completionTime")}) {
        if (const auto time = text_at(job, pointer); !time.empty())
            output[name] = json::string(time);
    }
    r.output = std::move(output);
    if (complete)
        return r;
    r.output.get_object()["ended_at"] = json::string(text_at(*failed, "/lastTransitionTime"));
    r.ended = job_result::state::failed;
    const std::string_view reason = text_at(*failed, "/reason");
    const char* code = code_of(job_reasons, reason);
    r.code = code ? code : "failed";
    r.error = fmt::format("the job {}/{} failed{}", text_at(job, "/metadata/namespace"), text_at(job, "/metadata/name"),
                          because(reason, text_at(*failed, "/message")));
    return r;
}

decisive_container decisive_of(const json::array& pods, std::string_view uid, bool succeeded)
{
    decisive_container d;
    bool found_failed = false;
    for (const json::value& pod : pods) {
        if (!is_of(pod, uid))
            continue;
        const bool wanted = text_at(pod, "/status/phase") == (succeeded ? "Succeeded" : "Failed");
        if (found_failed && !wanted)
            continue;
        if (!d.pod || (wanted && !found_failed) || last_time(*d.pod) <= last_time(pod))
            d.pod = &pod;
        found_failed = found_failed || wanted;
    }
    if (!d.pod)
        return d;
    const json::value* failed = succeeded ? nullptr : failed_container(*d.pod);
    const auto& containers = array_at(*d.pod, "/spec/containers");
    if (failed)
        d.container = text_at(*failed, "/name");
    else if (!containers.empty())
        d.container = text_at(containers.front(), "/name");
    return d;
}

void tell_of_pod(job_result& ended, const decisive_container& where)
{
    if (!where.pod)
        return;
    const json::value* status = container_status(*where.pod, where.container);
    const json::value* terminated = status ? find_at(*status, "/state/terminated") : nullptr;
    if (auto* output = ended.output.if_object()) {
        if (terminated)
            (*output)["exit_code"] = exit_code_of(*terminated);
        (*output)["pod"] = json::string(text_at(*where.pod, "/metadata/name"));
        (*output)["node"] = json::string(text_at(*where.pod, "/spec/nodeName"));
    }
    if (ended.ended == job_result::state::failed)
        tell_failure(ended, where, terminated);
}

std::string start_trouble(const json::value& pod)
{
    const std::string_view name = text_at(pod, "/metadata/name");
    for (const json::value& c : array_at(pod, "/status/conditions")) {
        if (text_at(c, "/type") == "PodScheduled" && text_at(c, "/reason") == "Unschedulable")
            return fmt::format("pod {} cannot be placed on a node: {}", name, text_at(c, "/message"));
    }
    for (const char* list : {"/status/initContainerStatuses", "/status/containerStatuses"}) {
        for (const json::value& c : array_at(pod, list)) {
            const std::string_view reason = text_at(c, "/state/waiting/reason");
            if (std::find(stuck_reasons.begin(), stuck_reasons.end(), reason) == stuck_reasons.end())
                continue;
            return fmt::format("container {} of pod {} does not start{} (image {})", text_at(c, "/name"), name,
                               because(reason, text_at(c, "/state/waiting/message")), text_at(c, "/image"));
        }
    }
    return {};
}

bool may_run(const json::value& pod)
{
    const std::string_view phase = text_at(pod, "/status/phase");
    if (phase == "Succeeded" || phase == "Failed")
        return false;
    if (!find_at(pod, "/metadata/deletionTimestamp"))
        return true;
    if (text_at(pod, "/spec/nodeName").empty())
        return false;
    bool ended = false;
    for (const char* list : {"/status/initContainerStatuses", "/status/containerStatuses"}) {
        for (const json::value& c : array_at(pod, list)) {
            if (find_at(c, "/state/running"))
                return true;
            ended = ended || find_at(c, "/state/terminated");
        }
    }
    // None has ended: one may be about to start.
    return !ended;
}

} // namespace potoo::kubernetes
