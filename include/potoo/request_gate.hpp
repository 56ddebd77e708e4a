#pragma once
/// @file
/// How fast one remote system may be sent requests: so many at once, so many a second, and none while it asks to be
/// left alone. All attempts that speak to the system share one gate (`context::shared`).

#include <potoo/task.hpp>
#include <potoo/time.hpp>
#include <potoo/wait.hpp>

#include <cstddef>
#include <cstdint>
#include <utility>

namespace potoo {

class request_gate
{
  public:
    struct limits
    {
        std::size_t concurrency = 64; ///< requests under way at once, ≥ 1
        double per_second = 0;        ///< requests begun in a second; 0 = no limit

        friend bool operator==(const limits&, const limits&) = default;
    };

    /// The right to one request, given back when it is destroyed. The gate outlives it.
    class pass
    {
      public:
        pass(pass&& other) noexcept : gate_(std::exchange(other.gate_, nullptr)) {}

        pass& operator=(pass&& other) noexcept
        {
            std::swap(gate_, other.gate_);
            return *this;
        }

        ~pass()
        {
            if (gate_)
                gate_->slots_.release();
        }

      private:
        friend class request_gate;

        explicit pass(request_gate& g) noexcept : gate_(&g) {}

        request_gate* gate_;
    };

    /// @param l must outlive it
    request_gate(potoo::loop& l, limits lim);

    request_gate(const request_gate&) = delete;
    request_gate& operator=(const request_gate&) = delete;

    /// Waits for its turn: first come, first served. Throws `cancelled`.
    [[nodiscard]] task<pass> enter();

    /// The remote side asks to be left alone: nothing is let in before `until`.
    void throttle(steady_time until) noexcept;

    /// Requests let in since the start.
    [[nodiscard]] std::uint64_t entered() const noexcept { return entered_; }

  private:
    /// Takes the next moment at which the rate and the remote side allow a request.
    [[nodiscard]] steady_time reserve() noexcept;

    potoo::loop& loop_;
    steady_clock::duration spacing_; ///< between two requests
    semaphore slots_;
    steady_time free_at_{}; ///< when the rate allows the next
    steady_time throttled_until_{};
    std::uint64_t entered_ = 0;
};

} // namespace potoo
