#pragma once
/// @file
/// What the API's objects say of how a job goes: Jobs tell that it has ended, their pods how.

#include <potoo/backend.hpp>
#include <potoo/json.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace potoo::kubernetes {

/// Where a job is: what the journal keeps as its id, `namespace/name/uid`. Points into the id.
struct job_place
{
    std::string_view name_space;
    std::string_view name;
    std::string_view uid;

    /// @return nothing when `id` is none of ours
    [[nodiscard]] static std::optional<job_place> of(std::string_view id);
};

/// The id of a Job that the API showed.
[[nodiscard]] job_id id_of(const json::value& job);

/// @return nothing while the job goes on
[[nodiscard]] std::optional<job_result> end_of_job(const json::value& job);

/// A pod of this job whose end tells of the job's, and the container in it.
struct decisive_container
{
    const json::value* pod = nullptr;
    std::string_view container; ///< empty when the pod has none
};

/// Among the pods of a job that has ended: the last that failed, of a job that did not succeed; else the last.
[[nodiscard]] decisive_container decisive_of(const json::array& pods, std::string_view uid, bool succeeded);

/// Adds to the end of a job what only the pod tells: exit code, reason, where it ran.
void tell_of_pod(job_result& ended, const decisive_container& where);

/// Why a pod does not start, as far as it cannot go on so by itself; empty when it is merely slow, or runs.
[[nodiscard]] std::string start_trouble(const json::value& pod);

/// Something of it runs, or may run yet.
[[nodiscard]] bool may_run(const json::value& pod);

} // namespace potoo::kubernetes
