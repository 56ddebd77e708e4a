#pragma once
/// @file
/// What is to run next on the loop, first in, first out. Intrusive: a node that is destroyed takes itself out.

#include <potoo/loop.hpp>

#include <cstddef>

namespace potoo {

class ready_queue
{
  public:
    ready_queue() noexcept;
    ready_queue(const ready_queue&) = delete;
    ready_queue& operator=(const ready_queue&) = delete;

    /// No effect on a node that is queued.
    void push(ready_node& n) noexcept;

    /// No effect on a node that is not queued.
    void remove(ready_node& n) noexcept;

    [[nodiscard]] bool empty() const noexcept { return head_.next_ == &head_; }

    /// Runs what is queued now; what is queued meanwhile waits for the next call, so that I/O gets its turn.
    void run();

    /// As `run`, one node a call. @return false after the last of those that were queued when the turn began
    bool run_one();

  private:
    struct sentinel final : ready_node
    {
        void on_ready() override {}
    };

    sentinel head_;
    sentinel mark_;
};

} // namespace potoo
