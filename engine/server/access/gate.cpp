#include "engine/server/access/gate.hpp"

#include "engine/text/ascii.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

namespace potoo::server {
namespace {

bool consists_of(std::string_view text, std::string_view allowed) noexcept
{
    return !text.empty() && text.find_first_not_of(allowed) == std::string_view::npos;
}

/// `name` of `name`, `name:port`, `[address]` and `[address]:port`, in lower case; empty when it is none of these.
std::string without_port(std::string_view host)
{
    constexpr std::string_view digits = "0123456789";
    const bool is_address = host.starts_with('[');
    const std::string_view name = is_address ? host.substr(0, host.find(']') + 1) : host.substr(0, host.find(':'));
    const std::string_view port = host.substr(name.size());
    if (!port.empty() && !(port.starts_with(':') && consists_of(port.substr(1), digits)))
        return {};
    const std::string found = text::lower(name);
    const bool good = is_address ? found.size() > 2 && consists_of(std::string_view(found).substr(1, found.size() - 2),
                                                                   "0123456789abcdef:.%")
                                 : consists_of(found, "0123456789abcdefghijklmnopqrstuvwxyz.-_");
    return good ? found : std::string();
}

bool is_loopback_name(std::string_view name) noexcept
{
    constexpr std::array<std::string_view, 3> names{"localhost", "127.0.0.1", "[::1]"};
    return std::find(names.begin(), names.end(), name) != names.end();
}

bool is_loopback_address(std::string_view peer) noexcept
{
    return peer == "::1" || peer.starts_with("127.") || peer.starts_with("::ffff:127.");
}

/// The host and port in `scheme://host:port`.
std::string_view authority_of(std::string_view origin) noexcept
{
    const auto end = origin.find("://");
    return end == std::string_view::npos ? std::string_view() : origin.substr(end + 3);
}

std::size_t count(const web::request& head, std::string_view name)
{
    return static_cast<std::size_t>(
        std::count_if(head.fields.begin(), head.fields.end(), [&](const web::field& f) { return f.first == name; }));
}

bool came_through_a_proxy(const web::request& head)
{
    return head.find("forwarded") || head.find("x-forwarded-for") || head.find("via");
}

constexpr std::string_view how_to_make_one = "`potoo token create NAME --role admin|user|viewer` makes one";

access_refusal refused_token(std::string what, std::string detail)
{
    return {401, std::move(what), std::move(detail), R"(Bearer realm="potoo", error="invalid_token")"};
}

access_refusal no_token()
{
    return {401, "token-missing",
            fmt::format("This needs a token: send `Authorization: Bearer TOKEN`; {}.", how_to_make_one),
            R"(Bearer realm="potoo")"};
}

/// The token's text; nothing when there is none. An empty one is one that is not understood.
std::optional<std::string> shown_token(const web::request& head, token_place place)
{
    if (const std::string* field = head.find("authorization")) {
        constexpr std::string_view scheme = "bearer ";
        if (field->size() <= scheme.size() || text::lower(field->substr(0, scheme.size())) != scheme)
            return std::string();
        return field->substr(field->find_first_not_of(' ', scheme.size() - 1));
    }
    const std::string* in_query = place == token_place::field_or_query ? head.find_query("access_token") : nullptr;
    return in_query ? std::optional(*in_query) : std::nullopt;
}

access_refusal refusal_of(const token_check& c)
{
    switch (c.verdict) {
    case token_verdict::expired:
        return refused_token("token-expired", fmt::format("The token {} ({}) expired at {}; {}.", c.row.id, c.row.name,
                                                          format_time(*c.row.expires), how_to_make_one));
    case token_verdict::revoked:
        return refused_token("token-revoked", fmt::format("The token {} ({}) was revoked at {}; {}.", c.row.id,
                                                          c.row.name, format_time(*c.row.revoked), how_to_make_one));
    default:
        return refused_token("token-unknown",
                             fmt::format("There is no such token here. Look whether it was copied whole "
                                         "and belongs to this server; {}.",
                                         how_to_make_one));
    }
}

} // namespace

gate::gate(token_book& tokens, access_rules rules) : tokens_(tokens), rules_(std::move(rules))
{
    for (std::string& host : rules_.hosts)
        host = text::lower(host);
    for (std::string& origin : rules_.origins)
        origin = text::lower(origin);
}

std::optional<access_refusal> gate::check_host(const web::request& head) const
{
    const std::string* host = head.find("host");
    if (!host || host->empty() || count(head, "host") > 1)
        return access_refusal{400, "host-missing", "A request has exactly one `Host` field.", {}};
    const std::string whole = text::lower(*host);
    const std::string name = without_port(whole);
    const auto listed = [&](const std::string& known) { return known == whole || known == name; };
    const bool known =
        !name.empty() && ((rules_.loopback && is_loopback_name(name)) || (!rules_.loopback && rules_.hosts.empty()) ||
                          std::any_of(rules_.hosts.begin(), rules_.hosts.end(), listed));
    if (!known)
        return access_refusal{
            421,
            "host-unknown",
            "This server does not answer for the host name in the request. Where it is meant to, name it under "
            "`hosts` in the server's configuration.",
            {}};
    const std::string* origin = head.find("origin");
    if (!origin)
        return std::nullopt;
    if (count(head, "origin") == 1 && is_own_page(text::lower(*origin), whole))
        return std::nullopt;
    return access_refusal{
        403,
        "origin-foreign",
        "A web page from elsewhere may not use this server. Where it is meant to, name its host under `hosts` in the "
        "server's configuration.",
        {}};
}

bool gate::is_own_page(const std::string& origin, const std::string& host) const
{
    const std::string authority(authority_of(origin));
    const auto listed = [&](const std::vector<std::string>& names, const std::string& name) {
        return std::find(names.begin(), names.end(), name) != names.end();
    };
    return !authority.empty() && (authority == host || listed(rules_.hosts, authority) ||
                                  listed(rules_.hosts, without_port(authority)) || listed(rules_.origins, origin));
}

std::variant<principal, access_refusal> gate::identify(const web::request& head, wall_time now, token_place place) const
{
    if (count(head, "authorization") > 1)
        return access_refusal{400, "token-twice", "A request has at most one `Authorization` field.", {}};
    const auto text = shown_token(head, place);
    if (text) {
        const token_check c = tokens_.check(*text, now);
        if (c.verdict != token_verdict::good)
            return refusal_of(c);
        return principal{c.row.name, c.row.may, c.row.id};
    }
    if (!rules_.loopback || !is_loopback_address(head.peer) || came_through_a_proxy(head) || tokens_.has_any())
        return no_token();
    return principal{{}, role::admin, {}};
}

} // namespace potoo::server
