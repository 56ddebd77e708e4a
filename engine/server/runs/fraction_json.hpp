#pragma once
/// @file
/// How far something is, as documents have it.

#include <potoo/json.hpp>

namespace potoo::server {

/// @param fraction 0…1; the ends are whole numbers in JSON, which would otherwise read `0E0` and `1E0`
[[nodiscard]] inline json::value fraction_json(double fraction)
{
    if (fraction <= 0 || fraction >= 1)
        return json::value(fraction <= 0 ? 0 : 1);
    return json::value(fraction);
}

} // namespace potoo::server
