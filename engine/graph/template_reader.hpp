#pragma once
/// @file
/// Compiles the expressions of a DAG file, each with the names that may be used where it stands.

#include "engine/graph/document.hpp"
#include "engine/graph/source_places.hpp"

#include <potoo/expression.hpp>
#include <potoo/operator.hpp>

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace potoo::graph {

/// Where an expression stands.
enum class expression_place : std::uint8_t
{
    dag_env,
    connection,
    when,
    foreach,
    key,
    with,
    task_env,
};

/// A task that an expression speaks of.
struct task_reference
{
    task_index from;
    task_index to;
    const node* text; ///< the string that holds the expression
};

class template_reader
{
  public:
    /// What is there to be named, shared by all expressions of the file.
    struct known_names
    {
        std::vector<std::pair<std::string, value_type>> params;
        std::vector<std::string> secrets;
        bool any_secret = false;       ///< others than `secrets` are there too
        bool of_configuration = false; ///< and not of a DAG: there are no `params`
        /// @return nothing when there is no such task
        std::function<std::optional<task_index>(std::string_view)> find_task;
        std::function<std::string(std::string_view)> nearest_task;
    };

    template_reader(std::string_view source, const document& d, known_names known, diagnostic_sink& problems);

    /// Says which task is read from now on, and whether it has items.
    void enter_task(task_index task, bool has_items);

    /// A string that must be one whole `${{ … }}`. @param wanted what it may yield, `any` not named
    std::optional<expression> read_expression(std::string_view field, node_view n, expression_place place,
                                              std::vector<value_type> wanted);

    /// Any value; problems are reported and leave a constant behind.
    value_template read_value(node_view n, expression_place place);

    /// A `with`: the operator's late properties may use its late names. @param op may be null
    value_template read_with(node_view n, const operator_entry* op);

    [[nodiscard]] bool holds_expression(node_view n) const;

    [[nodiscard]] const std::vector<task_reference>& references() const noexcept { return references_; }

    /// Where `tasks.NAME` stands in the text of a reference.
    [[nodiscard]] mark place_of(const task_reference& r, std::string_view name);

  private:
    const expression_names& names_for(expression_place place, const operator_entry* late);
    void allow_secrets(expression_names& names) const;
    expression_names make_names(expression_place place, const operator_entry* late);
    value_template compile(node_view n, expression_place place, const expression_names& names);
    value_template compile_text(node_view n, expression_place place, const expression_names& names);
    void report(node_view n, std::size_t shift, expression_place place, const expression_error& e);
    [[nodiscard]] std::string why_unknown(std::string_view name, expression_place place) const;
    expression_names::member_answer ask_task(std::string_view name);

    const document& document_;
    diagnostic_sink& problems_;
    source_places places_;
    known_names known_;
    std::map<std::pair<int, const operator_entry*>, expression_names> names_;
    std::vector<task_reference> references_;
    task_index task_{};
    bool has_items_ = false;
    const node* current_text_ = nullptr;
};

} // namespace potoo::graph
