#include "engine/graph/schema_check.hpp"

#include "engine/graph/describe_value.hpp"
#include "engine/graph/schema_walk.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <mutex>
#include <unordered_map>

namespace potoo::graph {

namespace {

bool is_identifier(std::string_view s)
{
    const auto word = [](char c) {
        return c == '_' || c == '-' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    };
    return !s.empty() && std::all_of(s.begin(), s.end(), word);
}

/// Keywords whose value is data, not a schema.
bool holds_data(std::string_view keyword)
{
    return keyword == "enum" || keyword == "const" || keyword == "default" || keyword == "examples";
}

void add_pattern(schema_facts& facts, const std::string& pattern)
{
    try {
        facts.patterns.try_emplace(pattern, pattern);
    } catch (const std::exception& e) {
        throw schema_error(fmt::format("{} is no regular expression: {}", quoted(pattern), e.what()));
    }
}

void gather(schema_facts& facts, const json::value& schema);

void gather_keyword(schema_facts& facts, std::string_view keyword, const json::value& value)
{
    if (keyword == "pattern" && value.is_string())
        add_pattern(facts, std::string(value.get_string()));
    if (keyword == "patternProperties" && value.is_object())
        for (const auto& member : value.get_object())
            add_pattern(facts, std::string(member.key()));
    if (keyword == "enum" && value.is_array())
        facts.enumerations.push_back(value.get_array());
    if (keyword == "const")
        facts.enumerations.push_back(json::array({value}));
    if (!holds_data(keyword))
        gather(facts, value);
}

/// Collects what valijson's constraints do not show of themselves.
void gather(schema_facts& facts, const json::value& schema)
{
    if (const auto* elements = schema.if_array())
        for (const auto& element : *elements)
            gather(facts, element);
    if (const auto* members = schema.if_object())
        for (const auto& member : *members)
            gather_keyword(facts, member.key(), member.value());
}

} // namespace

std::string format_path(std::string_view root, const std::vector<path_step>& path)
{
    std::string out(root);
    for (const auto& step : path) {
        if (const auto* index = std::get_if<std::size_t>(&step))
            out += fmt::format("[{}]", *index);
        else if (const auto& name = std::get<std::string>(step); is_identifier(name))
            out += (out.empty() ? "" : ".") + name;
        else
            out += fmt::format("['{}']", name);
    }
    return out;
}

compiled_schema::compiled_schema(const json::value& schema)
{
    if (!schema.is_object())
        throw schema_error("a JSON Schema is a map, this is " + describe(schema));
    auto made = std::make_shared<state>();
    gather(made->facts, schema);
    try {
        valijson::SchemaParser parser(valijson::SchemaParser::kDraft7);
        parser.populateSchema(valijson::adapters::BoostJsonAdapter(schema), made->schema);
    } catch (const std::exception& e) {
        throw schema_error(e.what());
    }
    state_ = std::move(made);
}

std::vector<schema_problem> compiled_schema::check(const json::value& v, expressions e,
                                                   std::span<const std::string> late, std::size_t most) const
{
    schema_walk walk(state_->facts, e, late, most);
    return walk.run(state_->schema, v);
}

std::vector<std::string> check_with(const operator_entry& op, const json::value& rendered)
{
    std::vector<std::string> messages;
    for (const auto& p : schema_of(op).check(rendered, expressions::absent, op.late)) {
        auto message = format_path("with", p.path) + ": " + p.message;
        if (!p.suggestion.empty())
            message += "; did you mean " + quoted(p.suggestion) + "?";
        messages.push_back(std::move(message));
    }
    return messages;
}

const compiled_schema& schema_of(const operator_entry& op)
{
    static std::mutex guard;
    static std::unordered_map<const operator_entry*, std::pair<json::value, compiled_schema>> compiled;
    const std::lock_guard lock(guard);
    const auto found = compiled.find(&op);
    // An entry at the same address may be of another registry that came later.
    if (found != compiled.end() && found->second.first == op.schema)
        return found->second.second;
    return compiled.insert_or_assign(&op, std::pair(op.schema, compiled_schema(op.schema))).first->second.second;
}

} // namespace potoo::graph
