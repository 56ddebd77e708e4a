#pragma once
/// @file
/// Reads of the journal that take longer than the loop may be held up.

#include "engine/journal/store.hpp"

#include <potoo/blocking.hpp>
#include <potoo/task.hpp>
#include <potoo/wait.hpp>

#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

namespace potoo::host {

class journal_desk
{
  public:
    /// @param open makes a reader, on any thread; empty = `here` is asked, on the loop. `here` must outlive it.
    journal_desk(journal::reader& here, std::function<std::unique_ptr<journal::reader>()> open)
        : here_(here), open_(std::move(open))
    {}

    /// What `ask` finds. It may run on another thread, and outlive the coroutine that asked.
    template <class T>
    [[nodiscard]] task<T> look(std::function<T(journal::reader&)> ask)
    {
        if (!open_)
            co_return ask(here_);
        co_await free_.acquire();
        const slot_guard held(free_);
        // The reader goes with the call: a coroutine that is told to stop leaves it to the thread.
        auto call = [reader = take(), open = open_, ask = std::move(ask)]() mutable {
            if (!reader)
                reader = open();
            T found = ask(*reader);
            return std::pair(std::move(reader), std::move(found));
        };
        auto done = co_await blocking(std::move(call));
        idle_.push_back(std::move(done.first));
        co_return std::move(done.second);
    }

    /// Of what may take seconds: one at a time, so that others find a thread. It is told to stop when whoever asked
    /// has gone or the server ends.
    template <class T>
    [[nodiscard]] task<T> look_long(std::function<T(journal::reader&, const std::atomic<bool>&)> ask)
    {
        co_await long_.acquire();
        const slot_guard held(long_);
        const auto stop = std::make_shared<std::atomic<bool>>(false);
        const set_at_end gone{*stop};
        std::function<T(journal::reader&)> told = [stop, ask = std::move(ask)](journal::reader& journal) {
            return ask(journal, *stop);
        };
        auto found = co_await look(std::move(told));
        co_return found;
    }

  private:
    struct set_at_end
    {
        explicit set_at_end(std::atomic<bool>& f) : flag(f) {}

        set_at_end(const set_at_end&) = delete;
        set_at_end& operator=(const set_at_end&) = delete;

        ~set_at_end() { flag = true; }

        std::atomic<bool>& flag;
    };

    [[nodiscard]] std::unique_ptr<journal::reader> take()
    {
        if (idle_.empty())
            return nullptr;
        auto last = std::move(idle_.back());
        idle_.pop_back();
        return last;
    }

    journal::reader& here_;
    std::function<std::unique_ptr<journal::reader>()> open_;
    std::vector<std::unique_ptr<journal::reader>> idle_; ///< the one used last is the one that knows most
    semaphore free_{2};
    semaphore long_{1};
};

} // namespace potoo::host
