#include "engine/runtime/prepared_task.hpp"

#include "engine/graph/schema_check.hpp"

#include <potoo/error.hpp>

#include <algorithm>

namespace potoo::runtime {
namespace {

std::shared_ptr<const json::object> checked(const operator_entry& op, json::value rendered)
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
    return std::make_shared<const json::object>(std::move(rendered.as_object()));
}

std::string as_text(const json::value& v)
{
    if (v.is_null())
        return {};
    return v.is_string() ? std::string(v.as_string()) : json::serialize(v);
}

} // namespace

prepared_task::prepared_task(const graph::task_spec& spec, const operator_registry& operators)
    : spec_(spec), operator_(operators.find(spec.operator_name))
{
    if (!operator_)
        throw fatal("there is no operator `" + spec.operator_name + "`: is its plugin loaded?", "unknown_operator");
    early_ = spec.with.without(operator_->late);
    if (early_.is_constant())
        constant_ = checked(*operator_, early_.render(bindings()));
}

std::shared_ptr<const json::object> prepared_task::render_input(const bindings& names) const
{
    if (constant_)
        return constant_;
    try {
        return checked(*operator_, early_.render(names));
    } catch (const expression_error& e) {
        throw fatal("with: " + std::string(e.what()), "expression");
    }
}

std::vector<std::pair<std::string, std::string>> prepared_task::render_environment(const bindings& names) const
{
    std::vector<std::pair<std::string, std::string>> result;
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
