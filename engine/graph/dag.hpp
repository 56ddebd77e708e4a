#pragma once
/// @file
/// A DAG as the engine uses it: validated, indexed, immutable. Made by `load_dag` (load.hpp) from a YAML or JSON file.

#include <potoo/expression.hpp>
#include <potoo/ids.hpp>
#include <potoo/json.hpp>
#include <potoo/time.hpp>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace potoo::graph {

/// When a task may start, by how its direct upstream tasks ended.
enum class trigger_rule : std::uint8_t
{
    all_success,
    all_done,
    all_failed,
    all_skipped,
    one_success,
    one_failed,
    one_done,
    none_failed,
    none_failed_min_one_success,
    none_skipped,
    always,
};

/// As in the DAG file: `all_success`, …
[[nodiscard]] std::string_view to_string(trigger_rule rule) noexcept;

/// @return nothing when `text` names no trigger rule
[[nodiscard]] std::optional<trigger_rule> parse_trigger_rule(std::string_view text) noexcept;

/// In the order of the enumeration.
[[nodiscard]] std::span<const std::string_view> trigger_rule_names() noexcept;

/// What to do about a failed attempt.
struct retry_policy
{
    std::uint32_t limit = 0;       ///< further attempts after the first
    duration delay{0};             ///< before the first further attempt
    double backoff = 1;            ///< factor on the delay from one attempt to the next, ≥ 1
    duration max_delay{3'600'000}; ///< the delay never grows beyond
    double jitter = 0;             ///< 0…1: the delay varies by up to this fraction either way
    std::vector<std::string> on;   ///< `failed`, `timed_out`, or failure codes; empty = failed and timed_out
};

/// Place in the source file, both from 1.
struct mark
{
    std::uint32_t line = 0;
    std::uint32_t column = 0;
};

struct task_spec
{
    std::string name;
    std::string description;
    std::string operator_name;
    mark where;
    std::vector<task_index> upstream;   ///< in the order of `depends_on`, without repeats
    std::vector<task_index> downstream; ///< ascending
    trigger_rule rule = trigger_rule::all_success;
    bool allow_failure = false;
    std::int32_t priority = 0;    ///< larger starts first
    std::uint32_t max_active = 0; ///< items in flight at once; 0 = no limit
    std::optional<pool_index> pool;
    std::shared_ptr<const retry_policy> retry; ///< never null
    std::optional<duration> timeout;           ///< of one attempt
    std::optional<expression> when;
    std::optional<expression> foreach; ///< yields an array (its elements are the items) or an object ({key, value}); a
                                       ///< literal became `from_json('…')`
    std::optional<expression> key;     ///< yields a string or number, unique among the items
    value_template with;               ///< rendered at the start of an attempt, but for the operator's late fields
    std::vector<std::pair<std::string, value_template>> env; ///< the DAG's `env` with the task's own laid over it
};

struct pool_spec
{
    std::string name;
    std::uint32_t slots = 0; ///< attempts in flight at once, ≥ 1
};

/// Where a secret comes from.
struct secret_source
{
    enum class kind : std::uint8_t
    {
        environment,
        file,
        command,
    };

    std::string name;
    kind from = kind::environment;
    std::vector<std::string> argument; ///< variable name, path, or argument list
};

struct connection_spec
{
    std::string name;
    std::string type;
    value_template settings; ///< without `type`; may refer to `secrets` and `params`
};

/// How tasks reach the outside.
struct outside_spec
{
    std::vector<secret_source> secrets;
    std::vector<connection_spec> connections;
};

/// When a server starts runs of its own accord: `schedule`, `trigger` and what goes with them. Validated here, used by
/// the server.
struct schedule_spec
{
    std::string expression;            ///< empty = by `trigger` only
    std::string timezone = "UTC";      ///< name of the tz database
    std::vector<std::string> after;    ///< the success of a run of any of these DAGs starts one
    std::string overlap = "skip";      ///< `skip`, `queue` or `cancel_running`
    std::string catchup = "latest";    ///< of times that were missed: `none`, `latest` or `all`
    std::uint32_t max_active_runs = 1; ///< from here on `overlap` decides
    duration jitter{0};                ///< a run begins up to so much later than its time
};

struct dag
{
    std::string name;
    std::string description;
    std::string source;         ///< the file's text, kept in the journal so that a run can be resumed without the file
    std::string source_name;    ///< for messages
    std::uint64_t hash = 0;     ///< of `source` (FNV-1a, 64 bit)
    json::object params_schema; ///< one JSON Schema per parameter, in file order; `default` in it is the default value
    std::vector<task_spec> tasks;
    std::vector<task_index> topological_order;
    std::vector<pool_spec> pools;
    std::vector<secret_source> secrets;
    std::vector<connection_spec> connections;
    std::vector<std::string> plugins;
    std::optional<schedule_spec> schedule;
    std::optional<duration> deadline; ///< of the whole run
    bool fail_fast = false;

    [[nodiscard]] const task_spec& operator[](task_index i) const { return tasks[i.value()]; }

    /// @return nothing when no task has that name. O(log n).
    [[nodiscard]] std::optional<task_index> find(std::string_view task_name) const;

    std::map<std::string, task_index, std::less<>> by_name;
};

} // namespace potoo::graph
