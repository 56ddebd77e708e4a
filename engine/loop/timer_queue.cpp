#include "engine/loop/timer_queue.hpp"

#include <algorithm>
#include <bit>
#include <limits>
#include <utility>

namespace potoo {
namespace {

constexpr std::size_t chunks_a_block = 64;
constexpr std::size_t prefetch_ahead = 8;

} // namespace

timer_queue::timer_queue(steady_time origin) : origin_(origin) {}

timer_queue::~timer_queue() = default;

timer_queue::tick timer_queue::tick_of(steady_time t) const noexcept
{
    if (t <= origin_)
        return 0;
    return static_cast<tick>(std::chrono::ceil<std::chrono::milliseconds>(t - origin_).count());
}

steady_time timer_queue::time_of(tick t) const noexcept
{
    return origin_ + std::chrono::milliseconds(t);
}

timer_queue::chunk* timer_queue::take_chunk()
{
    if (!free_) {
        auto& block = blocks_.emplace_back(std::make_unique<chunk[]>(chunks_a_block));
        for (std::size_t i = 0; i < chunks_a_block; ++i)
            give_back(&block[i]);
    }
    chunk* c = free_;
    free_ = c->next;
    c->next = nullptr;
    c->used = 0;
    return c;
}

void timer_queue::give_back(chunk* c) noexcept
{
    c->next = free_;
    free_ = c;
}

void timer_queue::put(chunk*& head, timer_node& node, tick due)
{
    if (!head || head->used == chunk_entries) {
        chunk* c = take_chunk();
        c->next = head;
        head = c;
    }
    entry& e = head->entries[head->used++];
    e = {&node, due};
    node.slot_ = &e;
}

void timer_queue::place(timer_node& node, tick due)
{
    const tick at = std::max(due, current_);
    const tick distance = at - current_;
    if (distance < fine_slots) {
        const std::size_t slot = at & (fine_slots - 1);
        put(fine_[slot], node, due);
        fine_occupied_[slot / 64] |= std::uint64_t{1} << (slot % 64);
        return;
    }
    for (unsigned level = 0; level < coarse_levels; ++level) {
        const unsigned shift = fine_bits + coarse_bits * level;
        const tick current_slot = current_ >> shift;
        if ((at >> shift) - current_slot < coarse_slots || level == coarse_levels - 1) {
            // What lies beyond the last level waits in its farthest slot and is placed again from there.
            const tick slot = std::min(at >> shift, current_slot + coarse_slots - 1) & (coarse_slots - 1);
            put(coarse_[level].slots[slot], node, due);
            coarse_[level].occupied |= std::uint64_t{1} << slot;
            return;
        }
    }
}

void timer_queue::arm(timer_node& node, steady_time due)
{
    disarm(node);
    if (due == steady_time::max())
        return;
    place(node, tick_of(due));
    ++armed_;
}

void timer_queue::disarm(timer_node& node) noexcept
{
    if (!node.slot_)
        return;
    static_cast<entry*>(node.slot_)->node = nullptr;
    node.slot_ = nullptr;
    --armed_;
}

void timer_queue::cascade()
{
    for (unsigned level = 0; level < coarse_levels; ++level) {
        coarse_level& l = coarse_[level];
        const std::size_t slot = (current_ >> (fine_bits + coarse_bits * level)) & (coarse_slots - 1);
        chunk* c = std::exchange(l.slots[slot], nullptr);
        l.occupied &= ~(std::uint64_t{1} << slot);
        while (c) {
            for (std::uint32_t i = 0; i < c->used; ++i) {
                if (i + prefetch_ahead < c->used)
                    __builtin_prefetch(c->entries[i + prefetch_ahead].node, 1);
                const entry e = c->entries[i];
                if (e.node)
                    place(*e.node, e.due);
            }
            give_back(std::exchange(c, c->next));
        }
        if (slot != 0)
            return;
    }
}

std::size_t timer_queue::fire_slot(std::size_t slot)
{
    std::size_t fired = 0;
    // Taken off the wheel first: a timer armed from within may land in this slot, one turn later.
    chunk* c = std::exchange(fine_[slot], nullptr);
    while (c) {
        for (std::uint32_t i = 0; i < c->used; ++i) {
            if (i + prefetch_ahead < c->used)
                __builtin_prefetch(c->entries[i + prefetch_ahead].node, 1);
            timer_node* node = c->entries[i].node;
            if (!node)
                continue;
            node->slot_ = nullptr;
            --armed_;
            ++fired;
            node->on_due();
        }
        give_back(std::exchange(c, c->next));
    }
    return fired;
}

std::size_t timer_queue::advance(steady_time now)
{
    if (now < origin_)
        return 0;
    const tick target = static_cast<tick>(std::chrono::floor<std::chrono::milliseconds>(now - origin_).count());
    std::size_t fired = 0;
    while (current_ <= target) {
        const tick next = next_occupied_tick();
        if (next > target) {
            // Every slot in between is empty, and so is every coarse slot that would be taken apart on the way.
            current_ = target + 1;
            if ((current_ & (fine_slots - 1)) == 0)
                cascade();
            break;
        }
        current_ = next;
        if ((current_ & (fine_slots - 1)) == 0)
            cascade();
        const std::size_t slot = current_ & (fine_slots - 1);
        fine_occupied_[slot / 64] &= ~(std::uint64_t{1} << (slot % 64));
        // Timers armed by those that fire belong to the next tick at the earliest.
        ++current_;
        fired += fire_slot(slot);
        if ((current_ & (fine_slots - 1)) == 0)
            cascade();
    }
    return fired;
}

/// Off the wheel, so that what is armed from within lands in a later turn.
void timer_queue::open_slot(tick at)
{
    current_ = at;
    if ((current_ & (fine_slots - 1)) == 0)
        cascade();
    const std::size_t slot = current_ & (fine_slots - 1);
    fine_occupied_[slot / 64] &= ~(std::uint64_t{1} << (slot % 64));
    open_ = std::exchange(fine_[slot], nullptr);
    open_next_ = 0;
    ++current_;
    if ((current_ & (fine_slots - 1)) == 0)
        cascade();
}

timer_node* timer_queue::take_from_open_slot()
{
    while (open_) {
        if (open_next_ == open_->used) {
            give_back(std::exchange(open_, open_->next));
            open_next_ = 0;
            continue;
        }
        if (timer_node* node = open_->entries[open_next_++].node) {
            node->slot_ = nullptr;
            --armed_;
            return node;
        }
    }
    return nullptr;
}

bool timer_queue::fire_one(steady_time now)
{
    if (now < origin_)
        return false;
    const tick target = static_cast<tick>(std::chrono::floor<std::chrono::milliseconds>(now - origin_).count());
    for (;;) {
        if (timer_node* node = take_from_open_slot()) {
            node->on_due();
            return true;
        }
        if (current_ > target)
            return false;
        const tick next = next_occupied_tick();
        if (next > target) {
            current_ = target + 1;
            if ((current_ & (fine_slots - 1)) == 0)
                cascade();
            return false;
        }
        open_slot(next);
    }
}

timer_queue::tick timer_queue::next_occupied_tick() const noexcept
{
    tick best = std::numeric_limits<tick>::max();
    const std::size_t start = current_ & (fine_slots - 1);
    constexpr std::size_t words = fine_slots / 64;
    for (std::size_t i = 0; i <= words; ++i) {
        const std::size_t word = (start / 64 + i) % words;
        std::uint64_t bits = fine_occupied_[word];
        if (i == 0)
            bits &= ~std::uint64_t{0} << (start % 64);
        else if (i == words)
            bits &= ~(~std::uint64_t{0} << (start % 64));
        if (bits) {
            const std::size_t slot = word * 64 + static_cast<std::size_t>(std::countr_zero(bits));
            best = current_ + ((slot - start) & (fine_slots - 1));
            break;
        }
    }
    for (unsigned level = 0; level < coarse_levels; ++level) {
        const unsigned shift = fine_bits + coarse_bits * level;
        if (coarse_[level].occupied == 0)
            continue;
        const tick here = current_ >> shift;
        const auto ahead = std::rotr(coarse_[level].occupied, static_cast<int>((here + 1) & (coarse_slots - 1)));
        const tick distance = static_cast<tick>(std::countr_zero(ahead)) + 1;
        best = std::min(best, std::max((here + distance) << shift, current_));
    }
    return best;
}

steady_time timer_queue::next_due() const noexcept
{
    if (armed_ == 0)
        return steady_time::max();
    return time_of(next_occupied_tick());
}

} // namespace potoo
