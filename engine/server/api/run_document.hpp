#pragma once
/// @file
/// Runs as the API shows them.

#include "engine/server/api/call.hpp"

namespace potoo::server {

/// With the number of its tasks in each state; `cancelling` from when that is recorded.
[[nodiscard]] task<json::object> run_document(call& c, journal::run_row run);

} // namespace potoo::server
