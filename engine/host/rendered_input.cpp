#include "engine/host/rendered_input.hpp"

#include "engine/host/recorded_dag.hpp"
#include "engine/runtime/attempt_result.hpp"
#include "engine/runtime/foreach_items.hpp"
#include "engine/runtime/launch_name.hpp"
#include "engine/runtime/run_origin.hpp"
#include "engine/runtime/task_values.hpp"

#include <potoo/attempt_names.hpp>
#include <potoo/operator.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <stdexcept>
#include <utility>
#include <vector>

namespace potoo::host {

using journal::record;
using journal::record_kind;

namespace {

schedule::task_state ended_as(journal::recorded_state s)
{
    for (std::size_t i = 0; i < schedule::task_state_count; ++i) {
        if (schedule::task_state_names[i] == to_string(s))
            return static_cast<schedule::task_state>(i);
    }
    return schedule::task_state::failed;
}

/// The names of a run, as its records bring them about.
class recorded_names
{
  public:
    recorded_names(const graph::dag& dag, const journal::run_row& run)
        : dag_(dag), values_(dag), params_(runtime::parse_recorded(run.params)),
          run_(runtime::run_names(run.id, dag, run.created, runtime::parse_run_origin(run.origin)))
    {
        names_.set("params", params_).set("run", run_);
        names_.set_members("tasks", [this](std::string_view name) { return values_.view(name); });
        names_.set_members("secrets", [](std::string_view) { return &masked(); });
    }

    recorded_names(const recorded_names&) = delete;
    recorded_names& operator=(const recorded_names&) = delete;

    void apply(const record& r)
    {
        switch (r.kind) {
        case record_kind::task_evaluated:
            if (r.state == journal::recorded_state::none && dag_[r.task].foreach) {
                runtime::foreach_items all = runtime::expand_foreach(dag_[r.task], names_);
                values_.set_items(r.task, std::move(all.values), std::move(all.keys));
            }
            break;
        case record_kind::attempt_ended:
            if (r.state == journal::recorded_state::success)
                values_.set_output(r.task, r.item, runtime::parse_recorded(r.data));
            else if (!r.data.empty())
                values_.set_error(r.task, r.item, runtime::parse_recorded(r.data).as_object());
            break;
        case record_kind::task_ended:
            values_.finish(r.task, ended_as(r.state));
            break;
        case record_kind::task_reopened:
            values_.reopen(r.task, r.number != 0);
            break;
        default:
            break;
        }
    }

    [[nodiscard]] const bindings& names() const { return names_; }

    [[nodiscard]] const runtime::task_values& values() const { return values_; }

  private:
    static const json::value& masked()
    {
        static const json::value stars("***");
        return stars;
    }

    const graph::dag& dag_;
    runtime::task_values values_;
    json::value params_;
    json::value run_;
    bindings names_;
};

json::object render_variables(const graph::task_spec& spec, const bindings& names)
{
    json::object out;
    for (const auto& [name, value] : spec.env)
        out[name] = value.render(names);
    return out;
}

json::value render_with(const graph::task_spec& spec, const bindings& names)
{
    const operator_entry* op = operators().find(spec.operator_name);
    if (!op)
        throw std::runtime_error(fmt::format("there is no operator `{}`: is its plugin loaded?", spec.operator_name));
    if (op->late.empty())
        return spec.with.render(names);
    json::value out = spec.with.without(op->late).render(names);
    for (const std::string& late : op->late) {
        if (const auto member = spec.with.member(late); member && out.is_object())
            out.get_object()[late] = member->source();
    }
    return out;
}

/// Renders the inputs of a run's attempts, each from what was known when it began.
class recorded_inputs
{
  public:
    recorded_inputs(const graph::dag& dag, const journal::run_row& run) : dag_(dag), run_(run.id), known_(dag, run) {}

    void apply(const record& r) { known_.apply(r); }

    [[nodiscard]] std::string item_name(task_index t, item_index i) const { return known_.values().item_name(t, i); }

    /// @throws std::runtime_error when an expression cannot be evaluated
    [[nodiscard]] json::value render(task_index t, item_index item, attempt_number attempt) const
    {
        const graph::task_spec& spec = dag_[t];
        std::optional<attempt_names::of_item> of_item;
        if (spec.foreach)
            of_item.emplace(item, known_.values().item(t, item));
        const auto token = [&] { return runtime::make_launch_token(run_, spec.name, item_name(t, item), attempt); };
        const attempt_names names(known_.names(), attempt, token, of_item);
        try {
            return json::object{{"operator", spec.operator_name},
                                {"with", render_with(spec, names)},
                                {"env", render_variables(spec, names)}};
        } catch (const expression_error& e) {
            throw std::runtime_error(fmt::format("the input of task {} cannot be rendered: {}", spec.name, e.what()));
        }
    }

  private:
    const graph::dag& dag_;
    run_id run_;
    recorded_names known_;
};

bool is_of_attempt(const record& r)
{
    return r.task != journal::no_task && r.item != journal::no_item && r.attempt.value() > 0;
}

} // namespace

json::value rendered_input(journal::reader& journal, const journal::run_row& run, const std::string& task,
                           item_index item, attempt_number attempt)
{
    const auto dag = load_recorded_dag(journal, run);
    const auto index = dag->find(task);
    if (!index)
        throw std::invalid_argument(fmt::format("the run of {} has no task {}", dag->name, task));
    recorded_inputs inputs(*dag, run);
    bool found = false;
    // The journal must not be read while it is visited, and nothing here does.
    journal.records(run.number, journal::record_seq(0), [&](journal::record_seq, const record& r) {
        found = r.task == *index && r.item == item && r.attempt == attempt && is_of_attempt(r);
        if (!found)
            inputs.apply(r);
        return !found;
    });
    if (!found)
        throw std::invalid_argument(fmt::format("task {} of run {} has no attempt {} of item {}", task, run.id.value(),
                                                attempt.value(), item.value()));
    return inputs.render(*index, item, attempt);
}

void visit_inputs(journal::reader& journal, const journal::run_row& run, const input_visitor& visit)
{
    const auto dag = load_recorded_dag(journal, run);
    recorded_inputs inputs(*dag, run);
    std::map<std::pair<task_index, item_index>, attempt_number> begun;
    journal.records(run.number, journal::record_seq(0), [&](journal::record_seq, const record& r) {
        bool goes_on = true;
        if (is_of_attempt(r)) {
            attempt_number& last = begun[{r.task, r.item}];
            if (last < r.attempt) {
                last = r.attempt;
                json::value input;
                try {
                    input = inputs.render(r.task, r.item, r.attempt);
                } catch (const std::runtime_error& e) {
                    input = json::object{{"problem", e.what()}};
                }
                goes_on = visit({(*dag)[r.task].name, inputs.item_name(r.task, r.item),
                                 (*dag)[r.task].foreach.has_value(), std::move(input)});
            }
        }
        inputs.apply(r);
        return goes_on;
    });
}

} // namespace potoo::host
