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

class prepared_task
{
  public:
    /// @throws fatal when the operator is not there (a plugin that is not loaded any more)
    prepared_task(const graph::task_spec& spec, const operator_registry& operators);

    [[nodiscard]] const operator_entry& op() const noexcept { return *operator_; }

    /// The rendered `with` without its late properties, checked against the schema. Attempts share it if it is the same
    /// for all.
    /// @throws fatal with everything that is wrong
    [[nodiscard]] std::shared_ptr<const json::object> render_input(const bindings& names) const;

    /// @throws fatal
    [[nodiscard]] std::vector<std::pair<std::string, std::string>> render_environment(const bindings& names) const;

    [[nodiscard]] std::optional<value_template> late(std::string_view property) const;

    /// All attempts have the same input.
    [[nodiscard]] bool is_constant() const noexcept { return constant_ != nullptr; }

    /// Where attempts keep what they make once for all of them (`context::shared_by_task`).
    [[nodiscard]] std::shared_ptr<const void>& slot(std::type_index type) const { return slots_[type]; }

  private:
    const graph::task_spec& spec_;
    const operator_entry* operator_;
    value_template early_;
    std::shared_ptr<const json::object> constant_;
    mutable std::map<std::type_index, std::shared_ptr<const void>> slots_;
};

} // namespace potoo::runtime
