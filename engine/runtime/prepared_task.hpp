#pragma once
/// @file
/// What all attempts of one task share: its operator, and its templates taken apart once.

#include "engine/graph/dag.hpp"

#include <potoo/expression.hpp>
#include <potoo/json.hpp>
#include <potoo/operator.hpp>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <typeindex>
#include <utility>
#include <vector>

namespace potoo::runtime {

/// Variables for a process: name, value.
using environment = std::vector<std::pair<std::string, std::string>>;

class prepared_task
{
  public:
    /// Renders what is the same for all attempts.
    /// @param run the names of the run, in which what is upstream of the task has ended
    /// @throws fatal when the operator is not there (a plugin that is not loaded any more), or as `render_input` and
    /// `render_environment`
    prepared_task(const graph::task_spec& spec, const operator_registry& operators, const bindings& run);

    [[nodiscard]] const operator_entry& op() const noexcept { return *operator_; }

    /// All attempts have the same input: it speaks of no item and no attempt.
    [[nodiscard]] bool has_one_input() const noexcept { return input_.has_value(); }

    [[nodiscard]] bool has_one_environment() const noexcept { return environment_.has_value(); }

    /// Only when all attempts have the same.
    [[nodiscard]] const json::object& input() const noexcept { return *input_; }

    /// Only when all attempts have the same.
    [[nodiscard]] const environment& variables() const noexcept { return *environment_; }

    /// The rendered `with` without its late properties, checked against the schema. @throws fatal with everything that
    /// is wrong
    [[nodiscard]] json::object render_input(const bindings& names) const;

    /// @throws fatal
    [[nodiscard]] environment render_environment(const bindings& names) const;

    [[nodiscard]] std::optional<value_template> late(std::string_view property) const;

    /// Where attempts keep what they make once for all of them (`context::shared_by_task`).
    [[nodiscard]] std::shared_ptr<const void>& slot(std::type_index type) const { return slots_[type]; }

  private:
    const graph::task_spec& spec_;
    const operator_entry* operator_;
    std::optional<value_template> early_; ///< when attempts differ
    std::optional<json::object> input_;
    std::optional<environment> environment_;
    mutable std::map<std::type_index, std::shared_ptr<const void>> slots_;
};

} // namespace potoo::runtime
