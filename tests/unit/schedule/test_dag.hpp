#pragma once
// DAGs made by hand.

#include "engine/graph/dag.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace potoo::schedule::testing {

/// Adds a task named `name` behind the tasks `upstream`. The reference is good until the next call.
inline graph::task_spec& add(graph::dag& dag, std::string name, const std::vector<std::uint32_t>& upstream = {},
                             graph::trigger_rule rule = graph::trigger_rule::all_success)
{
    static const auto no_retry = std::make_shared<const graph::retry_policy>();
    const task_index self(static_cast<std::uint32_t>(dag.tasks.size()));
    for (const std::uint32_t u : upstream)
        dag.tasks[u].downstream.push_back(self);
    dag.topological_order.push_back(self);
    graph::task_spec& task = dag.tasks.emplace_back();
    task.name = std::move(name);
    task.retry = no_retry;
    task.rule = rule;
    for (const std::uint32_t u : upstream)
        task.upstream.emplace_back(u);
    return task;
}

/// The machine only asks whether there is an expression.
inline expression any_expression()
{
    return expression::compile("true", {});
}

inline void set_foreach(graph::task_spec& task, std::uint32_t max_active = 0)
{
    task.foreach = any_expression();
    task.max_active = max_active;
}

/// A retry policy, to be written with the names of its parts.
struct retries
{
    std::uint32_t limit = 0;
    duration delay{0};
    double backoff = 1;
    duration max_delay = std::chrono::hours(1);
    double jitter = 0;

    [[nodiscard]] graph::retry_policy policy() const { return {limit, delay, backoff, max_delay, jitter, {}}; }
};

inline void set_retry(graph::task_spec& task, const retries& r)
{
    task.retry = std::make_shared<const graph::retry_policy>(r.policy());
}

} // namespace potoo::schedule::testing
