#pragma once
/// @file
/// Calls that block, out of the loop's way.

#include <potoo/task.hpp>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>

#include <exception>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

namespace potoo {

namespace detail {

/// Shared by the waiting coroutine and the thread, because either may be gone first.
template <class Function>
struct blocking_call
{
    explicit blocking_call(Function f) : function(std::move(f)) {}

    Function function;
    outcome<std::invoke_result_t<Function&>, true> result; ///< in place: the slab of the thread is not the loop's
    /// Only touched on the loop's thread.
    leaf* awaiter = nullptr;
};

template <class Function>
class [[nodiscard]] blocking_wait final : public leaf
{
    using result_type = std::invoke_result_t<Function&>;
    using call = blocking_call<Function>;

  public:
    explicit blocking_wait(Function f) : call_(std::make_shared<call>(std::move(f))) {}

    ~blocking_wait()
    {
        abandon();
        call_->awaiter = nullptr;
    }

    result_type await_resume()
    {
        throw_if_cancelled();
        return call_->result.take();
    }

  private:
    bool start() override
    {
        call_->awaiter = this;
        auto executor = owner().loop().executor();
        boost::asio::post(owner().loop().blocking_pool(),
                          [c = call_, executor, work = boost::asio::make_work_guard(executor)]() mutable {
                              run(*c);
                              boost::asio::post(executor, [c = std::move(c)] {
                                  if (auto* self = static_cast<blocking_wait*>(c->awaiter))
                                      self->complete_now();
                              });
                              work.reset();
                          });
        return true;
    }

    static void run(call& c) noexcept
    {
        try {
            if constexpr (std::is_void_v<result_type>)
                c.function();
            else
                c.result.set_value(c.function());
        } catch (...) {
            c.result.set_error(std::current_exception());
        }
    }

    bool withdraw() noexcept override
    {
        call_->awaiter = nullptr;
        return true;
    }

    std::shared_ptr<call> call_;
};

} // namespace detail

/// `auto x = co_await blocking([path] { return read_whole(path); });` – runs the function on a thread of a small pool
/// and yields what it returns or throws. A branch that is told to stop goes on at once with `cancelled`, and so does a
/// frame that is destroyed; the function then runs to its end unobserved, so it must own what it uses.
template <class Function>
[[nodiscard]] detail::blocking_wait<Function> blocking(Function f)
{
    return detail::blocking_wait<Function>(std::move(f));
}

} // namespace potoo
