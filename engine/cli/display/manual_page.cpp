#include "engine/cli/display/manual_page.hpp"

#include "engine/cli/display/text_width.hpp"
#include "engine/graph/describe_value.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <vector>

namespace potoo::cli {

namespace {

constexpr std::size_t indent_step = 4;
constexpr int deepest = 8; ///< a schema may refer to itself

std::string_view text_of(const json::object& schema, std::string_view key)
{
    const auto* v = schema.if_contains(json::string_view(key.data(), key.size()));
    return v && v->is_string() ? std::string_view(v->get_string().data(), v->get_string().size()) : std::string_view();
}

std::string wrapped(std::string_view text, std::size_t indent, std::size_t width)
{
    std::string out;
    std::string line;
    const auto end_line = [&] {
        if (!line.empty())
            out += std::string(indent, ' ') + line + '\n';
        line.clear();
    };
    while (!text.empty()) {
        const auto end = text.find_first_of(" \n");
        const auto word = text.substr(0, end);
        if (!line.empty() && indent + width_of(line) + 1 + width_of(word) > width)
            end_line();
        if (!word.empty())
            line += (line.empty() ? "" : " ") + std::string(word);
        if (end != std::string_view::npos && text[end] == '\n')
            end_line();
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    }
    end_line();
    return out;
}

std::string joined(const std::vector<std::string>& parts, std::string_view separator)
{
    return fmt::format("{}", fmt::join(parts, separator));
}

std::string type_text(const json::object& schema);

std::string alternatives_text(const json::array& alternatives)
{
    std::vector<std::string> parts;
    for (const auto& a : alternatives)
        if (a.is_object())
            if (auto t = type_text(a.get_object());
                !t.empty() && std::find(parts.begin(), parts.end(), t) == parts.end())
                parts.push_back(std::move(t));
    return joined(parts, " or ");
}

std::string type_text(const json::object& schema)
{
    if (const auto* values = schema.if_contains("enum"); values && values->is_array()) {
        std::vector<std::string> parts;
        for (const auto& v : values->get_array())
            parts.push_back(v.is_string() ? std::string(v.get_string()) : graph::written(v));
        return joined(parts, " | ");
    }
    if (const auto* value = schema.if_contains("const"))
        return value->is_string() ? std::string(value->get_string()) : graph::written(*value);
    for (const char* key : {"anyOf", "oneOf"})
        if (const auto* alternatives = schema.if_contains(key); alternatives && alternatives->is_array())
            if (auto t = alternatives_text(alternatives->get_array()); !t.empty())
                return t;
    const auto* type = schema.if_contains("type");
    std::vector<std::string> names;
    if (type && type->is_string())
        names.emplace_back(type->get_string());
    if (type && type->is_array())
        for (const auto& t : type->get_array())
            if (t.is_string())
                names.emplace_back(t.get_string());
    const auto* items = schema.if_contains("items");
    if (items && items->is_object())
        if (const auto of = type_text(items->get_object()); !of.empty())
            for (auto& n : names)
                if (n == "array")
                    n += " of " + of;
    return joined(names, " or ");
}

std::string limits_text(const json::object& schema)
{
    std::vector<std::string> parts;
    const auto limit = [&](const char* key, std::string_view words) {
        if (const auto* v = schema.if_contains(key))
            parts.push_back(fmt::format("{} {}", words, graph::written(*v)));
    };
    limit("minimum", "at least");
    limit("exclusiveMinimum", "above");
    limit("maximum", "at most");
    limit("exclusiveMaximum", "below");
    limit("minItems", "items: at least");
    limit("maxItems", "items: at most");
    return joined(parts, ", ");
}

bool names(const json::object& schema, std::string_view property)
{
    const auto* required = schema.if_contains("required");
    if (!required || !required->is_array())
        return false;
    return std::any_of(required->get_array().begin(), required->get_array().end(), [&](const auto& r) {
        return r.is_string() && std::string_view(r.get_string().data(), r.get_string().size()) == property;
    });
}

/// Alternatives of which one demands the property: `env`, `file` or `command`.
bool one_of_demanded(const json::object& schema, std::string_view property)
{
    for (const char* key : {"oneOf", "anyOf"})
        if (const auto* alternatives = schema.if_contains(key); alternatives && alternatives->is_array())
            for (const auto& a : alternatives->get_array())
                if (a.is_object() && names(a.get_object(), property))
                    return true;
    return false;
}

/// The object at a path of member names such as `definitions/request`; null when there is none.
const json::object* find_below(const json::object& root, std::string_view path)
{
    const json::object* at = &root;
    while (at && !path.empty()) {
        const auto end = std::min(path.find('/'), path.size());
        const auto* next = at->if_contains(path.substr(0, end));
        at = next ? next->if_object() : nullptr;
        path.remove_prefix(std::min(end + 1, path.size()));
    }
    return at;
}

class page
{
  public:
    page(const operator_entry& op, const json::object& root, std::size_t width) : op_(op), root_(root), width_(width) {}

    std::string properties(const json::object& schema, std::size_t indent, int depth)
    {
        std::string out;
        if (const auto* all = schema.if_contains("properties"); all && all->is_object())
            for (const auto& [name, value] : all->get_object())
                if (value.is_object())
                    out += property(schema, {name.data(), name.size()}, resolve(value.get_object()), indent, depth);
        return out;
    }

  private:
    /// `{"$ref": "#/definitions/x"}` and what it refers to.
    const json::object& resolve(const json::object& schema) const
    {
        const auto reference = text_of(schema, "$ref");
        if (!reference.starts_with("#/"))
            return schema;
        const auto* target = find_below(root_, reference.substr(2));
        return target ? *target : schema;
    }

    std::string property(const json::object& parent, std::string_view name, const json::object& schema,
                         std::size_t indent, int depth)
    {
        std::vector<std::string> facts;
        if (auto t = type_text(schema); !t.empty())
            facts.push_back(std::move(t));
        if (names(parent, name))
            facts.emplace_back("required");
        else if (one_of_demanded(parent, name))
            facts.emplace_back("one of these is required");
        if (const auto* otherwise = schema.if_contains("default"))
            facts.push_back("default " + graph::written(*otherwise));
        if (auto l = limits_text(schema); !l.empty())
            facts.push_back(std::move(l));
        if (depth == 0 && std::find(op_.late.begin(), op_.late.end(), name) != op_.late.end())
            facts.emplace_back("evaluated late");
        std::string out = std::string(indent, ' ') + std::string(name);
        out += facts.empty() ? "\n" : "  (" + joined(facts, "; ") + ")\n";
        out += wrapped(text_of(schema, "description"), indent + indent_step, width_);
        if (depth < deepest)
            out += nested(schema, indent + indent_step, depth);
        return out;
    }

    std::string nested(const json::object& schema, std::size_t indent, int depth)
    {
        std::string out = properties(schema, indent, depth + 1);
        for (const char* key : {"items", "additionalProperties"})
            if (const auto* inner = schema.if_contains(key); inner && inner->is_object())
                out += properties(resolve(inner->get_object()), indent, depth + 1);
        for (const char* key : {"oneOf", "anyOf"})
            if (const auto* alternatives = schema.if_contains(key); alternatives && alternatives->is_array())
                for (const auto& a : alternatives->get_array())
                    if (a.is_object())
                        out += properties(resolve(a.get_object()), indent, depth + 1);
        return out;
    }

    const operator_entry& op_;
    const json::object& root_;
    std::size_t width_;
};

std::string indented(std::string_view text, std::size_t indent)
{
    std::string out;
    while (!text.empty()) {
        const auto end = std::min(text.find('\n'), text.size());
        const auto line = text.substr(0, end);
        out += (line.empty() ? std::string() : std::string(indent, ' ') + std::string(line)) + '\n';
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return out;
}

} // namespace

std::string manual_page(const operator_entry& op, std::size_t width)
{
    width = std::max<std::size_t>(width, 40);
    std::string out = fmt::format("{} ({})\n", op.name, op.sensor ? "sensor" : "operator");
    out += wrapped(op.summary, indent_step, width);
    const auto& schema = op.schema.as_object();
    const std::string properties = page(op, schema, width).properties(schema, indent_step, 0);
    out += properties.empty() ? "\nwith: nothing\n" : "\nwith:\n" + properties;
    if (!op.late.empty()) {
        std::string text =
            "Properties marked \"evaluated late\" may hold expressions over what is known only while it runs";
        if (!op.late_names.empty())
            text += ": " + joined(op.late_names, ", ");
        out += '\n' + wrapped(text + ".", 0, width);
    }
    if (!op.example.empty())
        out += "\nexample:\n" + indented(op.example, indent_step);
    return out;
}

} // namespace potoo::cli
