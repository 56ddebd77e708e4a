#include "engine/graph/params.hpp"

#include "engine/graph/describe_value.hpp"
#include "engine/graph/expression_text.hpp"
#include "engine/graph/schema_check.hpp"
#include "engine/graph/spelling.hpp"

#include <potoo/utf8.hpp>

#include <fmt/format.h>

#include <algorithm>

namespace potoo::graph {

namespace {

param_problem unknown_param(const dag& d, std::string_view name)
{
    std::vector<std::string_view> known;
    for (const auto& [declared, schema] : d.params_schema)
        known.emplace_back(declared);
    auto suggestion = nearest_spelling(name, known);
    auto message = fmt::format("{} is no parameter of the DAG", quoted(name));
    if (known.empty())
        message += ", which has none";
    else if (suggestion.empty())
        message += fmt::format("; it has {}", fmt::join(known, ", "));
    return {std::string(name), std::move(message), std::move(suggestion)};
}

void check_value(const std::string& name, const json::value& schema, const json::value& v,
                 std::vector<param_problem>& problems)
{
    for (const auto& p : compiled_schema(schema).check(v))
        problems.push_back({name, fmt::format("`{}` {}", format_path(name, p.path), p.message), p.suggestion});
}

/// The types that a schema names; empty when it names none.
std::vector<std::string_view> types_of(const json::value& schema)
{
    std::vector<std::string_view> types;
    const auto* o = schema.if_object();
    const auto* type = o ? o->if_contains("type") : nullptr;
    if (type && type->is_string())
        types.emplace_back(type->get_string());
    if (type && type->is_array())
        for (const auto& t : type->get_array())
            if (t.is_string())
                types.emplace_back(t.get_string());
    return types;
}

bool only_strings(const json::value& schema)
{
    const auto* values = schema.get_object().if_contains("enum");
    return values && values->is_array() &&
           std::all_of(values->get_array().begin(), values->get_array().end(),
                       [](const auto& v) { return v.is_string(); });
}

std::string form_of(std::string_view type)
{
    if (type == "integer")
        return "a whole number";
    if (type == "number")
        return "a number";
    if (type == "boolean")
        return "true or false";
    if (type == "array")
        return "a list in JSON, such as [\"a\", \"b\"]";
    if (type == "object")
        return "a map in JSON, such as {\"key\": \"value\"}";
    return std::string(type);
}

} // namespace

params_result check_params(const dag& d, const json::object& given)
{
    params_result result;
    for (const auto& [name, value] : given)
        if (!d.params_schema.contains(name))
            result.problems.push_back(unknown_param(d, name));
    for (const auto& [key, schema] : d.params_schema) {
        const std::string name(key);
        const auto* own = given.if_contains(key);
        const auto* otherwise = schema.get_object().if_contains("default");
        if (own)
            check_value(name, schema, *own, result.problems);
        else if (!otherwise)
            result.problems.push_back(
                {name, fmt::format("`{}` must be given: it has no default (`-p {}=…`)", name, name), {}});
        if (own || otherwise)
            result.values.emplace(key, own ? *own : *otherwise);
    }
    return result;
}

param_value parse_param(const dag& d, std::string_view name, std::string_view text)
{
    param_value result;
    const auto* schema = d.params_schema.if_contains(json::string_view(name.data(), name.size()));
    if (!schema) {
        result.problems.push_back(unknown_param(d, name));
        return result;
    }
    if (const auto bad = find_invalid_utf8(text)) {
        result.problems.push_back(
            {std::string(name), fmt::format("`{}` is no text: its byte {} is not valid UTF-8", name, *bad + 1), {}});
        return result;
    }
    const json::value as_text(json::string_view(text.data(), text.size()));
    const auto types = types_of(*schema);
    const bool may_be_text = types.empty() || std::find(types.begin(), types.end(), "string") != types.end();
    if ((may_be_text && types.size() == 1) || (types.empty() && only_strings(*schema))) {
        result.value = as_text;
        return result;
    }
    boost::system::error_code ec;
    auto parsed = json::parse(json::string_view(text.data(), text.size()), ec);
    if (!may_be_text && ec) {
        std::vector<std::string> forms;
        for (const auto type : types)
            forms.push_back(form_of(type));
        result.problems.push_back({std::string(name),
                                   fmt::format("`{}` must be {}, not {}", name, fmt::join(forms, " or "), quoted(text)),
                                   {}});
        return result;
    }
    const bool better_as_text =
        may_be_text && (ec || parsed.is_string() || !compiled_schema(*schema).check(parsed).empty());
    result.value = better_as_text ? as_text : std::move(parsed);
    return result;
}

} // namespace potoo::graph
