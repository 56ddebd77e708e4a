#include "controller_clock.hpp"

namespace potoo::slurm {
namespace {

/// The two clocks may run at speeds that differ by so much.
constexpr std::int64_t parts_of_drift = 1'000;
/// Of a job that is queued again at once Slurm tells a time that is a second ahead.
constexpr std::int64_t told_ahead = 2;

} // namespace

void controller_clock::heard_of(std::int64_t stamp, steady_time now)
{
    if (stamp <= told_ahead)
        return;
    stamp -= told_ahead;
    const auto known = at_least(now);
    if (known && *known > stamp)
        return;
    stamp_ = stamp;
    heard_at_ = now;
}

std::optional<std::int64_t> controller_clock::at_least(steady_time now) const
{
    if (!stamp_)
        return std::nullopt;
    const std::int64_t passed = std::chrono::duration_cast<std::chrono::milliseconds>(now - heard_at_).count();
    return *stamp_ + (passed - passed / parts_of_drift) / 1'000;
}

} // namespace potoo::slurm
