#pragma once
/// @file
/// What a server's configuration says about single tasks.

#include <potoo/time.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace potoo::server {

/// Which tasks that have ended are kept: those that both rules keep.
struct task_retention
{
    std::size_t count = 10'000;
    duration age{std::chrono::hours(24 * 30)};
};

/// Operators that act on the server's own machine, or elsewhere with credentials that were given to the server, by its
/// environment or in a connection: whoever may submit these may do what the server may.
inline constexpr std::array<std::string_view, 11> operators_with_rights_of_the_server{
    "aws_batch", "docker", "file_sensor", "http_job", "kubernetes_job", "notify_sensor",
    "s3_sensor", "shell",  "slurm",       "sql",      "sql_sensor"};

struct task_rules
{
    task_retention keep{};
    /// Operators whose tasks those submit who are no admins; nothing = all but
    /// `operators_with_rights_of_the_server`.
    std::optional<std::vector<std::string>> users_may_submit{};
};

/// Whether those who are no admins submit tasks of that operator.
[[nodiscard]] bool lets_users_submit(const task_rules& rules, std::string_view operator_name);

} // namespace potoo::server
