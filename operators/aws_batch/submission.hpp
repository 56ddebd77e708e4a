#pragma once
/// @file
/// What SubmitJob is sent: the task's `with` as AWS Batch takes it.

#include "job_watch.hpp"

#include <potoo/context.hpp>
#include <potoo/json.hpp>

#include <cstddef>
#include <optional>
#include <string>

namespace potoo::aws_batch {

/// @throws fatal when a duration is misspelt
[[nodiscard]] task_description read_description(const json::object& with);

/// The tag by which a job tells whose it is.
inline constexpr std::string_view token_tag = "potoo:token";

struct array_part
{
    std::size_t first = 0; ///< item
    std::size_t size = 0;  ///< 1: a plain job
};

/// @param name the job's
/// @param token what its tag says
[[nodiscard]] json::object submission_of(context& ctx, const std::string& name, const std::string& token,
                                         std::optional<array_part> part);

} // namespace potoo::aws_batch
