#pragma once
/// @file
/// The DAGs that a server may start runs of, as schedules see them.

#include "engine/graph/dag.hpp"

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace potoo::server {

struct startable_dag
{
    std::string name;
    std::shared_ptr<const graph::dag> dag; ///< the last good version, never null
    bool paused = false;
};

class dag_source
{
  public:
    dag_source() = default;
    dag_source(const dag_source&) = delete;
    dag_source& operator=(const dag_source&) = delete;
    virtual ~dag_source() = default;

    /// In order of name.
    [[nodiscard]] virtual std::vector<startable_dag> startable() const = 0;

    /// `dag` is null when there is none of that name.
    [[nodiscard]] virtual startable_dag startable(std::string_view name) const = 0;

    /// Whether every file has its DAG, so that one that is not there is gone, and not only broken or yet to come.
    [[nodiscard]] virtual bool is_whole() const = 0;

    /// Called after every change, on the loop; in the order in which they were added.
    virtual void on_change(std::function<void()> listener) = 0;
};

} // namespace potoo::server
