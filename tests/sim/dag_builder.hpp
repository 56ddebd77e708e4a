#pragma once
// Writes DAG files for simulations.

#include "scenario.hpp"

#include <potoo/json.hpp>

#include <span>
#include <string>
#include <vector>

namespace potoo::sim {

class dag_builder
{
  public:
    dag_builder(std::string name, std::span<const service_plan> services, duration request_timeout);

    /// `settings` are the keys of the task besides `operator`, `with` and `depends_on`. @return its position
    std::size_t add_job(std::size_t service, std::vector<std::size_t> parents, json::object settings = {},
                        duration poll = duration(2'000));

    std::size_t add(std::string op, json::object with, std::vector<std::size_t> parents, json::object settings = {});

    /// A key at the top level.
    void set(std::string_view key, json::value v) { dag_[key] = std::move(v); }

    [[nodiscard]] dag_plan build() &&;

  private:
    std::span<const service_plan> services_;
    duration request_timeout_;
    json::object dag_;
    json::object tasks_;
    dag_plan plan_;
};

} // namespace potoo::sim
