#pragma once
/// @file
/// The operations by what they are about, each group in a file of its own.

#include "engine/server/api/route.hpp"

#include <array>
#include <vector>

namespace potoo::server {

[[nodiscard]] std::vector<route> system_routes();
[[nodiscard]] std::vector<route> dag_routes();
[[nodiscard]] std::vector<route> run_routes();
[[nodiscard]] std::vector<route> run_task_routes();
[[nodiscard]] std::vector<route> log_routes();
[[nodiscard]] std::vector<route> event_routes();
[[nodiscard]] std::vector<route> task_routes();
[[nodiscard]] std::vector<route> callback_routes();
[[nodiscard]] std::vector<route> pool_routes();
[[nodiscard]] std::vector<route> operator_routes();
[[nodiscard]] std::vector<route> schedule_routes();
[[nodiscard]] std::vector<route> access_routes();

inline constexpr std::array route_groups{&dag_routes,   &run_routes,      &run_task_routes, &log_routes,
                                         &event_routes, &task_routes,     &callback_routes, &schedule_routes,
                                         &pool_routes,  &operator_routes, &access_routes,   &system_routes};

} // namespace potoo::server
