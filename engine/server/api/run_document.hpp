#pragma once
/// @file
/// Runs as the API shows them.

#include "engine/server/api/call.hpp"

namespace potoo::server {

/// With the number of its tasks in each state.
[[nodiscard]] json::object run_document(const call& c, const journal::run_row& run);

} // namespace potoo::server
