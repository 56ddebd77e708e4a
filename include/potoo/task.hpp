#pragma once
/// @file
/// `task<T>`: the coroutine type of operators and of everything in the engine that waits.
///
/// A task is lazy: nothing runs before it is awaited. It is awaited once, by another task (`co_await f(x)`,
/// `co_await std::move(t)`), which is then suspended until it ends; its value is moved out, or its exception rethrown.
/// A task that is destroyed before it ended withdraws from whatever it waited for, and its locals are destroyed,
/// innermost first.
///
/// Rules that keep older compilers and readers out of trouble: `co_await` stands as a statement of its own or in
/// `auto x = co_await f(named, args);`, never in a condition or a `catch`; coroutines are free functions rather than
/// capturing lambdas; their parameters are values, or outlive them.

#include <potoo/branch.hpp>
#include <potoo/detail/frame_slab.hpp>

#include <cassert>
#include <coroutine>
#include <cstddef>
#include <exception>
#include <memory>
#include <new>
#include <stdexcept>
#include <type_traits>
#include <utility>

namespace potoo {

template <class T = void>
class task;

/// The end of a coroutine: goes on with whoever awaits it, or reports the end of the branch.
struct final_awaiter
{
    [[nodiscard]] bool await_ready() const noexcept { return false; }

    template <class Promise>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> h) noexcept
    {
        auto& promise = h.promise();
        if (promise.continuation_)
            return promise.continuation_;
        promise.branch_->on_end();
        return std::noop_coroutine();
    }

    void await_resume() const noexcept {}
};

/// What the promises of all tasks share. A frame comes from the slab.
class promise_base : public detail::slab_allocated
{
  public:
    [[nodiscard]] std::suspend_always initial_suspend() const noexcept { return {}; }

    [[nodiscard]] final_awaiter final_suspend() const noexcept { return {}; }

    /// The branch that the coroutine runs on: that of the coroutine which awaits it.
    [[nodiscard]] branch& current_branch() const noexcept { return *branch_; }

  protected:
    promise_base() = default;
    ~promise_base() = default;

  private:
    friend struct final_awaiter;
    template <class T>
    friend struct task_access;

    std::coroutine_handle<> continuation_;
    branch* branch_ = nullptr;
};

namespace detail {

template <class T>
inline constexpr bool is_small = sizeof(T) <= sizeof(std::exception_ptr);
template <>
inline constexpr bool is_small<void> = true;

/// Room for a value or an exception, in the promise.
/// @tparam InPlace false: a value gets its room in the slab, and only once there is one, so that frames that wait do
/// not keep it free
template <class T, bool InPlace = is_small<T>>
class outcome
{
  public:
    outcome() noexcept {}

    outcome(const outcome&) = delete;
    outcome& operator=(const outcome&) = delete;

    ~outcome()
    {
        if (state_ == state::value)
            std::destroy_at(std::addressof(value_));
        else if (state_ == state::error)
            std::destroy_at(std::addressof(error_));
    }

    template <class U>
    void set_value(U&& v)
    {
        if constexpr (InPlace)
            std::construct_at(std::addressof(value_), std::forward<U>(v));
        else
            std::construct_at(std::addressof(value_), std::make_unique<apart>(std::forward<U>(v)));
        state_ = state::value;
    }

    void set_error(std::exception_ptr e) noexcept
    {
        std::construct_at(std::addressof(error_), std::move(e));
        state_ = state::error;
    }

    /// The exception it ended with, or null.
    [[nodiscard]] std::exception_ptr error() const noexcept { return state_ == state::error ? error_ : nullptr; }

    /// Once. Rethrows the exception.
    T take()
    {
        if (state_ == state::error)
            std::rethrow_exception(error_);
        assert(state_ == state::value);
        if constexpr (InPlace)
            return std::move(value_);
        else
            return std::move(value_->value);
    }

  private:
    enum class state : unsigned char
    {
        empty,
        value,
        error,
    };

    struct apart : slab_allocated
    {
        template <class U>
        explicit apart(U&& v) : value(std::forward<U>(v))
        {}

        T value;
    };

    static_assert(InPlace || alignof(T) <= alignof(std::max_align_t), "the slab knows no larger alignment");

    union
    {
        std::conditional_t<InPlace, T, std::unique_ptr<apart>> value_;
        std::exception_ptr error_;
    };

    state state_ = state::empty;
};

template <bool InPlace>
class outcome<void, InPlace>
{
  public:
    void set_error(std::exception_ptr e) noexcept { error_ = std::move(e); }

    [[nodiscard]] const std::exception_ptr& error() const noexcept { return error_; }

    void take() const
    {
        if (error_)
            std::rethrow_exception(error_);
    }

  private:
    std::exception_ptr error_;
};

template <class T>
class promise : public promise_base
{
  public:
    task<T> get_return_object() noexcept;

    template <class U = T>
        requires std::is_constructible_v<T, U&&>
    void return_value(U&& v)
    {
        result.set_value(std::forward<U>(v));
    }

    void unhandled_exception() noexcept { result.set_error(std::current_exception()); }

    outcome<T> result;
};

template <>
class promise<void> : public promise_base
{
  public:
    task<void> get_return_object() noexcept;

    void return_void() const noexcept {}

    void unhandled_exception() noexcept { result.set_error(std::current_exception()); }

    outcome<void> result;
};

} // namespace detail

template <class T>
class [[nodiscard("a task does nothing until it is awaited")]] task
{
  public:
    using promise_type = detail::promise<T>;
    using value_type = T;

    task() noexcept = default;

    task(task&& other) noexcept : handle_(std::exchange(other.handle_, {})) {}

    task& operator=(task&& other) noexcept
    {
        if (this != &other) {
            destroy();
            handle_ = std::exchange(other.handle_, {});
        }
        return *this;
    }

    ~task() { destroy(); }

    /// False after it was moved from or awaited.
    [[nodiscard]] explicit operator bool() const noexcept { return static_cast<bool>(handle_); }

    auto operator co_await() && noexcept { return awaiter(std::move(*this)); }

  private:
    template <class>
    friend class detail::promise;
    template <class>
    friend struct task_access;

    /// Owns the frame from here on, so that a second await finds an empty task.
    class awaiter
    {
      public:
        explicit awaiter(task&& t) noexcept : task_(std::move(t)) {}

        [[nodiscard]] bool await_ready() const
        {
            if (!task_)
                throw std::logic_error("a task was awaited that is empty: moved from, or awaited before");
            return false;
        }

        template <class Promise>
        std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> h) noexcept;

        T await_resume() { return task_.handle_.promise().result.take(); }

      private:
        task task_;
    };

    explicit task(std::coroutine_handle<promise_type> h) noexcept : handle_(h) {}

    void destroy() noexcept
    {
        if (handle_)
            std::exchange(handle_, {}).destroy();
    }

    std::coroutine_handle<promise_type> handle_;
};

/// How branches start the task that is their outermost coroutine.
template <class T>
struct task_access
{
    /// Runs `t` on `b` until it first waits. When it ends `b.on_end()` is called.
    static void start(task<T>& t, branch& b)
    {
        t.handle_.promise().branch_ = &b;
        b.resume(t.handle_);
    }

    static detail::outcome<T>& result(task<T>& t) noexcept { return t.handle_.promise().result; }

    static void join(promise_base& child, branch& b, std::coroutine_handle<> continuation) noexcept
    {
        child.branch_ = &b;
        child.continuation_ = continuation;
    }
};

template <class T>
template <class Promise>
std::coroutine_handle<> task<T>::awaiter::await_suspend(std::coroutine_handle<Promise> h) noexcept
{
    static_assert(
        requires { h.promise().current_branch(); },
        "a potoo::task is awaited by another potoo::task; in an asio::awaitable use as_awaitable");
    task_access<T>::join(task_.handle_.promise(), h.promise().current_branch(), h);
    return task_.handle_;
}

namespace detail {

template <class T>
task<T> promise<T>::get_return_object() noexcept
{
    return task<T>(std::coroutine_handle<promise<T>>::from_promise(*this));
}

inline task<void> promise<void>::get_return_object() noexcept
{
    return task<void>(std::coroutine_handle<promise<void>>::from_promise(*this));
}

struct this_branch_awaiter
{
    [[nodiscard]] bool await_ready() const noexcept { return false; }

    template <class Promise>
    bool await_suspend(std::coroutine_handle<Promise> h) noexcept
    {
        branch_ = &h.promise().current_branch();
        return false;
    }

    [[nodiscard]] branch& await_resume() const noexcept { return *branch_; }

    branch* branch_ = nullptr;
};

} // namespace detail

/// `branch& b = co_await this_branch();` – the branch that the coroutine runs on, without suspending.
[[nodiscard]] inline detail::this_branch_awaiter this_branch() noexcept
{
    return {};
}

} // namespace potoo
