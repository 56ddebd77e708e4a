#include "engine/net/redirect.hpp"

#include "engine/net/request_head.hpp"

#include <algorithm>
#include <string_view>

namespace potoo::net {
namespace {

constexpr unsigned moved_permanently = 301;
constexpr unsigned found = 302;
constexpr unsigned see_other = 303;
constexpr unsigned temporary_redirect = 307;
constexpr unsigned permanent_redirect = 308;

bool is_redirect(unsigned status) noexcept
{
    return status == moved_permanently || status == found || status == see_other || redirect_leaves_work_undone(status);
}

bool becomes_get(std::string_view method, unsigned status) noexcept
{
    if (status == see_other)
        return method != "GET" && method != "HEAD";
    return (status == moved_permanently || status == found) && method == "POST";
}

bool is_credential(std::string_view name) noexcept
{
    return same_name(name, "Authorization") || same_name(name, "Cookie") || same_name(name, "Proxy-Authorization") ||
           same_name(name, "Host");
}

bool describes_body(std::string_view name) noexcept
{
    constexpr std::string_view prefix = "Content-";
    return same_name(name.substr(0, prefix.size()), prefix) || same_name(name, "Expect");
}

} // namespace

bool redirect_leaves_work_undone(unsigned status) noexcept
{
    return status == temporary_redirect || status == permanent_redirect;
}

or_problem<std::optional<url>> redirect_target(const http_response& response, const url& from)
{
    const std::string_view location = response.header("Location");
    if (!is_redirect(response.status) || location.empty())
        return std::optional<url>();
    auto to = resolve_url(from, location);
    if (!to)
        return problem(http_error::malformed, to.error().detail);
    // A user and password that the other side chose are not ours to send; our own stay within their origin.
    to->userinfo = to->origin() == from.origin() ? from.userinfo : std::string();
    return std::optional<url>(std::move(*to));
}

void redirect_request(http_request& request, unsigned status, const url& from, const url& to)
{
    if (becomes_get(request.method, status)) {
        request.method = "GET";
        request.body.clear();
        std::erase_if(request.headers, [](const http_header& h) { return describes_body(h.name); });
    }
    if (from.origin() != to.origin())
        std::erase_if(request.headers, [](const http_header& h) { return is_credential(h.name); });
}

} // namespace potoo::net
