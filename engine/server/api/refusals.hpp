#pragma once
/// @file
/// What other parts of the server refuse, as problems.

#include "engine/server/api/problem.hpp"
#include "engine/server/schedules/replays.hpp"
#include "engine/server/tasks/task_request.hpp"

namespace potoo::server {

[[nodiscard]] problem problem_of(const task_refused& e);
[[nodiscard]] problem problem_of(const replay_refused& e);

} // namespace potoo::server
