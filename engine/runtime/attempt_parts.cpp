#include "engine/runtime/attempt_parts.hpp"

#include "engine/runtime/live_attempt.hpp"

namespace potoo::runtime {

void attempt_timer::arm(steady_time due)
{
    attempt_.loop().arm(*this, due);
}

void attempt_timer::disarm() noexcept
{
    if (armed())
        attempt_.loop().disarm(*this);
}

void attempt_timer::on_due()
{
    attempt_.time_is_up();
}

} // namespace potoo::runtime
