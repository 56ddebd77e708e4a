#pragma once
/// @file
/// The time between two attempts of one item.

#include "engine/runtime/run_executor.hpp"
#include "engine/runtime/run_records.hpp"

#include <potoo/loop.hpp>

#include <utility>

namespace potoo::runtime {

struct run_executor::retry_timer final : timer_node
{
    retry_timer(run_executor& owner, task_index t, item_index i, wall_time at)
        : owner_(owner), task_(t), item_(i), at_(at)
    {}

    ~retry_timer()
    {
        if (armed())
            owner_.services_.loop.disarm(*this);
    }

    retry_timer(const retry_timer&) = delete;
    retry_timer& operator=(const retry_timer&) = delete;

    /// When the next attempt is due.
    [[nodiscard]] wall_time at() const noexcept { return at_; }

    void on_due() override
    {
        run_executor& owner = owner_;
        journal::record r = task_record(journal::record_kind::retry_due, task_);
        r.item = item_;
        owner.enqueue(schedule::retry_due{task_, item_}, std::move(r));
        owner.retries_.erase(key_of(task_, item_));
    }

  private:
    run_executor& owner_;
    task_index task_;
    item_index item_;
    wall_time at_;
};

} // namespace potoo::runtime
