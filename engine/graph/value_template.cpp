#include "engine/graph/expression_text.hpp"

#include <potoo/expression.hpp>
#include <potoo/utf8.hpp>

#include <algorithm>
#include <array>

namespace potoo {

struct detail::template_node
{
    enum class kind : std::uint8_t
    {
        constant,
        text,
        expression,
        array,
        object,
    };

    struct text_part
    {
        value_template::part what;
        std::size_t offset = 0; ///< of an expression within the string
    };

    kind what = kind::constant;
    bool has_expression = false;
    std::size_t depth = 1;
    json::value value;            ///< of a constant
    std::string written;          ///< a string that is not a constant, as in the file
    std::vector<text_part> parts; ///< of a text; an expression has one
    std::vector<std::string> names;
    std::vector<std::shared_ptr<const template_node>> children; ///< elements, or members in the order of `names`
};

namespace {

using node = detail::template_node;
using node_ptr = std::shared_ptr<const node>;

constexpr std::size_t deepest = 200;
constexpr std::string_view opening = "${{";
constexpr std::string_view closing = "}}";
constexpr std::string_view escaped_opening = "$${{";

/// Where in the whole value one is: for messages, so it costs nothing while all is well.
struct place
{
    const place* outer = nullptr;
    std::string_view name;
    std::optional<std::size_t> position;

    [[nodiscard]] std::string text() const
    {
        if (outer == nullptr) {
            return {};
        }
        const auto before = outer->text();
        if (position) {
            return before + "[" + std::to_string(*position) + "]";
        }
        return before.empty() ? std::string(name) : before + "." + std::string(name);
    }
};

[[noreturn]] void rethrow_with_place(const expression_error& e, const place& where, std::string_view source,
                                     std::size_t offset)
{
    const auto path = where.text();
    std::string prefix = source.empty() ? "" : "in `" + std::string(source) + "`";
    if (!path.empty()) {
        prefix += (prefix.empty() ? "at `" : " at `") + path + "`";
    }
    throw expression_error(prefix.empty() ? e.what() : prefix + ": " + e.what(), e.offset() + offset, e.suggestion());
}

node_ptr make_constant(json::value v, std::size_t depth = 1)
{
    node n;
    n.value = std::move(v);
    n.depth = depth;
    return std::make_shared<const node>(std::move(n));
}

/// The end of the expression that starts at `from`: the first `}}` that is not within quotes.
std::size_t find_closing(std::string_view text, std::size_t opened, std::size_t from)
{
    std::optional<std::size_t> quote;
    for (auto i = from; i < text.size(); ++i) {
        if (text[i] == '\'') {
            quote = quote ? std::nullopt : std::optional(i);
        } else if (!quote && text.substr(i).starts_with(closing)) {
            return i;
        }
    }
    if (quote) {
        throw expression_error("the text that starts here has no closing quote", *quote);
    }
    throw expression_error("`${{` without `}}`", opened);
}

node::text_part compile_part(std::string_view text, std::size_t begin, std::size_t end, const expression_names& names)
{
    constexpr std::string_view spaces = " \t\r\n";
    const auto inside = text.substr(begin, end - begin);
    const auto first = std::min(inside.find_first_not_of(spaces), inside.size());
    const auto last = inside.find_last_not_of(spaces);
    const auto source = first == inside.size() ? std::string_view() : inside.substr(first, last + 1 - first);
    const auto offset = begin + (source.empty() ? 0 : first);
    try {
        return {expression::compile(source, names), offset};
    } catch (const expression_error& e) {
        throw expression_error(e.what(), e.offset() + offset, e.suggestion());
    }
}

/// Cuts a string into literal text and expressions.
std::vector<node::text_part> compile_parts(std::string_view text, const expression_names& names)
{
    std::vector<node::text_part> parts;
    std::string literal;
    const auto end_literal = [&] {
        if (!literal.empty()) {
            parts.push_back({std::exchange(literal, {}), 0});
        }
    };
    for (std::size_t i = 0; i < text.size();) {
        const auto rest = text.substr(i);
        if (rest.starts_with(escaped_opening)) {
            literal += opening;
            i += escaped_opening.size();
        } else if (rest.starts_with(opening)) {
            end_literal();
            const auto begin = i + opening.size();
            const auto end = find_closing(text, i, begin);
            parts.push_back(compile_part(text, begin, end, names));
            i = end + closing.size();
        } else {
            const auto next = std::min(text.find('$', i + 1), text.size());
            literal += text.substr(i, next - i);
            i = next;
        }
    }
    end_literal();
    return parts;
}

bool is_expression_part(const node::text_part& p)
{
    return std::holds_alternative<expression>(p.what);
}

node_ptr compile_text(std::string_view text, const expression_names& names)
{
    if (const auto invalid = find_invalid_utf8(text)) {
        throw expression_error("the text is not valid UTF-8", *invalid);
    }
    if (text.find(opening) == std::string_view::npos) {
        return make_constant(json::string(text));
    }
    node n;
    n.written = text;
    n.parts = compile_parts(text, names);
    n.has_expression = std::ranges::any_of(n.parts, is_expression_part);
    n.what = n.has_expression && n.parts.size() == 1 ? node::kind::expression : node::kind::text;
    return std::make_shared<const node>(std::move(n));
}

/// An array, or with `names` an object.
node_ptr make_container(node::kind what, std::vector<std::string> names, std::vector<node_ptr> children)
{
    node n;
    n.what = what;
    for (const auto& child : children) {
        n.depth = std::max(n.depth, child->depth + 1);
        n.has_expression = n.has_expression || child->has_expression;
    }
    if (n.depth > deepest) {
        throw expression_error("the value is nested more than 200 deep", 0);
    }
    n.names = std::move(names);
    n.children = std::move(children);
    return std::make_shared<const node>(std::move(n));
}

/// Of one whose parts are all constant, the value is kept ready.
node_ptr make_array(std::vector<node_ptr> children)
{
    auto made = make_container(node::kind::array, {}, std::move(children));
    if (!std::ranges::all_of(made->children, [](const auto& c) { return c->what == node::kind::constant; })) {
        return made;
    }
    json::array values;
    values.reserve(made->children.size());
    for (const auto& child : made->children) {
        values.push_back(child->value);
    }
    return make_constant(std::move(values), made->depth);
}

node_ptr make_object(std::vector<std::string> names, std::vector<node_ptr> children)
{
    auto made = make_container(node::kind::object, std::move(names), std::move(children));
    if (!std::ranges::all_of(made->children, [](const auto& c) { return c->what == node::kind::constant; })) {
        return made;
    }
    json::object values;
    values.reserve(made->children.size());
    for (std::size_t i = 0; i < made->children.size(); ++i) {
        values.emplace(made->names[i], made->children[i]->value);
    }
    return make_constant(std::move(values), made->depth);
}

node_ptr compile_value(const json::value& v, const expression_names& names, const place& where, std::size_t depth)
{
    if (depth > deepest) {
        throw expression_error("the value is nested more than 200 deep", 0);
    }
    if (const auto* text = v.if_string()) {
        try {
            return compile_text(*text, names);
        } catch (const expression_error& e) {
            rethrow_with_place(e, where, {}, 0);
        }
    }
    std::vector<node_ptr> children;
    if (const auto* array = v.if_array()) {
        for (std::size_t i = 0; i < array->size(); ++i) {
            children.push_back(compile_value((*array)[i], names, place{&where, {}, i}, depth + 1));
        }
        return make_array(std::move(children));
    }
    if (const auto* object = v.if_object()) {
        std::vector<std::string> member_names;
        for (const auto& member : *object) {
            member_names.emplace_back(member.key());
            children.push_back(
                compile_value(member.value(), names, place{&where, member.key(), std::nullopt}, depth + 1));
        }
        return make_object(std::move(member_names), std::move(children));
    }
    return make_constant(v);
}

void append_part(json::string& out, const node::text_part& part, const bindings& b)
{
    bool fits = false;
    if (const auto* literal = std::get_if<std::string>(&part.what)) {
        fits = graph::append_text(out, std::string_view(*literal));
    } else {
        const auto& e = std::get<expression>(part.what);
        const auto* in_place = e.find_in(b);
        fits = in_place != nullptr ? graph::append_text(out, *in_place) : graph::append_text(out, e.evaluate(b));
    }
    if (!fits) {
        throw expression_error("the text becomes longer than 256 MiB", 0);
    }
}

json::value render_text(const node& n, const bindings& b, const place& where)
{
    json::string out;
    for (const auto& part : n.parts) {
        try {
            append_part(out, part, b);
        } catch (const expression_error& e) {
            const auto* source = std::get_if<expression>(&part.what);
            rethrow_with_place(e, where, source != nullptr ? source->source() : std::string_view(), part.offset);
        }
    }
    return out;
}

json::value render_node(const node& n, const bindings& b, const place& where);

json::value render_expression(const node& n, const bindings& b, const place& where)
{
    const auto& part = n.parts.front();
    const auto& e = std::get<expression>(part.what);
    try {
        return e.evaluate(b);
    } catch (const expression_error& error) {
        rethrow_with_place(error, where, e.source(), part.offset);
    }
}

json::value render_array(const node& n, const bindings& b, const place& where)
{
    json::array result;
    result.reserve(n.children.size());
    for (std::size_t i = 0; i < n.children.size(); ++i) {
        result.push_back(render_node(*n.children[i], b, place{&where, {}, i}));
    }
    return result;
}

json::value render_object(const node& n, const bindings& b, const place& where)
{
    json::object result;
    result.reserve(n.children.size());
    for (std::size_t i = 0; i < n.children.size(); ++i) {
        result.emplace(n.names[i], render_node(*n.children[i], b, place{&where, n.names[i], std::nullopt}));
    }
    return result;
}

/// Recursion goes as deep as the template, which is limited when it is made.
json::value render_node(const node& n, const bindings& b, const place& where)
{
    switch (n.what) {
    case node::kind::constant:
        break;
    case node::kind::text:
        return render_text(n, b, where);
    case node::kind::expression:
        return render_expression(n, b, where);
    case node::kind::array:
        return render_array(n, b, where);
    case node::kind::object:
        return render_object(n, b, where);
    }
    return n.value;
}

json::value source_of(const node& n)
{
    switch (n.what) {
    case node::kind::constant:
        break;
    case node::kind::text:
    case node::kind::expression:
        return json::string(n.written);
    case node::kind::array: {
        json::array result;
        for (const auto& child : n.children) {
            result.push_back(source_of(*child));
        }
        return result;
    }
    case node::kind::object: {
        json::object result;
        for (std::size_t i = 0; i < n.children.size(); ++i) {
            result.emplace(n.names[i], source_of(*n.children[i]));
        }
        return result;
    }
    }
    return n.value;
}

void collect_expressions(const node& n, std::vector<expression>& found)
{
    for (const auto& part : n.parts) {
        if (const auto* e = std::get_if<expression>(&part.what)) {
            found.push_back(*e);
        }
    }
    for (const auto& child : n.children) {
        collect_expressions(*child, found);
    }
}

const node_ptr& null_node()
{
    static const node_ptr n = make_constant(nullptr);
    return n;
}

} // namespace

value_template::value_template(std::shared_ptr<const detail::template_node> n) : node_(std::move(n)) {}

value_template::value_template() : node_(null_node()) {}

value_template value_template::constant(json::value v)
{
    return value_template(make_constant(std::move(v)));
}

value_template value_template::compile(std::string_view text, const expression_names& names)
{
    return value_template(compile_text(text, names));
}

value_template value_template::array(std::vector<value_template> elements)
{
    std::vector<node_ptr> children;
    children.reserve(elements.size());
    for (auto& element : elements) {
        children.push_back(std::move(element.node_));
    }
    return value_template(make_array(std::move(children)));
}

value_template value_template::object(std::vector<std::pair<std::string, value_template>> members)
{
    std::vector<std::string> names;
    std::vector<node_ptr> children;
    names.reserve(members.size());
    children.reserve(members.size());
    for (auto& [name, value] : members) {
        names.push_back(std::move(name));
        children.push_back(std::move(value.node_));
    }
    return value_template(make_object(std::move(names), std::move(children)));
}

value_template value_template::compile_all(const json::value& v, const expression_names& names)
{
    return value_template(compile_value(v, names, place{}, 1));
}

json::value value_template::render(const bindings& b) const
{
    return render_node(*node_, b, place{});
}

bool value_template::is_constant() const noexcept
{
    return !node_->has_expression;
}

bool value_template::is_expression() const noexcept
{
    return node_->what == node::kind::expression;
}

std::optional<value_template> value_template::member(std::string_view name) const
{
    if (const auto* object = node_->value.if_object()) {
        const auto* found = object->if_contains(name);
        return found != nullptr ? std::optional(constant(*found)) : std::nullopt;
    }
    const auto place = std::ranges::find(node_->names, name);
    if (place == node_->names.end()) {
        return std::nullopt;
    }
    return value_template(node_->children[static_cast<std::size_t>(place - node_->names.begin())]);
}

value_template value_template::without(std::span<const std::string> names) const
{
    if (const auto* object = node_->value.if_object()) {
        auto rest = *object;
        for (const auto& name : names) {
            rest.erase(name);
        }
        return constant(std::move(rest));
    }
    if (node_->what != node::kind::object) {
        return *this;
    }
    std::vector<std::string> kept_names;
    std::vector<node_ptr> kept;
    for (std::size_t i = 0; i < node_->names.size(); ++i) {
        if (std::ranges::find(names, node_->names[i]) == names.end()) {
            kept_names.push_back(node_->names[i]);
            kept.push_back(node_->children[i]);
        }
    }
    return value_template(make_object(std::move(kept_names), std::move(kept)));
}

std::vector<value_template::part> value_template::parts() const
{
    std::vector<part> result;
    if (const auto* text = node_->value.if_string()) {
        result.emplace_back(std::string(*text));
    } else if (node_->what == node::kind::text) {
        for (const auto& p : node_->parts) {
            result.push_back(p.what);
        }
    }
    return result;
}

bool value_template::is_string() const noexcept
{
    return node_->value.is_string() || node_->what == node::kind::text;
}

std::vector<expression> value_template::expressions() const
{
    std::vector<expression> found;
    collect_expressions(*node_, found);
    return found;
}

json::value value_template::source() const
{
    return source_of(*node_);
}

} // namespace potoo
