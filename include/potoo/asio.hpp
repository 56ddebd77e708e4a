#pragma once
/// @file
/// Between `task` and Asio: any Asio-based library can be used in a task, and a task in any Asio-based program.

#include <potoo/execution.hpp>
#include <potoo/task.hpp>

#include <boost/asio/associated_allocator.hpp>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/error_code.hpp>
#include <boost/system/result.hpp>
#include <boost/system/system_error.hpp>

#include <exception>
#include <optional>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>

namespace potoo {

/// Completion token: `auto n = co_await socket.async_read_some(buffer, use_task);`
///
/// An operation that completes with an `error_code` and a value of type `T` yields `boost::system::result<T>`; with an
/// `error_code` alone, `result<void>`; with an `exception_ptr`, the value, or the exception is thrown; with several
/// values a tuple of them. Nothing starts before it is awaited.
///
/// When the branch is told to stop, the operation is cancelled and, once it has ended without success, `cancelled` is
/// thrown; `operation_aborted` for any other cause arrives as `error::connection_aborted`. A frame that is destroyed
/// meanwhile abandons the operation: it is cancelled, and what it delivers is dropped. Buffers of a *composed*
/// operation must then live elsewhere than in that frame; await its end (by cancelling) where they do not.
struct use_task_t
{};

inline constexpr use_task_t use_task{};

namespace detail {

/// What an operation with the completion arguments `Args` yields to `co_await`.
template <class... Args>
struct completion
{
    using type = std::tuple<Args...>;

    static type finish(std::tuple<Args...>&& args, bool) { return std::move(args); }

    static bool succeeded(const std::tuple<Args...>&) noexcept { return true; }
};

template <>
struct completion<>
{
    using type = void;

    static void finish(std::tuple<>&&, bool) noexcept {}

    static bool succeeded(const std::tuple<>&) noexcept { return true; }
};

template <class T>
    requires(!std::is_same_v<T, boost::system::error_code> && !std::is_same_v<T, std::exception_ptr>)
struct completion<T>
{
    using type = T;

    static T finish(std::tuple<T>&& args, bool) { return std::get<0>(std::move(args)); }

    static bool succeeded(const std::tuple<T>&) noexcept { return true; }
};

[[nodiscard]] inline boost::system::error_code not_aborted(boost::system::error_code ec) noexcept
{
    return ec == boost::asio::error::operation_aborted ? boost::asio::error::connection_aborted : ec;
}

template <class... Rest>
struct completion<boost::system::error_code, Rest...>
{
    using value = typename completion<Rest...>::type;
    using type = boost::system::result<value>;
    using arguments = std::tuple<boost::system::error_code, Rest...>;

    static type finish(arguments&& args, bool)
    {
        if (std::get<0>(args))
            return not_aborted(std::get<0>(args));
        if constexpr (sizeof...(Rest) == 0)
            return type();
        else if constexpr (sizeof...(Rest) == 1)
            return type(std::get<1>(std::move(args)));
        else
            return type(std::apply([](auto&&, auto&&... rest) { return value(std::move(rest)...); }, std::move(args)));
    }

    static bool succeeded(const arguments& args) noexcept { return !std::get<0>(args); }
};

template <class... Rest>
struct completion<std::exception_ptr, Rest...>
{
    using type = typename completion<Rest...>::type;
    using arguments = std::tuple<std::exception_ptr, Rest...>;

    static type finish(arguments&& args, bool)
    {
        if (std::get<0>(args))
            std::rethrow_exception(std::get<0>(args));
        if constexpr (sizeof...(Rest) == 1)
            return std::get<1>(std::move(args));
        else if constexpr (sizeof...(Rest) > 1)
            return std::apply([](auto&&, auto&&... rest) { return type(std::move(rest)...); }, std::move(args));
    }

    static bool succeeded(const arguments& args) noexcept { return !std::get<0>(args); }
};

template <class... Args>
class asio_wait_base;

/// What outlives the awaiter when a frame is destroyed with its operation in flight. Owned by the operation's handler.
template <class... Args>
struct asio_operation
{
    static void* operator new(std::size_t size) { return frame_allocate(size); }

    static void operator delete(void* p, std::size_t size) noexcept { frame_deallocate(p, size); }

    asio_wait_base<Args...>* awaiter;
    boost::asio::cancellation_signal signal;
};

/// A leaf that waits for an Asio operation.
template <class... Args>
class asio_wait_base : public leaf
{
  protected:
    ~asio_wait_base() = default;

    void forget() noexcept
    {
        abandon();
        if (operation_)
            operation_->awaiter = nullptr;
    }

    bool withdraw() noexcept override
    {
        if (operation_)
            operation_->signal.emit(boost::asio::cancellation_type::all);
        return false;
    }

    asio_operation<Args...>* operation_ = nullptr;
    std::optional<std::tuple<Args...>> arguments_;

  private:
    template <class...>
    friend class asio_handler;

    template <class... Actual>
    void deliver(Actual&&... args)
    {
        operation_ = nullptr;
        arguments_.emplace(std::forward<Actual>(args)...);
        complete_now();
    }
};

template <class... Args>
class asio_handler
{
  public:
    using allocator_type = frame_allocator<std::byte>;
    using cancellation_slot_type = boost::asio::cancellation_slot;
    using executor_type = loop::executor_type;

    asio_handler(asio_operation<Args...>* op, executor_type executor) noexcept
        : operation_(op), slot_(op->signal.slot()), executor_(executor)
    {}

    asio_handler(asio_handler&& other) noexcept
        : operation_(std::exchange(other.operation_, nullptr)), slot_(other.slot_), executor_(other.executor_)
    {}

    asio_handler& operator=(asio_handler&&) = delete;

    /// Not invoked: the io_context went down first. The coroutine stays suspended until its owner destroys it.
    ~asio_handler()
    {
        if (!operation_)
            return;
        if (operation_->awaiter)
            operation_->awaiter->operation_ = nullptr;
        delete operation_;
    }

    template <class... Actual>
    void operator()(Actual&&... args)
    {
        asio_operation<Args...>* op = std::exchange(operation_, nullptr);
        asio_wait_base<Args...>* awaiter = op->awaiter;
        delete op;
        if (awaiter)
            awaiter->deliver(std::forward<Actual>(args)...);
    }

    [[nodiscard]] allocator_type get_allocator() const noexcept { return {}; }

    [[nodiscard]] cancellation_slot_type get_cancellation_slot() const noexcept { return slot_; }

    [[nodiscard]] executor_type get_executor() const noexcept { return executor_; }

  private:
    asio_operation<Args...>* operation_;
    boost::asio::cancellation_slot slot_;
    executor_type executor_;
};

template <class Initiation, class InitArgs, class... Args>
class [[nodiscard("an operation with use_task does nothing until it is awaited")]] asio_wait final
    : public asio_wait_base<Args...>
{
  public:
    asio_wait(Initiation initiation, InitArgs args) : initiation_(std::move(initiation)), init_args_(std::move(args)) {}

    ~asio_wait() { this->forget(); }

    typename completion<Args...>::type await_resume()
    {
        if (!this->arguments_) {
            this->throw_if_cancelled();
            throw std::logic_error("an operation ended without a result");
        }
        const cancel_reason reason = this->owner().cancel_requested();
        if (reason != cancel_reason::none && !completion<Args...>::succeeded(*this->arguments_))
            throw cancelled(reason);
        return completion<Args...>::finish(std::move(*this->arguments_), false);
    }

  private:
    bool start() override
    {
        this->operation_ = new asio_operation<Args...>{this, {}};
        asio_handler<Args...> handler(this->operation_, this->owner().loop().executor());
        std::apply(
            [&](auto&&... args) { std::move(initiation_)(std::move(handler), std::forward<decltype(args)>(args)...); },
            std::move(init_args_));
        return !this->arguments_.has_value();
    }

    Initiation initiation_;
    InitArgs init_args_;
};

} // namespace detail

/// Awaits an Asio coroutine in a task. It runs on the loop; a cancellation of the branch reaches it as Asio's (all
/// types) and comes out as `cancelled`.
template <class T, class Executor>
task<T> as_task(boost::asio::awaitable<T, Executor> a)
{
    branch& b = co_await this_branch();
    const Executor executor(b.loop().executor());
    if constexpr (std::is_void_v<T>) {
        co_await boost::asio::co_spawn(executor, std::move(a), use_task);
    } else {
        T value = co_await boost::asio::co_spawn(executor, std::move(a), use_task);
        co_return value;
    }
}

namespace detail {

template <class T, class Handler>
class async_execution final : public kept_execution
{
  public:
    async_execution(potoo::loop& l, std::string_view name, task<T> t, Handler handler)
        : kept_execution(l, l.intern(name)), task_(std::move(t)), handler_(std::move(handler))
    {}

    void start()
    {
        auto slot = boost::asio::get_associated_cancellation_slot(handler_);
        if (slot.is_connected())
            slot.assign([this](boost::asio::cancellation_type) { cancel(cancel_reason::user); });
        loop().adopt(*this);
        task_access<T>::start(task_, *this);
    }

  private:
    void on_end() noexcept override
    {
        loop().release(*this);
        auto slot = boost::asio::get_associated_cancellation_slot(handler_);
        if (slot.is_connected())
            slot.clear();
        outcome<T>& result = task_access<T>::result(task_);
        std::exception_ptr error = as_asio_error(result.error());
        auto executor = boost::asio::get_associated_executor(handler_, loop().executor());
        if constexpr (std::is_void_v<T>) {
            finish(executor, [h = std::move(handler_), error]() mutable { std::move(h)(error); });
        } else {
            std::optional<T> value;
            if (!error)
                value.emplace(result.take());
            finish(executor, [h = std::move(handler_), error, v = std::move(value)]() mutable {
                std::move(h)(error, std::move(v));
            });
        }
    }

    template <class Executor, class Completion>
    void finish(const Executor& executor, Completion completion) noexcept
    {
        delete this;
        boost::asio::post(executor, std::move(completion));
    }

    static std::exception_ptr as_asio_error(std::exception_ptr e) noexcept
    {
        if (!e)
            return e;
        try {
            std::rethrow_exception(e);
        } catch (const cancelled&) {
            return std::make_exception_ptr(boost::system::system_error(boost::asio::error::operation_aborted));
        } catch (...) {
            return e;
        }
    }

    task<T> task_;
    Handler handler_;
};

template <class T>
struct async_signature
{
    using type = void(std::exception_ptr, std::optional<T>);
};

template <>
struct async_signature<void>
{
    using type = void(std::exception_ptr);
};

} // namespace detail

/// Starts `t` as an Asio operation with signature `void(exception_ptr, optional<T>)`, or `void(exception_ptr)` for
/// `void`. An Asio cancellation stops it with reason `user`, and `cancelled` arrives as `operation_aborted`. `l` must
/// outlive it and its io_context must run until it has ended. Must be called on the loop's thread.
template <class T, class Token>
auto async_run(potoo::loop& l, std::string name, task<T> t, Token&& token)
{
    return boost::asio::async_initiate<Token, typename detail::async_signature<T>::type>(
        [&l](auto handler, std::string n, task<T> work) {
            auto* e = new detail::async_execution<T, decltype(handler)>(l, n, std::move(work), std::move(handler));
            e->start();
        },
        token, std::move(name), std::move(t));
}

/// Awaits a task in an Asio coroutine. `l` must run on the coroutine's executor.
template <class T>
boost::asio::awaitable<T> as_awaitable(potoo::loop& l, task<T> t)
{
    if constexpr (std::is_void_v<T>) {
        co_await async_run(l, "as_awaitable", std::move(t), boost::asio::use_awaitable);
    } else {
        std::optional<T> value = co_await async_run(l, "as_awaitable", std::move(t), boost::asio::use_awaitable);
        co_return std::move(*value);
    }
}

} // namespace potoo

template <class... Args>
class boost::asio::async_result<potoo::use_task_t, void(Args...)>
{
  public:
    template <class Initiation, class... InitArgs>
    static auto initiate(Initiation&& initiation, potoo::use_task_t, InitArgs&&... args)
    {
        using arguments = std::tuple<std::decay_t<InitArgs>...>;
        return potoo::detail::asio_wait<std::decay_t<Initiation>, arguments, std::decay_t<Args>...>(
            std::forward<Initiation>(initiation), arguments(std::forward<InitArgs>(args)...));
    }
};
