#include "engine/server/metrics/loop_probe.hpp"

#include <algorithm>

namespace potoo::server {

loop_probe::loop_probe(potoo::loop& l) : loop_(l)
{
    arm();
}

loop_probe::~loop_probe()
{
    loop_.disarm(*this);
}

void loop_probe::arm()
{
    due_ = loop_.now() + interval;
    loop_.arm(*this, due_);
}

void loop_probe::on_due()
{
    const auto late = std::max(loop_.now() - due_, steady_clock::duration::zero());
    lateness_.add(late);
    if (late > stall)
        ++stalls_;
    arm();
}

steady_clock::duration loop_probe::overdue() const
{
    return std::max(loop_.now() - due_, steady_clock::duration::zero());
}

} // namespace potoo::server
