#include "engine/net/request_head.hpp"

#include "engine/text/ascii.hpp"

#include <boost/beast/core/detail/base64.hpp>
#include <fmt/format.h>

#include <algorithm>

namespace potoo::net {
namespace {

constexpr std::string_view user_agent = "potoo/" POTOO_VERSION;

bool is_token(std::string_view s) noexcept
{
    const auto allowed = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
    };
    return !s.empty() && std::all_of(s.begin(), s.end(), allowed);
}

bool has_control_character(std::string_view value) noexcept
{
    return std::any_of(value.begin(), value.end(),
                       [](unsigned char c) { return (c < 0x20 && c != '\t') || c == 0x7f; });
}

bool contains_word(std::string_view list, std::string_view word) noexcept
{
    while (!list.empty()) {
        const auto comma = list.find(',');
        std::string_view item = list.substr(0, comma);
        list.remove_prefix(comma == std::string_view::npos ? list.size() : comma + 1);
        const auto first = item.find_first_not_of(" \t");
        if (first == std::string_view::npos)
            continue;
        item = item.substr(first, item.find_last_not_of(" \t") - first + 1);
        if (same_name(item, word))
            return true;
    }
    return false;
}

/// What the caller's headers replace.
struct given_headers
{
    bool host = false;
    bool user_agent = false;
    bool accept_encoding = false;
    bool authorization = false;
    bool close = false;
};

or_problem<given_headers> check_headers(const std::vector<http_header>& headers)
{
    given_headers given;
    for (const http_header& h : headers) {
        if (!is_token(h.name))
            return problem(http_error::bad_url,
                           "a header's name is empty or contains a character that names do not have");
        if (has_control_character(h.value))
            return problem(http_error::bad_url,
                           fmt::format("the header {} contains a line break or another control character", h.name));
        if (same_name(h.name, "Content-Length") || same_name(h.name, "Transfer-Encoding"))
            return problem(http_error::bad_url,
                           fmt::format("the header {} is set by the client itself; leave it out", h.name));
        given.host |= same_name(h.name, "Host");
        given.user_agent |= same_name(h.name, "User-Agent");
        given.accept_encoding |= same_name(h.name, "Accept-Encoding");
        given.authorization |= same_name(h.name, "Authorization");
        given.close |= same_name(h.name, "Connection") && contains_word(h.value, "close");
    }
    return given;
}

void add(std::string& out, std::string_view name, std::string_view value)
{
    out.append(name).append(": ").append(value).append("\r\n");
}

bool method_has_body(std::string_view method) noexcept
{
    return method == "POST" || method == "PUT" || method == "PATCH";
}

} // namespace

bool same_name(std::string_view a, std::string_view b) noexcept
{
    return text::same_word(a, b);
}

std::string basic_credentials(std::string_view user_and_password)
{
    namespace base64 = boost::beast::detail::base64;
    std::string out = "Basic ";
    const std::size_t prefix = out.size();
    out.resize(prefix + base64::encoded_size(user_and_password.size()));
    out.resize(prefix + base64::encode(out.data() + prefix, user_and_password.data(), user_and_password.size()));
    return out;
}

or_problem<head_traits> write_head(const http_request& request, const url& to, const head_extras& extras,
                                   std::string& out)
{
    if (!is_token(request.method))
        return problem(http_error::bad_url, "the method is empty or contains a character that methods do not have");
    const auto given = check_headers(request.headers);
    if (!given)
        return given.error();
    out.append(request.method).append(" ");
    if (extras.absolute_target)
        out.append("http://").append(to.authority);
    out.append(to.target).append(" HTTP/1.1\r\n");
    if (!given->host)
        add(out, "Host", to.authority);
    if (!given->user_agent)
        add(out, "User-Agent", user_agent);
    if (!given->accept_encoding)
        add(out, "Accept-Encoding", "gzip");
    if (!to.userinfo.empty() && !given->authorization)
        add(out, "Authorization", basic_credentials(to.userinfo));
    if (!extras.proxy_authorization.empty())
        add(out, "Proxy-Authorization", extras.proxy_authorization);
    for (const http_header& h : request.headers)
        add(out, h.name, h.value);
    if (!request.body.empty() || method_has_body(request.method))
        add(out, "Content-Length", fmt::format_int(request.body.size()).str());
    out.append("\r\n");
    return head_traits{!given->accept_encoding, !given->close};
}

void write_connect(const url& to, std::string_view proxy_authorization, std::string& out)
{
    const bool v6 = to.host.find(':') != std::string::npos;
    const std::string authority =
        v6 ? fmt::format("[{}]:{}", to.host, to.port) : fmt::format("{}:{}", to.host, to.port);
    out.append("CONNECT ").append(authority).append(" HTTP/1.1\r\n");
    add(out, "Host", authority);
    add(out, "User-Agent", user_agent);
    if (!proxy_authorization.empty())
        add(out, "Proxy-Authorization", proxy_authorization);
    out.append("\r\n");
}

} // namespace potoo::net
