#pragma once
// Runs a task from a test, on a virtual clock, and keeps what became of it.

#include "engine/loop/virtual_loop.hpp"

#include <potoo/execution.hpp>
#include <potoo/task.hpp>

#include <exception>
#include <optional>
#include <utility>

namespace potoo::test {

template <class T>
class runner final : public execution
{
  public:
    runner(potoo::loop& l, task<T> t) : execution(l, l.intern("test")), task_(std::move(t))
    {
        task_access<T>::start(task_, *this);
    }

    [[nodiscard]] bool ended() const noexcept { return ended_; }

    /// The value, or the exception, of the ended task.
    T take() { return task_access<T>::result(task_).take(); }

    /// The reason if it ended by cancellation, else `none`.
    [[nodiscard]] cancel_reason ended_by()
    {
        try {
            take();
        } catch (const cancelled& c) {
            return c.reason();
        }
        return cancel_reason::none;
    }

  private:
    void on_end() noexcept override { ended_ = true; }

    task<T> task_;
    bool ended_ = false;
};

struct fixture
{
    boost::asio::io_context context{1};
    virtual_loop loop{context};

    template <class T>
    T run(task<T> t)
    {
        runner<T> r(loop, std::move(t));
        loop.run();
        if (!r.ended())
            throw std::logic_error("the task waits for ever");
        return r.take();
    }
};

} // namespace potoo::test
