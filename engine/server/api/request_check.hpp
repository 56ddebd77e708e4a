#pragma once
/// @file
/// Whether what was sent is what a route takes.

#include "engine/server/api/route.hpp"
#include "engine/web/message.hpp"

#include <potoo/json.hpp>

namespace potoo::server {

/// @throws problem (400) with everything that is wrong with the query
void check_query(const route& r, const web::request& request);

/// The body, an object; null where there is none and none is taken. @throws problem: 400, 415 or 422
[[nodiscard]] json::value checked_body(const route& r, const web::request& request);

} // namespace potoo::server
