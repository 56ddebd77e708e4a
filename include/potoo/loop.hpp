#pragma once
/// @file
/// The one-threaded event loop that coroutines run on, as they see it: time, timers, a queue of what is ready, and the
/// Asio executor. Tests and simulations put another clock behind the same interface.

#include <potoo/time.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>

namespace potoo {

/// Something that is due at a time. Lives in whatever waits (a coroutine frame, a connection); the loop only points to
/// it. Must be disarmed before it is destroyed.
class timer_node
{
  public:
    timer_node() = default;
    timer_node(const timer_node&) = delete;
    timer_node& operator=(const timer_node&) = delete;

    [[nodiscard]] bool armed() const noexcept { return slot_ != nullptr; }

  protected:
    ~timer_node() = default;

  private:
    friend class timer_queue;

    /// Called on the loop when due, disarmed by then; may destroy the node.
    virtual void on_due() = 0;

    void* slot_ = nullptr;
};

/// Something that is to be run on the loop as soon as what runs now has returned.
class ready_node
{
  public:
    ready_node() = default;
    ready_node(const ready_node&) = delete;
    ready_node& operator=(const ready_node&) = delete;

    [[nodiscard]] bool queued() const noexcept { return next_ != nullptr; }

  protected:
    ~ready_node() = default;

  private:
    friend class ready_queue;

    /// Called on the loop, no longer queued; may destroy the node.
    virtual void on_ready() = 0;

    ready_node* next_ = nullptr;
    ready_node* previous_ = nullptr;
};

class kept_execution;

/// All members are called on the loop's thread, but for `executor()`'s `post`.
class loop
{
  public:
    using executor_type = boost::asio::io_context::executor_type;

    loop(const loop&) = delete;
    loop& operator=(const loop&) = delete;

    [[nodiscard]] virtual executor_type executor() noexcept = 0;

    /// The clock of waits, read at most once per turn of the loop.
    [[nodiscard]] virtual steady_time now() noexcept = 0;

    [[nodiscard]] virtual wall_time wall_now() noexcept = 0;

    /// Calls the node's `on_due` at `due` or within a millisecond after, never before and never from here. A node that
    /// is armed is moved. `steady_time::max()` disarms.
    virtual void arm(timer_node& node, steady_time due) = 0;

    virtual void disarm(timer_node& node) noexcept = 0;

    /// Calls the node's `on_ready` after what runs now has returned; first in, first out. A queued node stays where it
    /// is.
    virtual void schedule(ready_node& node) = 0;

    virtual void unschedule(ready_node& node) noexcept = 0;

    /// Threads for calls that block. Started by the first use.
    [[nodiscard]] virtual boost::asio::thread_pool& blocking_pool() = 0;

    /// A copy of `name` that lives as long as the loop, so that the watchdog's thread can read it at any time.
    [[nodiscard]] virtual const std::string* intern(std::string_view name) = 0;

    /// Keeps `e` until it is released: what is still held when the loop is destroyed is destroyed with it.
    void adopt(kept_execution& e) noexcept;
    void release(kept_execution& e) noexcept;

    /// Destroys every execution that is held, where it waits: for an owner whose other parts those coroutines use.
    void abandon_executions() noexcept;

    /// What runs at this moment; null between turns. Read by the watchdog.
    std::atomic<const std::string*> running{nullptr};
    /// Held by the watchdog while it reads that name. Whoever gives branches names that it frees itself, instead of
    /// interned ones, locks it once between the end of those branches and that.
    mutable std::mutex name_is_read;
    /// Counts resumptions, so that the watchdog can tell one long turn from many short ones.
    std::atomic<std::uint64_t> turns{0};

  protected:
    loop() = default;
    ~loop() = default;

  private:
    kept_execution* executions_ = nullptr;
};

} // namespace potoo
