#pragma once
/// @file
/// What a redirect makes of a request.

#include "engine/net/problem.hpp"
#include "engine/net/url.hpp"

#include <optional>

namespace potoo::net {

/// Where the response sends its reader; nothing if it is no redirect or does not say where.
[[nodiscard]] or_problem<std::optional<url>> redirect_target(const http_response& response, const url& from);

/// Turns `request` into the one that follows: method and body by the status, credentials left out for another origin.
void redirect_request(http_request& request, unsigned status, const url& from, const url& to);

/// The receiver of a request that is redirected with this status has not acted on it.
[[nodiscard]] bool redirect_leaves_work_undone(unsigned status) noexcept;

} // namespace potoo::net
