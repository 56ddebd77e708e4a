#include "engine/graph/dag_reader.hpp"
#include "engine/graph/describe_value.hpp"
#include "engine/graph/schema_check.hpp"
#include "engine/graph/schema_place.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace potoo::graph {

namespace {

constexpr std::array<std::string_view, 7> type_names{"string", "integer", "number", "boolean",
                                                     "array",  "object",  "null"};

constexpr synonym type_synonyms[] = {{"str", "string"},   {"text", "string"},   {"int", "integer"},
                                     {"float", "number"}, {"double", "number"}, {"bool", "boolean"},
                                     {"list", "array"},   {"map", "object"},    {"dict", "object"}};

constexpr std::array<std::string_view, 36> keywords{
    "type",
    "description",
    "default",
    "enum",
    "const",
    "title",
    "examples",
    "pattern",
    "format",
    "minLength",
    "maxLength",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "items",
    "additionalItems",
    "minItems",
    "maxItems",
    "uniqueItems",
    "contains",
    "properties",
    "required",
    "additionalProperties",
    "patternProperties",
    "propertyNames",
    "minProperties",
    "maxProperties",
    "dependencies",
    "anyOf",
    "allOf",
    "oneOf",
    "not",
    "readOnly",
    "writeOnly",
};

constexpr synonym keyword_synonyms[] = {
    {"help", "description"}, {"doc", "description"}, {"choices", "enum"},         {"options", "enum"},
    {"values", "enum"},      {"one_of", "enum"},     {"min", "minimum"},          {"max", "maximum"},
    {"regex", "pattern"},    {"value", "default"},   {"min_length", "minLength"}, {"max_length", "maxLength"},
};

/// Keywords whose value is a schema, or a list of them.
constexpr std::array<std::string_view, 12> with_schemas{"items",         "additionalItems",
                                                        "contains",      "additionalProperties",
                                                        "propertyNames", "anyOf",
                                                        "allOf",         "oneOf",
                                                        "not",           "if",
                                                        "then",          "else"};

bool is_in(std::string_view word, std::span<const std::string_view> words)
{
    return std::find(words.begin(), words.end(), word) != words.end();
}

void check_type_name(node_view n, field_reader& fields)
{
    if (n.is_string() && is_in(n.text(), type_names))
        return;
    fields.problem(n.where(),
                   fmt::format("{} is no type; known: {}", n.is_string() ? quoted(n.text()) : n.describe(),
                               fmt::join(type_names, ", ")),
                   n.is_string() ? nearest_spelling(n.text(), type_names, type_synonyms) : std::string());
}

void check_keywords(node_view schema, field_reader& fields);

void check_schemas(node_view n, field_reader& fields)
{
    if (n.is_map())
        check_keywords(n, fields);
    for (std::size_t i = 0; n.is_list() && i < n.size(); ++i)
        check_schemas(n.element(i), fields);
}

void check_keyword(node_view key, node_view value, field_reader& fields)
{
    const auto word = key.text();
    if (word == "type") {
        for (std::size_t i = 0; i < (value.is_list() ? value.size() : 1); ++i)
            check_type_name(value.is_list() ? value.element(i) : value, fields);
    } else if (word == "properties" || word == "patternProperties") {
        for (std::size_t i = 0; value.is_map() && i < value.size(); ++i)
            check_schemas(value.value(i), fields);
    } else if (word == "required" && !value.is_list())
        fields.problem(key.where(),
                       "`required` is a list of the properties that must be there; a parameter without `default` "
                       "must be given anyway");
    else if (is_in(word, with_schemas))
        check_schemas(value, fields);
    else if (word == "$ref")
        fields.problem(key.where(), "`$ref` cannot be used in `params`: write the schema out, or use a YAML alias");
    else if (!is_in(word, keywords) && !word.starts_with("x-"))
        fields.problem(key.where(), fmt::format("{} is no keyword of JSON Schema", quoted(word)),
                       nearest_spelling(word, keywords, keyword_synonyms));
}

void check_keywords(node_view schema, field_reader& fields)
{
    for (std::size_t i = 0; i < schema.size(); ++i)
        check_keyword(schema.key(i), schema.value(i), fields);
}

void check_param(std::string_view name, node_view schema, const json::value& v, field_reader& fields)
{
    try {
        const compiled_schema compiled(v);
        const auto value = schema.find("default");
        if (!value)
            return;
        for (const auto& p : compiled.check(value->to_json()))
            fields.problem(place_of(schema.place_of_key("default"), *value, p),
                           fmt::format("the default does not match the schema: `{}` {}",
                                       format_path(fmt::format("params.{}.default", name), p.path), p.message),
                           p.suggestion);
    } catch (const schema_error& e) {
        fields.problem(schema.where(), fmt::format("`params.{}` is no JSON Schema: {}", name, e.what()));
    }
}

} // namespace

json::object read_params(node_view params, field_reader& fields)
{
    json::object schemas;
    if (!fields.is_map("params", params, "params: {cohort: {type: string}}"))
        return schemas;
    for (std::size_t i = 0; i < params.size(); ++i) {
        const auto name = params.key(i).text();
        const auto schema = params.value(i);
        fields.check_name("parameter", params.key(i));
        auto value = schema.to_json();
        if (!schema.is_map()) {
            const bool is_type = schema.is_string() && is_in(schema.text(), type_names);
            fields.problem(schema.where(),
                           fmt::format("`params.{}` must be a JSON Schema, not {}: `{}: {{type: string}}`", name,
                                       schema.describe(), name),
                           is_type ? fmt::format("{{type: {}}}", schema.text()) : std::string());
            value = json::object();
        } else {
            const auto before = fields.problems_so_far();
            check_keywords(schema, fields);
            if (fields.problems_so_far() == before)
                check_param(name, schema, value, fields);
        }
        schemas.emplace(json::string_view(name.data(), name.size()), std::move(value));
    }
    return schemas;
}

value_type type_of_param(const json::value& schema)
{
    const auto* o = schema.if_object();
    const auto* type = o ? o->if_contains("type") : nullptr;
    const auto* name = type ? type->if_string() : nullptr;
    if (!name)
        return value_type::any;
    if (*name == "string")
        return value_type::string;
    if (*name == "integer" || *name == "number")
        return value_type::number;
    if (*name == "boolean")
        return value_type::boolean;
    if (*name == "array")
        return value_type::array;
    if (*name == "object")
        return value_type::object;
    return value_type::any;
}

} // namespace potoo::graph
