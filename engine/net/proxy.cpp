#include "engine/net/proxy.hpp"

#include "engine/net/request_head.hpp"

#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/network_v4.hpp>
#include <boost/asio/ip/network_v6.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

namespace potoo::net {
namespace {

namespace ip = boost::asio::ip;

// What curl takes when a proxy's URL names no port.
constexpr std::uint16_t default_port = 1080;

bool in_network(const ip::address& host, std::string_view network)
{
    boost::system::error_code ec;
    if (host.is_v4()) {
        const auto net = ip::make_network_v4(std::string(network), ec);
        return !ec && ip::network_v4(host.to_v4(), net.prefix_length()).canonical() == net.canonical();
    }
    const auto net = ip::make_network_v6(std::string(network), ec);
    return !ec && ip::network_v6(host.to_v6(), net.prefix_length()).canonical() == net.canonical();
}

bool matches(std::string_view host, std::string_view entry)
{
    if (entry == "*")
        return true;
    boost::system::error_code no_address;
    const ip::address address = ip::make_address(std::string(host), no_address);
    if (!no_address && entry.find('/') != std::string_view::npos)
        return in_network(address, entry);
    if (entry.size() > 1 && entry.front() == '[' && entry.back() == ']')
        entry = entry.substr(1, entry.size() - 2);
    if (same_name(host, entry))
        return true;
    if (!no_address)
        return false;
    if (!entry.empty() && entry.front() == '.')
        entry.remove_prefix(1);
    if (same_name(host, entry))
        return true;
    return !entry.empty() && host.size() > entry.size() + 1 && host[host.size() - entry.size() - 1] == '.' &&
           same_name(host.substr(host.size() - entry.size()), entry);
}

or_problem<proxy> parse_proxy(const std::string& text)
{
    const bool has_scheme = text.find("://") != std::string::npos;
    const std::string whole = has_scheme ? text : "http://" + text;
    const auto u = parse_url(whole);
    // The text is not shown: it may hold a password.
    if (!u || u->transport != transport::tcp)
        return problem(http_error::proxy_failed,
                       "the environment names a proxy that cannot be used: expected http://[user:password@]host:port");
    const auto host_at = whole.find('@') == std::string::npos ? whole.find("://") + 3 : whole.rfind('@') + 1;
    const std::string_view host_and_port = std::string_view(whole).substr(host_at, whole.find('/', host_at) - host_at);
    const auto bracket = host_and_port.rfind(']');
    const auto colon = host_and_port.rfind(':');
    const bool has_port = colon != std::string_view::npos && (bracket == std::string_view::npos || colon > bracket);
    proxy out;
    out.host = u->host;
    out.port = has_port ? u->port : default_port;
    if (!u->userinfo.empty())
        out.authorization = basic_credentials(u->userinfo);
    return out;
}

} // namespace

proxy_settings proxy_settings::from(const std::function<const char*(const char*)>& variable)
{
    const auto first_of = [&](std::initializer_list<const char*> names) -> std::string {
        for (const char* name : names) {
            const char* value = variable(name);
            if (value && *value)
                return value;
        }
        return {};
    };
    return {first_of({"http_proxy"}), first_of({"https_proxy", "HTTPS_PROXY"}), first_of({"all_proxy", "ALL_PROXY"}),
            first_of({"no_proxy", "NO_PROXY"})};
}

proxy_settings proxy_settings::from_environment()
{
    return from([](const char* name) { return std::getenv(name); });
}

bool is_exempt(std::string_view host, std::string_view no_proxy)
{
    while (!no_proxy.empty()) {
        const auto end = no_proxy.find_first_of(", \t");
        const std::string_view entry = no_proxy.substr(0, end);
        no_proxy.remove_prefix(end == std::string_view::npos ? no_proxy.size() : end + 1);
        if (!entry.empty() && matches(host, entry))
            return true;
    }
    return false;
}

or_problem<std::optional<proxy>> proxy_for(const url& to, const proxy_settings& settings)
{
    if (to.transport == transport::unix_socket)
        return std::optional<proxy>();
    const std::string& own = to.transport == transport::tls ? settings.https : settings.http;
    const std::string& chosen = own.empty() ? settings.all : own;
    if (chosen.empty() || is_exempt(to.host, settings.no_proxy))
        return std::optional<proxy>();
    auto parsed = parse_proxy(chosen);
    if (!parsed)
        return parsed.error();
    return std::optional<proxy>(std::move(*parsed));
}

} // namespace potoo::net
