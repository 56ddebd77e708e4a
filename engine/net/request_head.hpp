#pragma once
/// @file
/// The bytes of a request before its body.

#include "engine/net/problem.hpp"
#include "engine/net/url.hpp"

#include <string>
#include <string_view>

namespace potoo::net {

/// What a request needs besides what its caller gave.
struct head_extras
{
    bool absolute_target = false;              ///< the receiver is a proxy
    std::string_view proxy_authorization = {}; ///< value of that header; empty = none
};

/// Whether the response may be decoded here and its connection kept, which the caller's own headers can forbid.
struct head_traits
{
    bool decode_gzip = true;
    bool keep_alive = true;
};

/// Appends request line and headers, up to and including the empty line, to `out`. Refuses (`bad_url`) what would not
/// arrive as one request: control characters, names that are no tokens, a framing other than the client's own.
[[nodiscard]] or_problem<head_traits> write_head(const http_request& request, const url& to, const head_extras& extras,
                                                 std::string& out);

/// `CONNECT host:port` for a tunnel through a proxy.
void write_connect(const url& to, std::string_view proxy_authorization, std::string& out);

/// Value of an `Authorization` header for `user:password`.
[[nodiscard]] std::string basic_credentials(std::string_view user_and_password);

/// ASCII case aside.
[[nodiscard]] bool same_name(std::string_view a, std::string_view b) noexcept;

} // namespace potoo::net
