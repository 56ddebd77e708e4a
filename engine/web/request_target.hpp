#pragma once
/// @file
/// What the request line asks for, taken apart so that nobody behind it meets a path that means something else.

#include "engine/web/message.hpp"
#include "engine/web/refusal.hpp"

#include <string_view>

namespace potoo::web {

/// Sets `path`, `segments` and `query` of `r`. A target that is a whole URL (`http://host/path`) must name the host
/// that the request's `Host` names. Refused with 400: no path at all; segments that are empty, `.` or `..`; an encoded
/// slash, backslash or control character; what is no percent-encoding or no UTF-8; characters that a URL cannot have.
/// @param host value of the `Host` field; empty if there is none
[[nodiscard]] or_refusal<void> read_target(std::string_view target, std::string_view host, request& r);

} // namespace potoo::web
