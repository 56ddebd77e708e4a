#pragma once
/// @file
/// What DescribeJobs says of a job that has ended.

#include <potoo/backend.hpp>
#include <potoo/json.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace potoo::aws_batch {

/// The reason that potoo gives for stopping a job, by which its end is known.
inline constexpr std::string_view stop_reason = "stopped by potoo";

struct job_end
{
    job_result result;
    bool exit_code_known = true; ///< false: a failed job of which DescribeJobs tells neither exit code nor reason
    std::string name;            ///< the job's
    std::string log_group;
    std::string log_stream; ///< empty: CloudWatch has no log of it
    std::string log_note;   ///< why not, when that is to be said
};

/// @return nothing while the job goes on
[[nodiscard]] std::optional<job_end> end_of(const json::object& job);

/// The job's state has come to where a container was begun for it, and not to its end.
[[nodiscard]] bool has_started(std::string_view status) noexcept;

[[nodiscard]] bool is_over(std::string_view status) noexcept;

/// Makes the exit code known that was learnt elsewhere.
void set_exit_code(job_end& e, int code);

/// What a `statusReason` or container `reason` means.
struct failure_kind
{
    std::string_view code;
    bool retryable = true;
    bool over_exit_code = false; ///< it says more than the exit code
};

/// @return nothing for a text that is not known
[[nodiscard]] std::optional<failure_kind> kind_of(std::string_view reason);

} // namespace potoo::aws_batch
