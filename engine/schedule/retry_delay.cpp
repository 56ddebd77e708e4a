#include "engine/schedule/retry_delay.hpp"

#include <algorithm>

namespace potoo::schedule {
namespace {

// std::pow may differ in the last bit between C libraries; multiplication does not.
double power(double base, std::uint32_t exponent) noexcept
{
    double result = 1;
    for (; exponent > 0; exponent /= 2) {
        if (exponent % 2 == 1)
            result *= base;
        base *= base;
    }
    return result;
}

} // namespace

duration retry_delay(const graph::retry_policy& policy, std::uint32_t failures, double jitter) noexcept
{
    const auto most = static_cast<double>(policy.max_delay.count());
    const auto first = static_cast<double>(policy.delay.count());
    // An infinite power must not meet a delay of zero.
    if (first <= 0 || most <= 0)
        return duration{0};
    const double grown = std::min(first * power(policy.backoff, failures - 1), most);
    const double varied = std::clamp(grown + grown * (jitter * policy.jitter), 0.0, most);
    return duration{static_cast<duration::rep>(varied + 0.5)};
}

} // namespace potoo::schedule
