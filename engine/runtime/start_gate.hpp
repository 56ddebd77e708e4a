#pragma once
/// @file
/// How much one engine takes on at once: attempts in flight and running over all its runs, and memory.
///
/// A run asks for room before it starts attempts. When there is not enough it stands in line, and is told when there
/// may be room again; runs in line take turns, and none takes more than its share of the attempts while others wait.

#include <potoo/loop.hpp>

#include <cstdint>
#include <deque>
#include <functional>
#include <string>

namespace potoo::runtime {

/// 0 = no limit, but for `max_running`.
struct start_limits
{
    /// Few enough that launching a million jobs needs memory for those few, enough that no remote system waits for
    /// them.
    static constexpr std::uint32_t usual_running = 1'024;

    std::uint32_t max_attempts = 0; ///< running, deferred or cancelling
    std::uint64_t max_memory = 0;   ///< bytes in use by the process, above which no attempt is started
    std::uint32_t max_running = 0;  ///< neither deferred nor cancelling; 0 = `usual_running`

    friend bool operator==(const start_limits&, const start_limits&) = default;
};

/// Bytes of this process. Empty functions say 0.
struct memory_probe
{
    std::function<std::uint64_t()> resident; ///< called often
    std::function<std::uint64_t()> reusable; ///< resident, but free for what comes next; asked for when it matters
};

class start_gate final : private timer_node
{
  public:
    /// A run.
    class client
    {
      public:
        client() = default;
        client(const client&) = delete;
        client& operator=(const client&) = delete;

      protected:
        ~client() = default;

      private:
        friend class start_gate;

        /// There may be room: ask for it again, or `leave`. On the loop; not to be answered from within.
        virtual void may_have_room() = 0;

        std::uint32_t in_flight_ = 0;
        std::uint32_t running_ = 0;
    };

    /// Memory is looked at when so many attempts were let in since, or so much time has passed.
    static constexpr std::uint32_t starts_a_look = 512;
    static constexpr duration look_interval{250};

    /// @param told called with what holds attempts back, once each time that memory runs short
    start_gate(potoo::loop& l, memory_probe memory, std::function<void(const std::string&)> told);
    ~start_gate();

    start_gate(const start_gate&) = delete;
    start_gate& operator=(const start_gate&) = delete;

    /// From now on; what is in flight goes on.
    void set_limits(start_limits limits);

    [[nodiscard]] const start_limits& limits() const noexcept { return limits_; }

    /// How many attempts a run may start now. With fewer than `wanted` it stands in line.
    /// @param wanted ≥ 1
    [[nodiscard]] std::uint32_t room(client& c, std::uint32_t wanted);

    /// The run has so many attempts in flight, of which so many are running.
    void note_in_flight(client& c, std::uint32_t attempts, std::uint32_t running);

    /// The run wants to start nothing at the moment. To be called before it is destroyed, with nothing in flight.
    void leave(client& c);

    [[nodiscard]] std::uint32_t in_flight() const noexcept { return in_flight_; }

    /// Of these, neither deferred nor cancelling.
    [[nodiscard]] std::uint32_t running() const noexcept { return running_; }

    /// How many may be running at once.
    [[nodiscard]] std::uint32_t most_running() const noexcept
    {
        return limits_.max_running != 0 ? limits_.max_running : start_limits::usual_running;
    }

    /// Attempts wait for memory.
    [[nodiscard]] bool short_of_memory() const noexcept { return short_; }

  private:
    void on_due() override;
    void offer();
    [[nodiscard]] std::uint32_t free_places();
    [[nodiscard]] std::uint32_t share_of(const client& c) const;
    void look_at_memory();
    void tell_short(std::uint64_t used);

    potoo::loop& loop_;
    memory_probe memory_;
    std::function<void(const std::string&)> told_;
    start_limits limits_;
    std::deque<client*> line_;
    std::uint32_t in_flight_ = 0;
    std::uint32_t running_ = 0;
    std::uint32_t since_look_ = starts_a_look;
    steady_time next_look_{};
    bool short_ = false; ///< at the last look
    bool told_short_ = false;
};

} // namespace potoo::runtime
