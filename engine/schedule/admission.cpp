#include "engine/schedule/run_machine.hpp"

#include <algorithm>
#include <functional>
#include <numeric>
#include <stdexcept>
#include <utility>

namespace potoo::schedule {

void run_machine::rank_tasks()
{
    task_of_rank_.resize(tasks_.size());
    std::iota(task_of_rank_.begin(), task_of_rank_.end(), std::uint32_t{0});
    std::sort(task_of_rank_.begin(), task_of_rank_.end(), [this](std::uint32_t a, std::uint32_t b) {
        return std::pair(-std::int64_t{dag_->tasks[a].priority}, a) <
               std::pair(-std::int64_t{dag_->tasks[b].priority}, b);
    });
    for (std::uint32_t rank = 0; rank < task_of_rank_.size(); ++rank)
        tasks_[task_of_rank_[rank]].rank = rank;
    ready_ = rank_set(static_cast<std::uint32_t>(tasks_.size()));
}

void run_machine::fill_pools()
{
    pools_.resize(dag_->pools.size());
    for (const std::uint32_t t : task_of_rank_) {
        const graph::task_spec& spec = dag_->tasks[t];
        if (!spec.pool)
            continue;
        if (spec.pool->value() >= pools_.size())
            throw std::invalid_argument("task '" + spec.name + "' names a pool that is not there");
        pool_row& pool = pools_[spec.pool->value()];
        tasks_[t].pool = spec.pool->value();
        tasks_[t].pool_rank = static_cast<std::uint32_t>(pool.members.size());
        pool.members.push_back(t);
    }
    for (std::size_t p = 0; p < pools_.size(); ++p) {
        pools_[p].slots = dag_->pools[p].slots;
        pools_[p].ready = rank_set(static_cast<std::uint32_t>(pools_[p].members.size()));
    }
}

void run_machine::start_ready(std::uint32_t most)
{
    for (; most > 0 && has_room(); --most) {
        const auto rank = ready_.first();
        if (!rank)
            return;
        start_one(task_of_rank_[*rank]);
    }
}

void run_machine::start_one(std::uint32_t t)
{
    const task_row& row = tasks_[t];
    const std::uint32_t i = row.has_foreach ? next_item(fan_outs_[row.fan_out]) : 0;
    const std::uint32_t attempt = row_at(t, i).attempt + 1;
    put_in_flight(t, i, attempt, !on_request_);
    actions_.emplace_back(start_attempt{task_index(t), item_index(i), attempt_number(attempt)});
}

std::uint32_t run_machine::next_item(fan_out& items)
{
    while (!items.requeued.empty()) {
        std::pop_heap(items.requeued.begin(), items.requeued.end(), std::greater<>());
        const std::uint32_t i = items.requeued.back();
        items.requeued.pop_back();
        if (items.rows[i].state == task_state::queued)
            return i;
    }
    return static_cast<std::uint32_t>(items.rows.size());
}

void run_machine::put_in_flight(std::uint32_t t, std::uint32_t item, std::uint32_t attempt, bool begun)
{
    item_row& row = row_at(t, item);
    row.attempt = attempt;
    row.begun = begun;
    ++in_flight_;
    set_item_state(t, item, task_state::running);
    if (const std::uint32_t p = tasks_[t].pool; p != none)
        ++pools_[p].used;
    refresh_ready(t);
}

/// Makes the row of an item that never started, and of those before it, which then wait as if they had been queued
/// again.
run_machine::item_row& run_machine::row_at(std::uint32_t t, std::uint32_t item)
{
    task_row& row = tasks_[t];
    if (!row.has_foreach)
        return row.own;
    fan_out& items = fan_outs_[row.fan_out];
    while (items.rows.size() <= item) {
        if (items.rows.size() < item) {
            items.requeued.push_back(static_cast<std::uint32_t>(items.rows.size()));
            std::push_heap(items.requeued.begin(), items.requeued.end(), std::greater<>());
        }
        items.rows.push_back({0, 0, task_state::queued});
    }
    return items.rows[item];
}

/// Gives back what an attempt was admitted to. To be followed by `refresh_ready`, which offers the slot again.
void run_machine::release(std::uint32_t t, std::uint32_t item)
{
    --in_flight_;
    release_slot(t, item);
    item_row& row = row_at(t, item);
    row.slotless = false;
    if (tasks_[t].has_foreach)
        --fan_outs_[tasks_[t].fan_out].slotless;
}

/// Once: the attempt stays in flight. To be followed by `refresh_ready` as well.
void run_machine::release_slot(std::uint32_t t, std::uint32_t item)
{
    item_row& row = row_at(t, item);
    if (row.slotless)
        return;
    row.slotless = true;
    if (tasks_[t].has_foreach)
        ++fan_outs_[tasks_[t].fan_out].slotless;
    if (const std::uint32_t p = tasks_[t].pool; p != none)
        --pools_[p].used;
}

/// Queues an item that was tried before.
void run_machine::requeue(std::uint32_t t, std::uint32_t item)
{
    if (tasks_[t].has_foreach) {
        auto& requeued = fan_outs_[tasks_[t].fan_out].requeued;
        requeued.push_back(item);
        std::push_heap(requeued.begin(), requeued.end(), std::greater<>());
    }
    set_item_state(t, item, task_state::queued);
    refresh_ready(t);
}

bool run_machine::wants_start(const task_row& row) const
{
    if (!row.has_foreach)
        return row.own.state == task_state::queued;
    if (row.fan_out == none)
        return false;
    const fan_out& items = fan_outs_[row.fan_out];
    if (items.counts[task_state::queued] == 0)
        return false;
    return items.max_active == 0 || items.active() < items.max_active;
}

void run_machine::refresh_ready(std::uint32_t t)
{
    const task_row& row = tasks_[t];
    const bool wants = wants_start(row);
    if (row.pool == none) {
        wants ? ready_.insert(row.rank) : ready_.erase(row.rank);
        return;
    }
    pool_row& pool = pools_[row.pool];
    wants ? pool.ready.insert(row.pool_rank) : pool.ready.erase(row.pool_rank);
    offer(pool);
}

/// Lets the pool's first task stand for it among those that may start, while there is a free slot.
void run_machine::offer(pool_row& pool)
{
    std::uint32_t first = none;
    if (pool.used < pool.slots)
        if (const auto member = pool.ready.first())
            first = tasks_[pool.members[*member]].rank;
    if (first == pool.offered)
        return;
    if (pool.offered != none)
        ready_.erase(pool.offered);
    if (first != none)
        ready_.insert(first);
    pool.offered = first;
}

} // namespace potoo::schedule
