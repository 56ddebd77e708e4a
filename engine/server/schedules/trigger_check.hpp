#pragma once
/// @file
/// Whether DAGs that follow others make sense together.

#include "engine/server/dags/dag_source.hpp"

#include <map>
#include <string>
#include <vector>

namespace potoo::server {

struct trigger_problem
{
    std::string text;
    bool endless = false; ///< DAGs that follow each other: their runs would never end

    friend bool operator==(const trigger_problem&, const trigger_problem&) = default;
};

/// @return by name of the DAG that follows
[[nodiscard]] std::map<std::string, trigger_problem, std::less<>>
check_triggers(const std::vector<startable_dag>& dags);

} // namespace potoo::server
