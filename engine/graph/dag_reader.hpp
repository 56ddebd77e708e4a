#pragma once
/// @file
/// Document → dag. Internal to load.cpp.

#include "engine/graph/dag.hpp"
#include "engine/graph/field_reader.hpp"
#include "engine/graph/load.hpp"
#include "engine/graph/template_reader.hpp"

#include <potoo/operator.hpp>

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace potoo::graph {

/// Parameters: name and schema of each, in file order.
[[nodiscard]] json::object read_params(node_view params, field_reader& fields);

/// What expressions may take a parameter for.
[[nodiscard]] value_type type_of_param(const json::value& schema);

class dag_reader
{
  public:
    dag_reader(const document& d, std::string_view source, const operator_registry& operators,
               const load_options& options, diagnostic_sink& problems, dag& out);

    /// Fills in the dag. When there are problems in the sink afterwards, it is of no use.
    void read();

  private:
    using environment = std::vector<std::pair<std::string, value_template>>;

    struct task_defaults
    {
        std::optional<duration> timeout;
        std::shared_ptr<const retry_policy> retry = std::make_shared<retry_policy>();
        std::optional<pool_index> pool;
        std::int32_t priority = 0;
        std::uint32_t max_active = 0;
        bool allow_failure = false;
        trigger_rule rule = trigger_rule::all_success;
        environment env;
    };

    // dag_reader.cpp: what is common to all tasks
    void read_header();
    void read_schedule();
    void read_calendar(node_view schedule, schedule_spec& spec);
    void read_trigger(node_view trigger, schedule_spec& spec);
    void read_start_rules(schedule_spec& spec);
    std::optional<std::string> read_word(std::string_view field, node_view n, std::span<const std::string_view> known);
    void read_pools(node_view pools);
    void read_defaults(node_view defaults);

    // task_reader.cpp
    void read_tasks(node_view tasks);
    void index_tasks(node_view tasks);
    void read_task(task_index i, node_view body);
    void read_policy(node_view from, task_defaults& into, bool has_items);
    void read_upstream(task_spec& task, task_index i, node_view names);
    void read_foreach(task_spec& task, node_view items);
    void read_with(task_spec& task, std::optional<node_view> with, mark place_of_with);
    const operator_entry* read_operator(task_spec& task, node_view name);
    retry_policy read_retry(node_view n, retry_policy base);
    environment read_env(node_view n, environment base, expression_place place);
    std::optional<pool_index> read_pool(node_view n);
    std::optional<trigger_rule> read_rule(node_view n);
    void report_cycle(const std::vector<task_index>& cycle);
    void check_references();
    std::optional<task_index> find_task(std::string_view name) const;
    std::string nearest_task(std::string_view name);

    const document& document_;
    node_view root_;
    const operator_registry& operators_;
    const load_options& options_;
    diagnostic_sink& problems_;
    field_reader fields_;
    std::string_view source_;
    dag& dag_;
    task_defaults defaults_;
    std::optional<template_reader> templates_;
    std::unordered_map<std::string_view, task_index> tasks_;
    std::vector<std::string_view> operator_names_;
    std::vector<std::uint32_t> listed_by_; ///< by task: the last one that named it in `depends_on`, plus one
    std::size_t spelling_budget_;
};

} // namespace potoo::graph
