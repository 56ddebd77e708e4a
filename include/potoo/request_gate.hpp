#pragma once
/// @file
/// How fast one remote system may be sent requests: so many at once, so many a second, and none while it asks to be
/// left alone. All attempts that speak to the system share one gate (`context::shared`).

#include <potoo/branch.hpp>
#include <potoo/time.hpp>

#include <cstddef>
#include <cstdint>
#include <list>
#include <utility>

namespace potoo {

class request_gate final : private timer_node
{
  public:
    struct limits
    {
        std::size_t concurrency = 64; ///< requests under way at once, ≥ 1
        double per_second = 0;        ///< requests begun in a second, ≥ 0.001; 0 = no limit

        friend bool operator==(const limits&, const limits&) = default;
    };

    /// Who goes first of those that wait.
    enum class urgency : std::uint8_t
    {
        urgent, ///< what ends work
        normal, ///< what begins it
    };

    class pass;
    class wait;

    /// @param l must outlive it @throws std::invalid_argument for limits out of their range
    request_gate(potoo::loop& l, limits lim);

    request_gate(const request_gate&) = delete;
    request_gate& operator=(const request_gate&) = delete;

    /// Everybody who waits, and every pass, must be gone.
    ~request_gate();

    /// `auto mine = co_await gate.enter(urgency)`: a pass, when its turn has come; among equals first come, first
    /// served. Throws `cancelled`, and then has none and leaves no gap.
    [[nodiscard]] wait enter(urgency u) noexcept;

    /// The remote side asks to be left alone: nothing is let in before `until`.
    void throttle(steady_time until);

    /// Requests let in since the start.
    [[nodiscard]] std::uint64_t entered() const noexcept { return entered_; }

  private:
    using line = std::list<wait*>;

    void on_due() override;
    void let_in();
    void leave() noexcept;
    [[nodiscard]] bool admits_now();

    potoo::loop& loop_;
    steady_clock::duration spacing_; ///< between two requests
    std::size_t concurrency_;
    std::size_t under_way_ = 0;
    steady_time free_at_{}; ///< when the rate allows the next
    steady_time throttled_until_{};
    std::uint64_t entered_ = 0;
    line urgent_;
    line normal_;
};

/// The right to one request, given back when it is destroyed. The gate outlives it.
class [[nodiscard]] request_gate::pass
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
            gate_->leave();
    }

  private:
    friend class request_gate::wait;

    explicit pass(request_gate& g) noexcept : gate_(&g) {}

    request_gate* gate_;
};

class [[nodiscard]] request_gate::wait final : public leaf
{
  public:
    wait(request_gate& g, urgency u) noexcept : gate_(&g), urgency_(u) {}

    ~wait();

    pass await_resume();

  private:
    friend class request_gate;

    bool start() override;
    bool withdraw() noexcept override;

    [[nodiscard]] line& my_line() const noexcept
    {
        return urgency_ == urgency::urgent ? gate_->urgent_ : gate_->normal_;
    }

    request_gate* gate_;
    urgency urgency_;
    bool granted_ = false; ///< let in, and the coroutine has not taken its pass yet
    line::iterator place_;
};

} // namespace potoo
