#include "engine/runtime/prepared_task.hpp"

#include "engine/graph/schema_check.hpp"

#include <potoo/error.hpp>

#include <algorithm>
#include <array>

namespace potoo::runtime {
namespace {

/// Names that are not the same for all attempts of a task.
constexpr std::array<std::string_view, 4> names_of_an_attempt{"item", "item_index", "attempt", "launch_token"};

bool differs_by_attempt(const value_template& t)
{
    if (t.is_constant())
        return false;
    const std::vector<expression> all = t.expressions();
    return std::any_of(all.begin(), all.end(), [](const expression& e) {
        return std::any_of(names_of_an_attempt.begin(), names_of_an_attempt.end(),
                           [&](std::string_view name) { return e.mentions(name); });
    });
}

json::object checked(const operator_entry& op, json::value rendered)
{
    if (rendered.is_null())
        rendered = json::object();
    const std::vector<std::string> problems = graph::check_with(op, rendered);
    if (!problems.empty()) {
        std::string all;
        for (const std::string& p : problems)
            all += (all.empty() ? "" : "; ") + p;
        throw fatal(all, "invalid_input");
    }
    return std::move(rendered.as_object());
}

std::string as_text(const json::value& v)
{
    if (v.is_null())
        return {};
    return v.is_string() ? std::string(v.as_string()) : json::serialize(v);
}

/// Without the late properties.
json::object render(const operator_entry& op, const value_template& early, const bindings& names)
{
    try {
        return checked(op, early.render(names));
    } catch (const expression_error& e) {
        throw fatal("with: " + std::string(e.what()), "expression");
    }
}

} // namespace

prepared_task::prepared_task(const graph::task_spec& spec, const operator_registry& operators, const bindings& run)
    : spec_(spec), operator_(operators.find(spec.operator_name))
{
    if (!operator_)
        throw fatal("there is no operator `" + spec.operator_name + "`: is its plugin loaded?", "unknown_operator");
    value_template early = operator_->late.empty() ? spec.with : spec.with.without(operator_->late);
    if (differs_by_attempt(early))
        early_ = std::move(early);
    else
        input_ = render(*operator_, early, run);
    const bool differs = std::any_of(spec.env.begin(), spec.env.end(),
                                     [](const auto& variable) { return differs_by_attempt(variable.second); });
    if (!differs)
        environment_ = render_environment(run);
}

json::object prepared_task::render_input(const bindings& names) const
{
    return render(*operator_, *early_, names);
}

environment prepared_task::render_environment(const bindings& names) const
{
    environment result;
    result.reserve(spec_.env.size());
    for (const auto& [name, value] : spec_.env) {
        try {
            result.emplace_back(name, as_text(value.render(names)));
        } catch (const expression_error& e) {
            throw fatal("env." + name + ": " + e.what(), "expression");
        }
    }
    return result;
}

std::optional<value_template> prepared_task::late(std::string_view property) const
{
    if (std::find(operator_->late.begin(), operator_->late.end(), property) == operator_->late.end())
        return std::nullopt;
    return spec_.with.member(property);
}

} // namespace potoo::runtime
