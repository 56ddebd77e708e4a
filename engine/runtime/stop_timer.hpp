#pragma once
/// @file
/// The journal has not taken a cancellation in time.

#include "engine/runtime/run_executor.hpp"

#include <potoo/loop.hpp>

namespace potoo::runtime {

struct run_executor::stop_timer final : timer_node
{
    explicit stop_timer(run_executor& owner) : owner_(owner) {}

    ~stop_timer()
    {
        if (armed())
            owner_.services_.loop.disarm(*this);
    }

    stop_timer(const stop_timer&) = delete;
    stop_timer& operator=(const stop_timer&) = delete;

    void on_due() override { owner_.wake(); }

  private:
    run_executor& owner_;
};

} // namespace potoo::runtime
