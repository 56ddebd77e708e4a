#pragma once
/// @file
/// The DAG of an ad-hoc task: one task, whose name is `task`.

#include "engine/graph/dag.hpp"
#include "engine/server/tasks/task_request.hpp"

#include <potoo/operator.hpp>

#include <memory>

namespace potoo::server {

/// It is called `task.OPERATOR`. @throws task_refused with the place of every problem
[[nodiscard]] std::shared_ptr<const graph::dag> make_one_task_dag(const task_request& wish,
                                                                  const operator_registry& operators);

} // namespace potoo::server
