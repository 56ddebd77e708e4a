#include "engine/graph/template_reader.hpp"

#include "engine/graph/describe_value.hpp"
#include "engine/graph/embedded_expression.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace potoo::graph {

namespace {

constexpr std::array<std::string_view, 4> task_members{"output", "state", "error", "items"};

bool is_name_character(char c)
{
    return c == '_' || c == '-' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

std::string_view name_at(std::string_view text, std::size_t at)
{
    if (at > text.size())
        return {};
    const auto end = std::find_if_not(text.begin() + static_cast<std::ptrdiff_t>(at), text.end(), is_name_character);
    return text.substr(at, static_cast<std::size_t>(end - text.begin()) - at);
}

/// A block scalar ends with a line break.
std::string_view trimmed(std::string_view text)
{
    constexpr std::string_view blank = " \t\r\n";
    const auto first = text.find_first_not_of(blank);
    return first == std::string_view::npos ? std::string_view()
                                           : text.substr(first, text.find_last_not_of(blank) + 1 - first);
}

std::string_view noun(value_type t)
{
    switch (t) {
    case value_type::any:
        return "anything";
    case value_type::null:
        return "null";
    case value_type::boolean:
        return "true or false";
    case value_type::number:
        return "a number";
    case value_type::string:
        return "a string";
    case value_type::array:
        return "a list";
    case value_type::object:
        return "a map";
    }
    return "?";
}

bool is_within_task(expression_place place)
{
    return place != expression_place::dag_env && place != expression_place::connection;
}

bool is_of_attempt(expression_place place)
{
    return place == expression_place::with || place == expression_place::task_env || place == expression_place::dag_env;
}

} // namespace

template_reader::template_reader(std::string_view source, const document& d, known_names known,
                                 diagnostic_sink& problems)
    : document_(d), problems_(problems), places_(source), known_(std::move(known))
{}

void template_reader::enter_task(task_index task, bool has_items)
{
    task_ = task;
    has_items_ = has_items;
}

const expression_names& template_reader::names_for(expression_place place, const operator_entry* late)
{
    const std::pair key(static_cast<int>(place) * 2 + (has_items_ ? 1 : 0), late);
    const auto found = names_.find(key);
    return found != names_.end() ? found->second : names_.emplace(key, make_names(place, late)).first->second;
}

void template_reader::allow_secrets(expression_names& names) const
{
    if (known_.any_secret) {
        names.allow("secrets");
        return;
    }
    if (!known_.of_configuration)
        names.allow_closed("secrets", "declare it in `secrets`, here or in the configuration (which `potoo validate` "
                                      "takes with --config FILE)");
    else
        names.allow_closed("secrets", known_.secrets.empty() ? "there are no `secrets`" : "declare it in `secrets`");
    for (const auto& name : known_.secrets)
        names.allow_member("secrets", name, value_type::string);
}

expression_names template_reader::make_names(expression_place place, const operator_entry* late)
{
    expression_names names;
    names.allow_closed("params", known_.of_configuration ? "`params` are not known in a configuration"
                                 : known_.params.empty() ? "this DAG declares no `params`"
                                                         : "declare it in `params`");
    for (const auto& [name, type] : known_.params)
        names.allow_member("params", name, type);
    if (place == expression_place::connection || is_of_attempt(place)) {
        allow_secrets(names);
    }
    if (place == expression_place::connection)
        return names;
    names.allow_closed("run");
    for (const auto* name : {"id", "dag", "started_at", "origin", "scheduled"})
        names.allow_member("run", name, value_type::string);
    if (is_within_task(place))
        names.allow_checked("tasks", [this](std::string_view name) { return ask_task(name); });
    if (is_of_attempt(place)) {
        names.allow("attempt", value_type::number);
        names.allow("launch_token", value_type::string);
    }
    const bool of_item =
        place == expression_place::key || place == expression_place::with || place == expression_place::task_env;
    if (of_item && has_items_) {
        names.allow("item");
        names.allow("item_index", value_type::number);
    }
    if (late)
        for (const auto& name : late->late_names)
            names.allow(name);
    return names;
}

expression_names::member_answer template_reader::ask_task(std::string_view name)
{
    expression_names::member_answer answer;
    const auto found = known_.find_task(name);
    if (!found) {
        answer.hint = "this DAG has no such task";
        answer.suggestion = known_.nearest_task(name);
        return answer;
    }
    references_.push_back({task_, *found, current_text_});
    answer.exists = true;
    answer.type = value_type::object;
    answer.members = task_members;
    return answer;
}

std::string template_reader::why_unknown(std::string_view name, expression_place place) const
{
    if (name == "item" || name == "item_index") {
        if (place == expression_place::when)
            return fmt::format("`{}` is not known in `when`, which is decided once for the whole task", name);
        if (place == expression_place::foreach)
            return fmt::format("`{}` is not known in `foreach`, which makes the items", name);
        if (!is_within_task(place))
            return fmt::format("`{}` is known only within a task that has `foreach`", name);
        return fmt::format("`{}` is known only in a task with `foreach`, and this task has none", name);
    }
    if (name == "secrets")
        return "`secrets` may be used in `with`, `env` and `connections` only";
    if (name == "tasks")
        return "`tasks` may be used within a task only";
    if (name == "attempt" || name == "launch_token")
        return fmt::format("`{}` is known in `with` and `env` only", name);
    if (name == "run")
        return "`run` is not known in `connections`";
    return {};
}

void template_reader::report(node_view n, std::size_t shift, expression_place place, const expression_error& e)
{
    const auto offset = e.offset() + shift;
    const auto where = places_.within(n, offset);
    if (auto why = why_unknown(name_at(n.text(), offset), place);
        !why.empty() && std::string_view(e.what()).find("not a name") != std::string_view::npos)
        problems_.add(where, std::move(why));
    else
        problems_.add(where, e.what(), e.suggestion());
}

value_template template_reader::compile_text(node_view n, expression_place place, const expression_names& names)
{
    current_text_ = &n.raw();
    // After a problem goes on behind the expression that has it, so that all are reported at once.
    for (std::size_t from = 0; from < n.text().size() || from == 0;) {
        try {
            auto compiled = value_template::compile(n.text().substr(from), names);
            return from == 0 ? compiled : value_template();
        } catch (const expression_error& e) {
            report(n, from, place, e);
            const auto end = end_of_expression_at(n.text(), from + e.offset());
            if (end == std::string_view::npos || end <= from)
                break;
            from = end;
        }
    }
    return {};
}

bool template_reader::holds_expression(node_view n) const
{
    if (n.is_string())
        return n.text().find("${{") != std::string_view::npos;
    for (std::size_t i = 0; i < n.size(); ++i)
        if (holds_expression(n.is_list() ? n.element(i) : n.value(i)))
            return true;
    return false;
}

value_template template_reader::compile(node_view n, expression_place place, const expression_names& names)
{
    if (n.is_string())
        return compile_text(n, place, names);
    if (n.is_list()) {
        std::vector<value_template> elements;
        for (std::size_t i = 0; i < n.size(); ++i)
            elements.push_back(compile(n.element(i), place, names));
        return value_template::array(std::move(elements));
    }
    if (n.is_map()) {
        std::vector<std::pair<std::string, value_template>> members;
        for (std::size_t i = 0; i < n.size(); ++i)
            members.emplace_back(n.key(i).text(), compile(n.value(i), place, names));
        return value_template::object(std::move(members));
    }
    return value_template::constant(n.to_json());
}

value_template template_reader::read_value(node_view n, expression_place place)
{
    if (!holds_expression(n))
        return value_template::constant(n.to_json());
    return compile(n, place, names_for(place, nullptr));
}

value_template template_reader::read_with(node_view n, const operator_entry* op)
{
    if (!n.is_map() || !op || op->late.empty())
        return read_value(n, expression_place::with);
    std::vector<std::pair<std::string, value_template>> members;
    for (std::size_t i = 0; i < n.size(); ++i) {
        const auto name = n.key(i).text();
        const bool late = std::find(op->late.begin(), op->late.end(), name) != op->late.end();
        const auto& names = names_for(expression_place::with, late ? op : nullptr);
        members.emplace_back(name, compile(n.value(i), expression_place::with, names));
    }
    return value_template::object(std::move(members));
}

std::optional<expression> template_reader::read_expression(std::string_view field, node_view n, expression_place place,
                                                           std::vector<value_type> wanted)
{
    const auto content = n.is_string() ? trimmed(n.text()) : std::string_view();
    if (embedding_of(content) != embedding::whole) {
        const bool plain = embedding_of(content) == embedding::none && !content.empty();
        problems_.add(
            n.where(),
            fmt::format("`{}` must be one expression, `{}: ${{{{ … }}}}`, not {}", field, field, n.describe()),
            plain ? fmt::format("${{{{ {} }}}}", content) : "");
        return std::nullopt;
    }
    const auto inside = inside_of(content);
    const auto shift = static_cast<std::size_t>(inside.data() - n.text().data());
    current_text_ = &n.raw();
    try {
        auto compiled = expression::compile(inside, names_for(place, nullptr));
        const auto type = compiled.type();
        if (type == value_type::any || std::find(wanted.begin(), wanted.end(), type) != wanted.end())
            return compiled;
        std::vector<std::string_view> nouns;
        for (const auto t : wanted)
            nouns.push_back(noun(t));
        problems_.add(n.where(), fmt::format("`{}` must yield {}, and this yields {}", field, fmt::join(nouns, " or "),
                                             noun(type)));
    } catch (const expression_error& e) {
        report(n, shift, place, e);
    }
    return std::nullopt;
}

mark template_reader::place_of(const task_reference& r, std::string_view name)
{
    const node_view n(document_, *r.text);
    for (const auto& form : {fmt::format("tasks.{}", name), fmt::format("tasks['{}']", name)}) {
        for (auto at = n.text().find(form); at != std::string_view::npos; at = n.text().find(form, at + 1)) {
            const auto end = at + form.size();
            if (form.back() == ']' || end == n.text().size() || !is_name_character(n.text()[end]))
                return places_.within(n, at);
        }
    }
    return n.where();
}

} // namespace potoo::graph
