#pragma once
/// @file
/// How long something took, for people.

#include <potoo/time.hpp>

#include <string>

namespace potoo::cli {

/// `0.3s`, `59.9s`, `1:05`, `2:03:04`, `3d 04:05:06`; cut, never rounded up. A negative duration counts as none.
[[nodiscard]] std::string elapsed_text(duration d);

/// The same without tenths, for what counts on: `0:05`.
[[nodiscard]] std::string clock_text(duration d);

/// `2026-11-21 08:00:00` in UTC.
[[nodiscard]] std::string instant_text(wall_time t);

} // namespace potoo::cli
