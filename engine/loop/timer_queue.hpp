#pragma once
/// @file
/// A hierarchical timing wheel over one millisecond ticks (Varghese and Lauck, "Hashed and Hierarchical Timing Wheels",
/// 1987). The slots are lists of chunks that point to the nodes, so that firing walks memory in order and can prefetch
/// the frames it is about to wake; a cancelled timer leaves a hole in its chunk. Insert and cancel are O(1). Passive:
/// it knows no clock and arms nothing, its owner calls `advance`.

#include <potoo/loop.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace potoo {

class timer_queue
{
  public:
    /// @param origin the time of tick 0; no timer can be due before
    explicit timer_queue(steady_time origin);

    timer_queue(const timer_queue&) = delete;
    timer_queue& operator=(const timer_queue&) = delete;
    ~timer_queue();

    /// `node` fires when `advance` reaches `due`, rounded up to the next tick. Moves a node that is armed. A due time
    /// that has passed fires at the next tick. Beyond two years ahead it is taken in stages.
    void arm(timer_node& node, steady_time due);

    /// No effect on a node that is not armed.
    void disarm(timer_node& node) noexcept;

    /// Fires everything due at or before `now`, in order of ticks. Nodes may be armed and disarmed from within; one
    /// that is armed for the present fires in the next call.
    /// @return how many fired
    std::size_t advance(steady_time now);

    /// As `advance`, one timer a call: for whoever looks at what each of them does. Not to be mixed with `advance`
    /// before it has returned false.
    /// @return false when none was due
    bool fire_one(steady_time now);

    /// No timer fires before this. May be early (a slot whose timers were cancelled, a coarse slot to be taken apart),
    /// never late. `steady_time::max()` when nothing is armed.
    [[nodiscard]] steady_time next_due() const noexcept;

    [[nodiscard]] std::size_t size() const noexcept { return armed_; }

  private:
    using tick = std::uint64_t;

    struct entry
    {
        timer_node* node;
        tick due;
    };

    static constexpr std::size_t chunk_entries = 62;

    struct chunk
    {
        chunk* next = nullptr;
        std::uint32_t used = 0;
        std::array<entry, chunk_entries> entries;
    };

    static constexpr unsigned fine_bits = 12;
    static constexpr unsigned coarse_bits = 6;
    static constexpr unsigned coarse_levels = 4;
    static constexpr std::size_t fine_slots = std::size_t{1} << fine_bits;
    static constexpr std::size_t coarse_slots = std::size_t{1} << coarse_bits;

    struct coarse_level
    {
        std::array<chunk*, coarse_slots> slots{};
        std::uint64_t occupied = 0;
    };

    [[nodiscard]] tick tick_of(steady_time t) const noexcept;
    [[nodiscard]] steady_time time_of(tick t) const noexcept;
    void place(timer_node& node, tick due);
    void put(chunk*& head, timer_node& node, tick due);
    void cascade();
    std::size_t fire_slot(std::size_t slot);
    [[nodiscard]] timer_node* take_from_open_slot();
    void open_slot(tick at);
    [[nodiscard]] tick next_occupied_tick() const noexcept;
    [[nodiscard]] chunk* take_chunk();
    void give_back(chunk* c) noexcept;

    steady_time origin_;
    tick current_ = 0; ///< the next tick to be fired
    std::size_t armed_ = 0;
    std::array<chunk*, fine_slots> fine_{};
    std::array<std::uint64_t, fine_slots / 64> fine_occupied_{};
    std::array<coarse_level, coarse_levels> coarse_{};
    chunk* free_ = nullptr;
    chunk* open_ = nullptr;       ///< what is left of the slot that `fire_one` is at
    std::uint32_t open_next_ = 0; ///< position in `open_`
    std::vector<std::unique_ptr<chunk[]>> blocks_;
};

} // namespace potoo
