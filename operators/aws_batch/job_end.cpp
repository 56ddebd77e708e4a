#include "job_end.hpp"

#include <fmt/format.h>

#include <array>
#include <vector>

namespace potoo::aws_batch {
namespace {

constexpr std::string_view usual_log_group = "/aws/batch/job";

const json::object* object_at(const json::object* o, std::string_view name)
{
    const json::value* v = o ? o->if_contains(name) : nullptr;
    return v ? v->if_object() : nullptr;
}

const json::array* array_at(const json::object* o, std::string_view name)
{
    const json::value* v = o ? o->if_contains(name) : nullptr;
    return v ? v->if_array() : nullptr;
}

std::string text_at(const json::object* o, std::string_view name)
{
    const json::value* v = o ? o->if_contains(name) : nullptr;
    return v && v->is_string() ? std::string(v->get_string()) : std::string();
}

std::optional<int> number_at(const json::object* o, std::string_view name)
{
    const json::value* v = o ? o->if_contains(name) : nullptr;
    boost::system::error_code ec;
    const int n = v && v->is_number() ? v->to_number<int>(ec) : 0;
    return v && v->is_number() && !ec ? std::optional(n) : std::nullopt;
}

void add_all(const json::array* list, std::vector<const json::object*>& to)
{
    if (!list)
        return;
    for (const json::value& v : *list) {
        if (const auto* o = v.if_object())
            to.push_back(o);
    }
}

/// Wherever AWS tells of containers: of the job itself, of its last attempt, of the tasks of ECS and the pods of EKS.
std::vector<const json::object*> containers_of(const json::object& job)
{
    std::vector<const json::object*> all;
    if (const auto* c = object_at(&job, "container"))
        all.push_back(c);
    std::vector<const json::object*> tasks;
    add_all(array_at(object_at(&job, "ecsProperties"), "taskProperties"), tasks);
    if (const auto* pod = object_at(object_at(&job, "eksProperties"), "podProperties"))
        tasks.push_back(pod);
    const auto* attempts = array_at(&job, "attempts");
    const auto* last = attempts && !attempts->empty() ? attempts->back().if_object() : nullptr;
    if (const auto* c = object_at(last, "container"))
        all.push_back(c);
    add_all(array_at(last, "taskProperties"), tasks);
    for (const json::object* t : tasks)
        add_all(array_at(t, "containers"), all);
    return all;
}

/// The first that is not 0, else 0, else none.
std::optional<int> exit_code_of(const std::vector<const json::object*>& containers)
{
    std::optional<int> code;
    for (const json::object* c : containers) {
        if (const auto n = number_at(c, "exitCode"); n && (!code || *code == 0))
            code = n;
    }
    return code;
}

std::string first_text(const std::vector<const json::object*>& containers, std::string_view name)
{
    for (const json::object* c : containers) {
        if (std::string text = text_at(c, name); !text.empty())
            return text;
    }
    return {};
}

void find_log(const json::object& job, const std::vector<const json::object*>& containers, job_end& e)
{
    const auto* settings = object_at(object_at(&job, "container"), "logConfiguration");
    const std::string driver = text_at(settings, "logDriver");
    if (!driver.empty() && driver != "awslogs") {
        e.log_note = fmt::format("the job's log goes to {}, and is not read here", driver);
        return;
    }
    e.log_group = text_at(object_at(settings, "options"), "awslogs-group");
    if (e.log_group.empty())
        e.log_group = usual_log_group;
    e.log_stream = first_text(containers, "logStreamName");
}

json::object output_of(const json::object& job, std::optional<int> exit_code, const job_end& e)
{
    json::object out{{"id", text_at(&job, "jobId")}, {"state", text_at(&job, "status")}};
    out["exit_code"] = exit_code ? json::value(*exit_code) : json::value(nullptr);
    out["name"] = e.name;
    for (const char* name : {"createdAt", "startedAt", "stoppedAt"}) {
        const json::value* v = job.if_contains(name);
        const std::string key = std::string(name).substr(0, std::string_view(name).size() - 2) + "_at";
        if (v && v->is_number())
            out[key] = *v;
    }
    const auto* attempts = array_at(&job, "attempts");
    out["attempts"] = attempts ? attempts->size() : 0;
    if (!e.log_stream.empty())
        out["log_stream"] = e.log_stream;
    return out;
}

void judge_failure(const json::object& job, const std::vector<const json::object*>& containers,
                   std::optional<int> exit_code, job_end& e)
{
    const std::string status_reason = text_at(&job, "statusReason");
    const std::string reason = first_text(containers, "reason");
    job_result& r = e.result;
    if (status_reason.starts_with(stop_reason)) {
        r.ended = job_result::state::cancelled;
        r.error = "the job was stopped";
        return;
    }
    r.ended = job_result::state::failed;
    r.error = fmt::format("the job {} failed", text_at(&job, "jobId"));
    if (!reason.empty())
        r.error += ": " + reason;
    if (!status_reason.empty())
        r.error += fmt::format("{}{}", reason.empty() ? ": " : "; ", status_reason);
    r.code = "failed";
    auto kind = kind_of(reason);
    if (!kind)
        kind = kind_of(status_reason);
    if (kind && (kind->over_exit_code || !exit_code)) {
        r.code = kind->code;
        r.retryable = kind->retryable;
    } else if (exit_code && *exit_code != 0) {
        set_exit_code(e, *exit_code);
    } else {
        e.exit_code_known = !reason.empty() || !status_reason.empty();
    }
}

} // namespace

bool has_started(std::string_view status) noexcept
{
    return status == "STARTING" || status == "RUNNING";
}

bool is_over(std::string_view status) noexcept
{
    return status == "SUCCEEDED" || status == "FAILED";
}

void set_exit_code(job_end& e, int code)
{
    e.exit_code_known = true;
    e.result.code = fmt::format("exit_{}", code);
    e.result.error += fmt::format(" with exit code {}", code);
}

std::optional<job_end> end_of(const json::object& job)
{
    const std::string status = text_at(&job, "status");
    if (!is_over(status))
        return std::nullopt;
    const auto containers = containers_of(job);
    auto exit_code = exit_code_of(containers);
    job_end e;
    e.name = text_at(&job, "jobName");
    find_log(job, containers, e);
    if (status == "FAILED") {
        judge_failure(job, containers, exit_code, e);
        return e;
    }
    // That is what SUCCEEDED means.
    if (!exit_code)
        exit_code = 0;
    e.result.output = output_of(job, exit_code, e);
    return e;
}

} // namespace potoo::aws_batch
