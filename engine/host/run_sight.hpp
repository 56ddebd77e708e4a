#pragma once
/// @file
/// What whoever asks may be told of others' runs.

#include <potoo/ids.hpp>

#include <functional>

namespace potoo::host {

/// Whether the asker may be told of a run; empty = of all.
using run_sight = std::function<bool(const run_id&)>;

} // namespace potoo::host
