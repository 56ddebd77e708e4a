#pragma once
/// @file
/// What all sensors have in common: looking again and again, at a pace, until something is true.

#include <potoo/context.hpp>

#include <functional>
#include <optional>
#include <string_view>

namespace potoo {

/// Pace and limit of a sensor, read from `interval`, `max_interval`, `backoff`, `timeout` and `soft_fail` of its
/// `with`.
struct sensor_pace
{
    duration interval{5'000};
    duration max_interval{60'000};
    double backoff = 1.5;
    std::optional<duration> timeout; ///< of the sensor as a whole
    bool soft_fail = false;          ///< a timeout or failure ends the task `skipped` instead of `failed`
};

/// The JSON Schema properties of those five, to be put into a sensor's schema: text that starts with a comma-free list.
#define POTOO_SENSOR_PROPERTIES                                                                                                \
    R"("interval": {"type": "string", "description": "Time between the first looks, as in 5s. Default 5s."},)"                 \
    R"("max_interval": {"type": "string", "description": "The interval never grows beyond. Default 1m."},)"                    \
    R"("backoff": {"type": "number", "minimum": 1, "description": "Factor on the interval from look to look. Default 1.5."},)" \
    R"("timeout": {"type": "string", "description": "Give up after this long. Default: never."},)"                             \
    R"("soft_fail": {"type": "boolean", "description": "Giving up or failing ends the task skipped. Default false."})"

/// @throws fatal when a duration is misspelt
[[nodiscard]] sensor_pace read_sensor_pace(const json::object& with);

/// Calls `look` until it yields a value, waiting in between as the pace says; the attempt is deferred meanwhile. `look`
/// returns a task that yields nothing to go on waiting. A `failure` it throws is logged and counts as "not yet";
/// `fatal` ends the wait.
/// @throws failure `timed out …`, or `skip` instead of any failure when `soft_fail`
[[nodiscard]] task<json::value> sense(context& ctx, sensor_pace pace,
                                      std::function<task<std::optional<json::value>>()> look);

} // namespace potoo
