#pragma once
/// @file
/// What a server's configuration says about single tasks.

#include <potoo/operator.hpp>
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

/// Operators that act on the server's own machine, as the server's own user.
inline constexpr std::array<std::string_view, 3> operators_of_this_machine{"docker", "file_sensor", "shell"};

/// Whoever may submit a task of such an operator may do what the server may: on its machine, or with credentials that
/// it was given for a connection.
[[nodiscard]] bool has_rights_of_the_server(const operator_entry& op);

struct task_rules
{
    task_retention keep{};
    /// Operators whose tasks those submit who are no admins; nothing = all without rights of the server.
    std::optional<std::vector<std::string>> users_may_submit{};
};

/// Whether those who are no admins submit tasks of that operator.
[[nodiscard]] bool lets_users_submit(const task_rules& rules, const operator_entry& op);

} // namespace potoo::server
