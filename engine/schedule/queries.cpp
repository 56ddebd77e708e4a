#include "engine/schedule/run_machine.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>

namespace potoo::schedule {

std::uint32_t run_machine::checked(task_index task) const
{
    if (task.value() >= tasks_.size())
        throw std::out_of_range("there is no task " + std::to_string(task.value()) + ": '" + dag_->name + "' has " +
                                std::to_string(tasks_.size()) + " tasks");
    return task.value();
}

std::uint32_t run_machine::checked(task_index task, item_index item) const
{
    const std::uint32_t t = checked(task);
    if (const std::uint32_t count = item_count(task); item.value() >= count)
        throw std::out_of_range("there is no item " + std::to_string(item.value()) + ": task '" + dag_->tasks[t].name +
                                "' has " + std::to_string(count) + " items");
    return t;
}

const run_machine::fan_out* run_machine::fan_out_of(const task_row& row) const
{
    return row.fan_out == none ? nullptr : &fan_outs_[row.fan_out];
}

/// Null when the item is one of those that never started.
const run_machine::item_row* run_machine::find_item(task_index task, item_index item) const
{
    const task_row& row = tasks_[checked(task, item)];
    const fan_out* items = fan_out_of(row);
    if (!items)
        return &row.own;
    return item.value() < items->rows.size() ? &items->rows[item.value()] : nullptr;
}

run_machine::item_row& run_machine::in_flight_item(task_index task, item_index item, const char* event_name)
{
    const item_row* row = find_item(task, item);
    if (!row || !is_in_flight(row->state))
        throw std::logic_error(std::string(event_name) + ": task '" + dag_->tasks[task.value()].name + "', item " +
                               std::to_string(item.value()) + " has no attempt in flight (it is " +
                               std::string(to_string(state_of(task, item))) + ")");
    task_row& owner = tasks_[task.value()];
    return owner.fan_out == none ? owner.own : fan_outs_[owner.fan_out].rows[item.value()];
}

run_state run_machine::state() const noexcept
{
    const bool holding = paused_ && state_ == run_state::running && cancelled_by_ == cancel_reason::none;
    return holding ? run_state::paused : state_;
}

task_state run_machine::state_of(task_index task) const
{
    return tasks_[checked(task)].own.state;
}

task_state run_machine::state_of(task_index task, item_index item) const
{
    if (const item_row* row = find_item(task, item))
        return row->state;
    return fan_out_of(tasks_[task.value()])->abandoned ? task_state::cancelled : task_state::queued;
}

attempt_number run_machine::attempt_of(task_index task, item_index item) const
{
    const item_row* row = find_item(task, item);
    return attempt_number(row ? row->attempt : 0);
}

state_counts run_machine::counts(task_index task) const
{
    const task_row& row = tasks_[checked(task)];
    if (const fan_out* items = fan_out_of(row))
        return items->counts;
    state_counts result;
    if (!row.has_foreach)
        result[row.own.state] = 1;
    return result;
}

std::array<std::optional<item_index>, task_state_count> run_machine::first_items(task_index task) const
{
    std::array<std::optional<item_index>, task_state_count> out;
    const auto note = [&out](task_state s, std::uint32_t item) {
        auto& first = out[static_cast<std::size_t>(s)];
        if (!first)
            first = item_index(item);
    };
    const std::uint32_t count = item_count(task);
    const fan_out* items = fan_out_of(tasks_[task.value()]);
    const auto tried = static_cast<std::uint32_t>(items ? items->rows.size() : 0);
    for (std::uint32_t i = 0; i < tried; ++i)
        note(items->rows[i].state, i);
    if (tried < count)
        note(state_of(task, item_index(tried)), tried);
    return out;
}

std::uint32_t run_machine::item_count(task_index task) const
{
    const task_row& row = tasks_[checked(task)];
    if (const fan_out* items = fan_out_of(row))
        return items->count;
    return row.has_foreach ? 0 : 1;
}

pool_usage run_machine::usage_of(pool_index pool) const
{
    if (pool.value() >= pools_.size())
        throw std::out_of_range("there is no pool " + std::to_string(pool.value()) + ": '" + dag_->name + "' has " +
                                std::to_string(pools_.size()) + " pools");
    return {pools_[pool.value()].used, pools_[pool.value()].slots};
}

bool run_machine::is_evaluating(task_index task) const
{
    return tasks_[checked(task)].evaluating;
}

bool run_machine::wants_slot(pool_index pool) const
{
    static_cast<void>(usage_of(pool));
    const pool_row& row = pools_[pool.value()];
    return has_room() && row.used >= row.slots && !row.ready.empty();
}

std::uint32_t run_machine::waiting_for(pool_index pool) const
{
    if (!wants_slot(pool))
        return 0;
    std::uint32_t all = 0;
    for (const std::uint32_t t : pools_[pool.value()].members) {
        const task_row& row = tasks_[t];
        if (!wants_start(row))
            continue;
        const fan_out* items = fan_out_of(row);
        const std::uint32_t queued = items ? items->counts[task_state::queued] : 1;
        const bool limited = items && items->max_active != 0;
        all += limited ? std::min(queued, items->max_active - std::min(items->max_active, items->active())) : queued;
    }
    return all;
}

cancel_reason run_machine::cancel_reason_of(task_index task) const
{
    return tasks_[checked(task)].cancelled_by;
}

} // namespace potoo::schedule
