#pragma once
// The wait of a backend in tests: looks at given times whether it is over.

#include <potoo/branch.hpp>
#include <potoo/loop.hpp>
#include <potoo/time.hpp>

#include <functional>
#include <optional>
#include <utility>

namespace potoo::test {

class repeated_look final : public leaf, private timer_node
{
  public:
    /// @param look says when to look again, or nothing when the wait is over. What it throws, the wait throws.
    using look_function = std::function<std::optional<steady_time>()>;

    repeated_look(steady_time first, look_function look) : next_(first), look_(std::move(look)) {}

    ~repeated_look() { abandon(); }

    void await_resume() const
    {
        if (error_)
            std::rethrow_exception(error_);
        throw_if_cancelled();
    }

  private:
    bool start() override
    {
        owner().loop().arm(*this, next_);
        return true;
    }

    bool withdraw() noexcept override
    {
        owner().loop().disarm(*this);
        return true;
    }

    void on_due() override
    {
        try {
            if (const auto next = look_()) {
                owner().loop().arm(*this, *next);
                return;
            }
        } catch (...) {
            error_ = std::current_exception();
        }
        complete();
    }

    steady_time next_;
    look_function look_;
    std::exception_ptr error_;
};

} // namespace potoo::test
