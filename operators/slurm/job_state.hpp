#pragma once
/// @file
/// What the states of a Slurm job mean.

#include "listing_scan.hpp"

#include <potoo/backend.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace potoo::slurm {

/// How the job ended, if it has. A job that Slurm will run again, or has not cleaned up after yet, goes on.
[[nodiscard]] std::optional<job_result> end_of(const listed_job& j, std::string_view id);

/// What people should know of a job that goes on: that it is held, runs again, or is in a state that is not known.
/// Empty when there is nothing.
[[nodiscard]] std::string notice_of(const listed_job& j, std::string_view id);

} // namespace potoo::slurm
