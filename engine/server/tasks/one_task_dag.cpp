#include "engine/server/tasks/one_task_dag.hpp"

#include "engine/graph/load.hpp"
#include "engine/graph/schema_check.hpp"
#include "engine/graph/spelling.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <span>

namespace potoo::server {

namespace {

using problem = task_refused::problem;

[[noreturn]] void refuse(std::vector<problem> problems)
{
    throw task_refused(task_refused::kind::invalid, "the task cannot be begun as it is asked for", std::move(problems));
}

/// `${{` of plain text, as it is written where expressions may stand.
std::string without_expressions(std::string_view text)
{
    std::string out;
    for (std::size_t from = 0;;) {
        const auto at = text.find("${{", from);
        out += text.substr(from, at - from);
        if (at == std::string_view::npos)
            return out;
        out += "$${{";
        from = at + 3;
    }
}

/// A JSON text in which every value begins on a line of its own, so that the line of a problem tells which one it is.
class placed_text
{
  public:
    explicit placed_text(bool expressions) : expressions_(expressions) {}

    /// Pieces that are nobody's.
    void add(std::string_view text) { text_ += text; }

    void add(const json::value& v, const std::string& pointer)
    {
        begin_line(pointer);
        if (const auto* o = v.if_object()) {
            text_ += '{';
            bool first = true;
            for (const auto& member : *o) {
                text_ += first ? "" : ",";
                first = false;
                const std::string inner = pointer + "/" + escape_pointer(member.key());
                begin_line(inner);
                text_ += json::serialize(json::string(member.key())) + ":";
                add(member.value(), inner);
            }
            text_ += '}';
        } else if (const auto* a = v.if_array()) {
            text_ += '[';
            for (std::size_t i = 0; i < a->size(); ++i) {
                text_ += i == 0 ? "" : ",";
                add((*a)[i], fmt::format("{}/{}", pointer, i));
            }
            text_ += ']';
        } else if (v.is_string() && !expressions_) {
            text_ += json::serialize(json::string(without_expressions(v.get_string())));
        } else {
            text_ += json::serialize(v);
        }
    }

    [[nodiscard]] const std::string& text() const noexcept { return text_; }

    /// Of a line, from 1.
    [[nodiscard]] std::string pointer_at(std::uint32_t line) const
    {
        return line >= 2 && line - 2 < pointers_.size() ? pointers_[line - 2] : std::string();
    }

  private:
    void begin_line(const std::string& pointer)
    {
        text_ += '\n';
        pointers_.push_back(pointer);
    }

    bool expressions_;
    std::string text_;
    std::vector<std::string> pointers_; ///< by line, from the second
};

const operator_entry& find_operator(const std::string& name, const operator_registry& operators)
{
    if (const operator_entry* found = operators.find(name))
        return *found;
    std::vector<std::string_view> names;
    for (const auto* o : operators.all())
        names.push_back(o->name);
    refuse({{"/operator", fmt::format("there is no operator `{}`; GET operators lists them", name),
             graph::nearest_spelling(name, names)}});
}

std::string pointer_of(const std::vector<graph::path_step>& path)
{
    std::string out = "/with";
    for (const graph::path_step& step : path) {
        out += '/';
        if (const auto* name = std::get_if<std::string>(&step))
            out += escape_pointer(*name);
        else
            out += std::to_string(std::get<std::size_t>(step));
    }
    return out;
}

/// Here rather than when the DAG is loaded, for that one takes what looks like an expression for one.
void check_plain(const operator_entry& op, const json::value& with)
{
    std::vector<problem> problems;
    for (auto& p : graph::schema_of(op).check(with))
        problems.push_back({pointer_of(p.path), std::move(p.message), std::move(p.suggestion)});
    if (!problems.empty())
        refuse(std::move(problems));
}

std::string dag_name(std::string_view operator_name)
{
    std::string name = "task.";
    for (const char c : operator_name.substr(0, 100)) {
        const bool plain = c == '_' || c == '-' || c == '.' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                           (c >= '0' && c <= '9');
        name += plain ? c : '_';
    }
    return name;
}

} // namespace

std::shared_ptr<const graph::dag> make_one_task_dag(const task_request& wish, const operator_registry& operators)
{
    const operator_entry& op = find_operator(wish.operator_name, operators);
    const json::value with = wish.with.is_null() ? json::value(json::object()) : wish.with;
    if (!wish.expressions)
        check_plain(op, with);
    const std::string name = dag_name(op.name);
    placed_text source(wish.expressions);
    source.add("{\"name\":" + json::serialize(json::string(name)) + ",\"tasks\":{\"task\":{\"operator\":");
    source.add(json::string(op.name), "/operator");
    source.add(",\"with\":");
    source.add(with, "/with");
    if (!wish.timeout.empty()) {
        source.add(",\"timeout\":");
        source.add(json::string(wish.timeout), "/timeout");
    }
    if (!wish.retry.is_null()) {
        source.add(",\"retry\":");
        source.add(wish.retry, "/retry");
    }
    source.add("}}}\n");
    graph::load_result loaded =
        graph::load_dag(source.text(), name + ".json", operators, {.format = graph::source_format::json});
    if (loaded.value)
        return loaded.value;
    std::vector<problem> problems;
    for (auto& d : loaded.problems)
        problems.push_back({source.pointer_at(d.where.line), std::move(d.message), std::move(d.suggestion)});
    refuse(std::move(problems));
}

} // namespace potoo::server
