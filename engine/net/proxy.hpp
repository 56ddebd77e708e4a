#pragma once
/// @file
/// Which requests go through a proxy, by the environment variables that curl goes by.

#include "engine/net/problem.hpp"
#include "engine/net/url.hpp"

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace potoo::net {

/// URLs as the variables have them; empty = none. Checked when a request needs one.
struct proxy_settings
{
    std::string http;     ///< `http_proxy`; never `HTTP_PROXY`, which a CGI request could set
    std::string https;    ///< `https_proxy`, `HTTPS_PROXY`
    std::string all;      ///< `all_proxy`, `ALL_PROXY`: where the others are not set
    std::string no_proxy; ///< `no_proxy`, `NO_PROXY`: `*`, or hosts, domains, addresses and networks, split by commas

    /// @param variable value of an environment variable; null if it is not set
    [[nodiscard]] static proxy_settings from(const std::function<const char*(const char*)>& variable);

    [[nodiscard]] static proxy_settings from_environment();
};

struct proxy
{
    std::string host;
    std::uint16_t port = 0;
    std::string authorization; ///< value of `Proxy-Authorization`; empty = none
};

/// The proxy for `to`, or nothing. `proxy_failed` when the variable that applies holds what cannot be used.
[[nodiscard]] or_problem<std::optional<proxy>> proxy_for(const url& to, const proxy_settings& settings);

/// Whether `no_proxy` names the host.
[[nodiscard]] bool is_exempt(std::string_view host, std::string_view no_proxy);

} // namespace potoo::net
