#pragma once
/// @file
/// Waits that need no other system: for a time, and for something else on the same loop.

#include <potoo/branch.hpp>

#include <cstddef>

namespace potoo {

/// `co_await sleep_until(t)`: goes on at `t` or up to a millisecond after. In the past: at once. Throws `cancelled`.
class [[nodiscard]] sleep_until final : public leaf, private timer_node
{
  public:
    explicit sleep_until(steady_time due) noexcept : due_(due) {}

    ~sleep_until() { abandon(); }

    void await_resume() const { throw_if_cancelled(); }

  private:
    bool start() override;
    bool withdraw() noexcept override;
    void on_due() override;

    steady_time due_;
};

/// `co_await sleep_for(30s)`: not negative.
class [[nodiscard]] sleep_for final : public leaf, private timer_node
{
  public:
    explicit sleep_for(steady_clock::duration d) noexcept : delay_(d) {}

    ~sleep_for() { abandon(); }

    void await_resume() const { throw_if_cancelled(); }

  private:
    bool start() override;
    bool withdraw() noexcept override;
    void on_due() override;

    steady_clock::duration delay_;
};

/// `co_await yield_now()`: lets everything run that is ready, then goes on. Throws `cancelled`.
class [[nodiscard]] yield_now final : public leaf
{
  public:
    ~yield_now() { abandon(); }

    void await_resume() const { throw_if_cancelled(); }

  private:
    bool start() override;
    bool withdraw() noexcept override;
};

/// Counts up; coroutines wait until it has reached a number. A latch, a completion event (count to 1), a journal
/// position. Wakes in order of arrival. Must outlive its waits, or be closed by their end.
class counter
{
  public:
    class wait;

    counter() = default;
    counter(const counter&) = delete;
    counter& operator=(const counter&) = delete;
    ~counter();

    [[nodiscard]] std::uint64_t value() const noexcept { return value_; }

    /// Never goes back: a smaller value has no effect.
    void advance_to(std::uint64_t value) noexcept;

    void increment() noexcept { advance_to(value_ + 1); }

    /// `co_await c.reached(n)`: until `value() >= n`. Throws `cancelled`.
    [[nodiscard]] wait reached(std::uint64_t n) noexcept;

  private:
    friend class wait;

    std::uint64_t value_ = 0;
    wait* first_ = nullptr;
    wait* last_ = nullptr;
};

class [[nodiscard]] counter::wait final : public leaf
{
  public:
    wait(counter& c, std::uint64_t n) noexcept : counter_(&c), target_(n) {}

    ~wait() { abandon(); }

    void await_resume() const { throw_if_cancelled(); }

  private:
    friend class counter;

    bool start() override;
    bool withdraw() noexcept override;
    void unlink() noexcept;

    counter* counter_;
    std::uint64_t target_;
    wait* next_ = nullptr;
    wait* previous_ = nullptr;
};

/// A number of slots; coroutines wait for one in order of arrival.
class semaphore
{
  public:
    class wait;

    explicit semaphore(std::size_t slots) noexcept : free_(slots) {}

    semaphore(const semaphore&) = delete;
    semaphore& operator=(const semaphore&) = delete;
    ~semaphore();

    /// `co_await s.acquire()`: a slot, to be given back by `release`. Throws `cancelled`, and then has none.
    [[nodiscard]] wait acquire() noexcept;

    /// A slot if one is free.
    [[nodiscard]] bool try_acquire() noexcept
    {
        if (free_ == 0)
            return false;
        --free_;
        return true;
    }

    void release() noexcept;

    /// Slots nobody holds.
    [[nodiscard]] std::size_t available() const noexcept { return free_; }

  private:
    friend class wait;

    std::size_t free_;
    wait* first_ = nullptr;
    wait* last_ = nullptr;
};

class [[nodiscard]] semaphore::wait final : public leaf
{
  public:
    explicit wait(semaphore& s) noexcept : semaphore_(&s) {}

    ~wait();

    void await_resume()
    {
        throw_if_cancelled();
        granted_ = false;
    }

  private:
    friend class semaphore;

    bool start() override;
    bool withdraw() noexcept override;
    void unlink() noexcept;

    semaphore* semaphore_;
    bool granted_ = false; ///< holds a slot that the coroutine has not taken over yet
    wait* next_ = nullptr;
    wait* previous_ = nullptr;
};

/// Holds a slot of a semaphore until it goes out of scope.
class slot_guard
{
  public:
    explicit slot_guard(semaphore& s) noexcept : semaphore_(&s) {}

    slot_guard(const slot_guard&) = delete;
    slot_guard& operator=(const slot_guard&) = delete;

    ~slot_guard() { semaphore_->release(); }

  private:
    semaphore* semaphore_;
};

} // namespace potoo
