#pragma once
/// @file
/// How long to wait before the next attempt.

#include "engine/graph/dag.hpp"

#include <potoo/time.hpp>

#include <cstdint>

namespace potoo::schedule {

/// `delay · backoff^(failures-1)`, at most `max_delay`, varied by `jitter · policy.jitter` of itself, and again at most
/// `max_delay`. The same on every machine.
/// @param failures that count against the limit so far, ≥ 1
/// @param jitter -1…1
[[nodiscard]] duration retry_delay(const graph::retry_policy& policy, std::uint32_t failures, double jitter) noexcept;

} // namespace potoo::schedule
