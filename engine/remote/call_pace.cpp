#include "engine/remote/call_pace.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <utility>

namespace potoo::remote {
namespace {

constexpr double least_rate = 0.001;
/// A rate that could not be used for so long may be made up for.
constexpr duration most_saved{20};
/// Nobody begins more calls than that in a second, so that nobody needs to count them.
constexpr double most_counted = 65'536;

constexpr int slow = 5; ///< times as long as usual
constexpr duration never_slow{200};
/// Of `concurrency`: fewer calls at once are not made because they are slow.
constexpr std::size_t slow_part = 4;
constexpr std::size_t least_round = 16;
/// What is usual follows the rounds, and less so while it is in doubt.
constexpr int usual_share = 16;
constexpr int doubtful_share = 64;

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
    if (l.per_second > 0 && l.per_second <= most_counted)
        last_second_.resize(static_cast<std::size_t>(std::ceil(l.per_second)), steady_time::min());
    if (l.page == 0 || l.concurrency == 0)
        throw std::invalid_argument("a watcher needs pages of at least one job, and at least one call at once");
}

void call_pace::call_begins(steady_time now) noexcept
{
    if (spacing_ > span::zero())
        free_at_ = std::max(free_at_, now - most_saved) + spacing_;
    if (last_second_.empty())
        return;
    last_second_[oldest_] = now;
    oldest_ = oldest_ + 1 == last_second_.size() ? 0 : oldest_ + 1;
}

void call_pace::halve(std::size_t least) noexcept
{
    allowed_ = std::max(least, allowed_ / 2);
    successes_ = 0;
}

void call_pace::note(span took, steady_time now) noexcept
{
    if (round_.calls == 0 && !usual_)
        round_.from = now - took;
    ++round_.calls;
    round_.slow += usual_ && took > never_slow && took > slow * *usual_ ? 1 : 0;
    round_.took += took;
    round_.longest = std::max(round_.longest, took);
    if (round_.calls >= std::max(least_round, allowed_) && now - round_.from >= 2 * round_.longest)
        judge_round(now);
}

/// A round is slow when most of its calls are, measured by what calls take on average, so that neither a few quick
/// calls among slow ones nor a few slow ones among quick ones look like a change.
void call_pace::judge_round(steady_time now) noexcept
{
    const round ended = std::exchange(round_, {now});
    const span mean = ended.took / static_cast<span::rep>(ended.calls);
    const std::size_t before = std::exchange(halved_from_, 0);
    if (before != 0 && mean * 4 > slow_took_ * 3) {
        // Fewer calls are no faster: it is not the calls that make it slow.
        allowed_ = before;
        usual_ = mean;
        slow_ = false;
        return;
    }
    // The first slow round may be mixed with calls from before.
    const bool whole = std::exchange(slow_, ended.slow * 2 > ended.calls);
    const span usual = usual_.value_or(mean);
    usual_ = usual + (mean - usual) / (slow_ ? doubtful_share : usual_share);
    const std::size_t least = std::max<std::size_t>(1, concurrency_ / slow_part);
    if (!slow_ || !whole || allowed_ <= least)
        return;
    halved_from_ = allowed_;
    slow_took_ = mean;
    halved_at_ = now;
    halve(least);
}

void call_pace::call_succeeded(steady_time begun, steady_time now) noexcept
{
    if (begun > halved_at_)
        note(now - begun, now);
    const bool waits = halved_from_ != 0 || (slow_ && allowed_ >= concurrency_ / slow_part);
    if (waits || allowed_ == concurrency_ || ++successes_ < allowed_)
        return;
    ++allowed_;
    successes_ = 0;
}

void call_pace::throttle(steady_time now, steady_time until) noexcept
{
    // Calls that were under way when the first was turned away do not count again.
    if (!paused(now)) {
        halve(1);
        halved_from_ = 0;
    }
    paused_until_ = std::max(paused_until_, until);
}

} // namespace potoo::remote
