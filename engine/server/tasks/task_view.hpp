#pragma once
/// @file
/// A single task as people see it.

#include "engine/server/tasks/task_request.hpp"

#include <potoo/json.hpp>
#include <potoo/time.hpp>

#include <optional>
#include <string>
#include <vector>

namespace potoo::server {

struct task_view
{
    std::string id; ///< of its run, too
    std::string operator_name;
    std::string name;
    std::string key;
    task_scope scope = task_scope::private_;
    std::string owner; ///< who submitted it first; empty = the local user
    std::vector<std::string> subscribers;
    wall_time created{};
    std::optional<wall_time> ended{};
    std::string state; ///< `running`, `cancelling`, then a run's final state
    double fraction = 0;
    std::string message; ///< of its progress
    json::object properties;
};

/// The members of `task_view`; times as RFC 3339, `progress` = {fraction, message}, names as `principal::shown`,
/// without what is empty.
[[nodiscard]] json::object to_json(const task_view& v);

} // namespace potoo::server
