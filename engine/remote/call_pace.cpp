#include "engine/remote/call_pace.hpp"

#include <algorithm>
#include <stdexcept>

namespace potoo::remote {
namespace {

constexpr double least_rate = 0.001;
/// A rate that could not be used for so long may be made up for.
constexpr duration most_saved{20};
constexpr int slow = 5; ///< times as long as at best
constexpr duration never_slow{200};

steady_clock::duration spacing_of(double per_second)
{
    if (per_second == 0)
        return {};
    if (!(per_second >= least_rate))
        throw std::invalid_argument("a watcher with a rate below 0.001 a second");
    return std::chrono::duration_cast<steady_clock::duration>(std::chrono::duration<double>(1 / per_second));
}

} // namespace

call_pace::call_pace(const watcher::limits& l)
    : concurrency_(l.concurrency), allowed_(l.concurrency), spacing_(spacing_of(l.per_second))
{
    if (l.page == 0 || l.concurrency == 0)
        throw std::invalid_argument("a watcher needs pages of at least one job, and at least one call at once");
}

void call_pace::call_begins(steady_time now) noexcept
{
    if (spacing_ > steady_clock::duration::zero())
        free_at_ = std::max(free_at_, now - std::min<steady_clock::duration>(most_saved, spacing_)) + spacing_;
}

void call_pace::halve() noexcept
{
    allowed_ = std::max<std::size_t>(1, allowed_ / 2);
    successes_ = 0;
}

void call_pace::call_succeeded(steady_time begun, steady_time now) noexcept
{
    const auto took = now - begun;
    best_ = best_ == steady_clock::duration::zero() || took < best_ ? took : best_ + (took - best_) / 512;
    usual_ = usual_ == steady_clock::duration::zero() ? took : usual_ + (took - usual_) / 4;
    if (usual_ > never_slow && usual_ > slow * best_) {
        if (begun >= slow_since_) {
            halve();
            slow_since_ = now;
        }
        return;
    }
    if (allowed_ == concurrency_ || ++successes_ < allowed_)
        return;
    ++allowed_;
    successes_ = 0;
}

void call_pace::throttle(steady_time now, steady_time until) noexcept
{
    // Calls that were under way when the first was turned away do not count again.
    if (!paused(now))
        halve();
    paused_until_ = std::max(paused_until_, until);
}

} // namespace potoo::remote
