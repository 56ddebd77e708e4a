#include "engine/cli/display/run_plan_text.hpp"

#include "engine/cli/display/graph_drawing.hpp"
#include "engine/graph/describe_value.hpp"

#include <potoo/expression.hpp>

#include <boost/algorithm/string/trim.hpp>
#include <fmt/format.h>

#include <algorithm>

namespace potoo::cli {

namespace {

constexpr std::size_t longest_item_list = 1'000; ///< items of a `foreach` that are shown; of more only the number

class planner
{
  public:
    planner(const graph::dag& d, const json::object& params, const operator_registry& operators)
        : dag_(d), operators_(operators), params_(params)
    {
        names_.set("params", params_);
        names_.set_members("secrets", [this](std::string_view) { return &masked_; });
    }

    json::object task(const graph::task_spec& t, std::uint32_t layer) const
    {
        json::object out{{"task", t.name}, {"operator", t.operator_name}, {"layer", layer + 1}};
        json::array upstream;
        for (const task_index u : t.upstream)
            upstream.emplace_back(dag_[u].name);
        out["depends_on"] = std::move(upstream);
        if (t.rule != graph::trigger_rule::all_success)
            out["trigger_rule"] = std::string(to_string(t.rule));
        if (t.when)
            out["when"] = as_far_as_known(*t.when);
        if (t.foreach)
            put_items(out, *t.foreach);
        put_policies(out, t);
        const auto* op = operators_.find(t.operator_name);
        if (const json::value with = rendered_with(t.with, op); !with.is_null())
            out["with"] = with;
        json::object env;
        for (const auto& [name, value] : t.env)
            env[name] = rendered(value);
        if (!env.empty())
            out["env"] = std::move(env);
        return out;
    }

  private:
    json::value as_far_as_known(const expression& e) const
    {
        try {
            return e.evaluate(names_);
        } catch (const expression_error&) {
            return json::value("${{ " + boost::algorithm::trim_copy(e.source()) + " }}");
        }
    }

    void put_items(json::object& out, const expression& foreach) const
    {
        const json::value items = as_far_as_known(foreach);
        const auto count = items.is_array()    ? items.get_array().size()
                           : items.is_object() ? items.get_object().size()
                                               : 0;
        if (items.is_string() || count <= longest_item_list)
            out["foreach"] = items;
        if (!items.is_string())
            out["items"] = count;
    }

    void put_policies(json::object& out, const graph::task_spec& t) const
    {
        if (t.pool)
            out["pool"] = dag_.pools[t.pool->value()].name;
        if (t.max_active > 0)
            out["max_active"] = t.max_active;
        if (t.retry->limit > 0)
            out["retries"] = t.retry->limit;
        if (t.timeout)
            out["timeout"] = format_duration(*t.timeout);
        if (t.allow_failure)
            out["allow_failure"] = true;
    }

    json::value rendered_with(const value_template& with, const operator_entry* op) const
    {
        json::value shape = with.source();
        if (!shape.is_object())
            return rendered(with);
        for (auto& [name, value] : shape.get_object()) {
            const bool late =
                op && std::find(op->late.begin(), op->late.end(), std::string_view(name)) != op->late.end();
            if (!late)
                value = rendered(*with.member(std::string_view(name)));
        }
        return shape;
    }

    /// Rendered where it can be, member by member.
    json::value rendered(const value_template& t) const
    {
        try {
            return t.render(names_);
        } catch (const expression_error&) {
            json::value shape = t.source();
            if (shape.is_object())
                for (auto& [name, value] : shape.get_object())
                    if (const auto member = t.member(std::string_view(name)))
                        value = rendered(*member);
            return shape;
        }
    }

    const graph::dag& dag_;
    const operator_registry& operators_;
    json::value params_;
    const json::value masked_ = "***"; ///< any secret
    bindings names_;
};

std::string_view sv(const json::value& v)
{
    return {v.get_string().data(), v.get_string().size()};
}

std::string plain(const json::value& v)
{
    return v.is_string() ? std::string(v.get_string()) : graph::written(v);
}

std::string joined(const json::array& values)
{
    std::string out;
    for (const auto& v : values)
        out += (out.empty() ? "" : ", ") + plain(v);
    return out;
}

std::string task_text(const json::object& t)
{
    std::string out = fmt::format("  {} ({})", sv(t.at("task")), sv(t.at("operator")));
    if (!t.at("depends_on").as_array().empty())
        out += " after " + joined(t.at("depends_on").as_array());
    out += '\n';
    for (const auto& [key, value] : t) {
        const std::string_view name(key.data(), key.size());
        if (name == "task" || name == "operator" || name == "depends_on" || name == "layer" || name == "with" ||
            name == "env")
            continue;
        out += fmt::format("    {}: {}\n", name, plain(value));
    }
    for (const char* part : {"with", "env"}) {
        const auto* members = t.if_contains(part);
        if (!members || (members->is_object() && members->get_object().empty()))
            continue;
        if (!members->is_object()) {
            out += fmt::format("    {}: {}\n", part, plain(*members));
            continue;
        }
        out += fmt::format("    {}:\n", part);
        for (const auto& [name, value] : members->get_object())
            out += fmt::format("      {}: {}\n", std::string_view(name.data(), name.size()), graph::written(value));
    }
    return out;
}

} // namespace

json::object plan_of(const graph::dag& d, const json::object& params, const operator_registry& operators)
{
    const planner p(d, params, operators);
    const auto layers = tasks_by_layer(d);
    json::array tasks;
    for (std::uint32_t l = 0; l < layers.size(); ++l)
        for (const task_index t : layers[l])
            tasks.push_back(p.task(d[t], l));
    return {{"dag", d.name}, {"params", params}, {"tasks", std::move(tasks)}};
}

std::string plan_text(const json::object& plan)
{
    const auto& tasks = plan.at("tasks").as_array();
    std::string out = fmt::format("{}: {} task{}; nothing is started\n", sv(plan.at("dag")), tasks.size(),
                                  tasks.size() == 1 ? "" : "s");
    for (const auto& [name, value] : plan.at("params").as_object())
        out += fmt::format("param {} = {}\n", std::string_view(name.data(), name.size()), graph::written(value));
    std::int64_t layer = 0;
    for (const auto& t : tasks) {
        const auto of = t.at("layer").to_number<std::int64_t>();
        if (of != layer)
            out += fmt::format("layer {}\n", of);
        layer = of;
        out += task_text(t.as_object());
    }
    return out;
}

} // namespace potoo::cli
