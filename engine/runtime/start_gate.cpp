#include "engine/runtime/start_gate.hpp"

#include "engine/runtime/byte_size.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <utility>

namespace potoo::runtime {
namespace {

/// Below this part of the limit, memory that runs short again is worth another message.
constexpr double eased = 0.9;

constexpr std::uint32_t unlimited = std::numeric_limits<std::uint32_t>::max();

std::uint32_t left(std::uint32_t most, std::uint32_t taken)
{
    return most == 0 ? unlimited : most - std::min(most, taken);
}

} // namespace

start_gate::start_gate(potoo::loop& l, memory_probe memory, std::function<void(const std::string&)> told)
    : loop_(l), memory_(std::move(memory)), told_(std::move(told))
{}

start_gate::~start_gate()
{
    if (armed())
        loop_.disarm(*this);
}

void start_gate::set_limits(start_limits limits)
{
    limits_ = limits;
    since_look_ = starts_a_look;
    short_ = told_short_ = false;
    offer();
}

std::uint32_t start_gate::room(client& c, std::uint32_t wanted)
{
    const auto place = std::find(line_.begin(), line_.end(), &c);
    const bool is_first = line_.empty() || place == line_.begin();
    if (!is_first) {
        if (place == line_.end())
            line_.push_back(&c);
        offer();
        return 0;
    }
    if (place != line_.end())
        line_.pop_front();
    const std::uint32_t free = free_places();
    const std::uint32_t given = std::min({wanted, free, share_of(c)});
    since_look_ += given;
    if (free == 0)
        line_.push_front(&c);
    else if (given < wanted)
        line_.push_back(&c);
    if (given < free)
        offer();
    return given;
}

/// What a run may have beyond what it has, with those in line waiting. Rounded up: while there is a place free, one of
/// those who wait has less than its share.
std::uint32_t start_gate::share_of(const client& c) const
{
    const auto all = static_cast<std::uint32_t>(line_.size()) + 1;
    if (all == 1)
        return unlimited;
    const auto share = [all](std::uint32_t most) { return most / all + (most % all != 0 ? 1 : 0); };
    return std::min(left(share(limits_.max_attempts), c.in_flight_), left(share(most_running()), c.running_));
}

void start_gate::note_in_flight(client& c, std::uint32_t attempts, std::uint32_t running)
{
    const bool fewer = attempts < c.in_flight_ || running < c.running_;
    in_flight_ = in_flight_ - c.in_flight_ + attempts;
    running_ = running_ - c.running_ + running;
    c.in_flight_ = attempts;
    c.running_ = running;
    if (fewer)
        offer();
}

void start_gate::leave(client& c)
{
    if (line_.empty())
        return;
    const auto place = std::find(line_.begin(), line_.end(), &c);
    if (place == line_.end())
        return;
    const bool was_first = place == line_.begin();
    line_.erase(place);
    if (was_first)
        offer();
}

void start_gate::on_due()
{
    offer();
}

/// Whoever is first asks again.
void start_gate::offer()
{
    if (!line_.empty())
        line_.front()->may_have_room();
}

std::uint32_t start_gate::free_places()
{
    const std::uint32_t free = std::min(left(limits_.max_attempts, in_flight_), left(most_running(), running_));
    if (limits_.max_memory == 0)
        return free;
    look_at_memory();
    // So that a limit that is too small makes a run slow, and does not hold it up for ever.
    if (short_ && in_flight_ == 0)
        return 1;
    return short_ ? 0 : std::min(free, starts_a_look);
}

void start_gate::look_at_memory()
{
    const steady_time now = loop_.now();
    if (since_look_ >= starts_a_look || now >= next_look_) {
        std::uint64_t used = memory_.resident ? memory_.resident() : 0;
        if (used > limits_.max_memory && memory_.reusable)
            used -= std::min(used, memory_.reusable());
        short_ = used > limits_.max_memory;
        since_look_ = 0;
        next_look_ = now + look_interval;
        if (short_)
            tell_short(used);
        else if (static_cast<double>(used) < eased * static_cast<double>(limits_.max_memory))
            told_short_ = false;
    }
    if (short_ && !armed())
        loop_.arm(*this, next_look_);
}

void start_gate::tell_short(std::uint64_t used)
{
    if (std::exchange(told_short_, true))
        return;
    told_(fmt::format("attempts wait for memory: {} are in use, and `max_memory` is {}; {} in flight go on, and others "
                      "start when less is used, or one at a time",
                      format_byte_size(used), format_byte_size(limits_.max_memory), in_flight_));
}

} // namespace potoo::runtime
