#pragma once
/// @file
/// A job's log, from CloudWatch to the task's.

#include "batch_service.hpp"

#include <potoo/context.hpp>
#include <potoo/job_log.hpp>

#include <string>

namespace potoo::aws_batch {

/// Copies the whole stream. @throws failure, fatal
[[nodiscard]] task<> copy_log(context& ctx, batch_service& s, std::string group, std::string stream, job_log& to);

} // namespace potoo::aws_batch
