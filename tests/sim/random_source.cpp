#include "random_source.hpp"

#include <algorithm>
#include <cmath>

namespace potoo::sim {

duration random_source::any_magnitude(duration low, duration high) noexcept
{
    const double from = std::log(static_cast<double>(std::max<duration::rep>(low.count(), 1)));
    const double to = std::log(static_cast<double>(high.count()));
    const double drawn = std::exp(from + (to - from) * fraction());
    return std::clamp(duration(static_cast<duration::rep>(drawn)), low, high);
}

} // namespace potoo::sim
