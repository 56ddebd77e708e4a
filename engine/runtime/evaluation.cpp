// What `when` and `foreach` say of a task.

#include "engine/runtime/foreach_items.hpp"
#include "engine/runtime/run_executor.hpp"
#include "engine/runtime/run_records.hpp"

#include <fmt/format.h>

namespace potoo::runtime {

using journal::record;
using journal::record_kind;
using journal::recorded_state;

void run_executor::carry_out(const schedule::evaluate_task& a)
{
    if (replaying_)
        return;
    json::object error;
    const schedule::task_evaluated answer = evaluate(a.task, error);
    record r = task_record(record_kind::task_evaluated, a.task);
    r.number = answer.item_count;
    if (answer.verdict == schedule::verdict::skip)
        r.state = recorded_state::skipped;
    if (answer.verdict == schedule::verdict::fail) {
        r.state = recorded_state::failed;
        mask_.clean(error["message"]);
        r.data = json::serialize(error);
        not_evaluable_[a.task.value()] = true;
        values_.set_error(a.task, item_index(0), error);
    }
    enqueue(answer, std::move(r));
}

schedule::task_evaluated run_executor::evaluate(task_index t, json::object& error)
{
    const graph::task_spec& spec = dag()[t];
    const char* part = "when";
    try {
        if (spec.when && !spec.when->evaluate_bool(names_))
            return {t, schedule::verdict::skip, 0};
        part = "foreach";
        return {t, schedule::verdict::run, spec.foreach ? expand_items(t) : 1};
    } catch (const expression_error& e) {
        error = failed_result(failure_class::fatal,
                              fmt::format("{}:{}:{}: `{}` of task `{}`: {}", dag().source_name, spec.where.line,
                                          spec.where.column, part, spec.name, e.what()),
                              "expression")
                    .error;
        return {t, schedule::verdict::fail, 0};
    }
}

std::uint32_t run_executor::expand_items(task_index t)
{
    foreach_items all = expand_foreach(dag()[t], names_);
    const auto count = static_cast<std::uint32_t>(all.values.size());
    values_.set_items(t, std::move(all.values), std::move(all.keys));
    return count;
}

} // namespace potoo::runtime
