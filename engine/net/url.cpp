#include "engine/net/url.hpp"

#include "engine/text/ascii.hpp"

#include <boost/url/parse.hpp>
#include <boost/url/url.hpp>
#include <boost/url/url_view.hpp>
#include <fmt/format.h>

#include <sys/un.h>

#include <algorithm>
#include <array>
#include <charconv>

namespace potoo::net {
namespace {

namespace urls = boost::urls;

constexpr std::string_view unix_scheme = "unix:";
constexpr std::string_view expected = "http://..., https://... or unix:/path/to.sock:/target";
constexpr std::size_t longest_shown = 200;

std::string_view view(boost::core::string_view s)
{
    return {s.data(), s.size()};
}

/// A URL that could not be taken apart, safe to show: credentials and query blanked, control characters replaced.
std::string shown(std::string_view text)
{
    const auto scheme_end = text.find("://");
    // A password that is not encoded may hold anything, a @ too.
    const auto at = text.rfind('@');
    std::string out;
    if (scheme_end != std::string_view::npos && at != std::string_view::npos && at > scheme_end) {
        out = fmt::format("{}***", text.substr(0, scheme_end + 3));
        text = text.substr(at);
    }
    const bool has_query = text.find('?') != std::string_view::npos;
    out += text.substr(0, text.find('?'));
    if (out.size() > longest_shown)
        out = out.substr(0, longest_shown) + "...";
    std::replace_if(out.begin(), out.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; }, '?');
    if (has_query)
        out += "?...";
    return out;
}

problem bad(std::string_view text, std::string_view why)
{
    return {http_error::bad_url, fmt::format("bad URL \"{}\": {}", shown(text), why)};
}

std::string target_of(const urls::url_view& u)
{
    std::string out(view(u.encoded_path()));
    if (out.empty() || out.front() != '/')
        out.insert(out.begin(), '/');
    if (u.has_query())
        out.append("?").append(view(u.encoded_query()));
    return out;
}

or_problem<url> parse_unix(std::string_view text)
{
    const std::string_view rest = text.substr(unix_scheme.size());
    const auto end = rest.find(":/");
    const std::string_view path = rest.substr(0, end);
    if (path.empty() || path.front() != '/')
        return bad(text, "expected unix:/path/to.sock:/target with an absolute path");
    if (path.size() >= sizeof(sockaddr_un::sun_path))
        return bad(text,
                   fmt::format("the path of a unix socket has at most {} bytes", sizeof(sockaddr_un::sun_path) - 1));
    if (path.find('\0') != std::string_view::npos)
        return bad(text, "the path contains a NUL");
    const std::string_view target = end == std::string_view::npos ? "/" : rest.substr(end + 1);
    const auto parsed = urls::parse_origin_form({target.data(), target.size()});
    if (!parsed)
        return bad(text, "the target after the socket's path contains a character that must be percent-encoded");
    url out;
    out.transport = transport::unix_socket;
    out.host = path;
    out.authority = "localhost";
    out.target = target_of(*parsed);
    return out;
}

or_problem<std::uint16_t> port_of(std::string_view text, const urls::url_view& u, std::uint16_t default_port)
{
    if (!u.has_port() || u.port().empty())
        return default_port;
    const std::string_view digits = view(u.port());
    std::uint16_t port = 0;
    const auto [end, ec] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
    if (ec != std::errc() || end != digits.data() + digits.size() || port == 0)
        return bad(text, "the port must be a number from 1 to 65535");
    return port;
}

/// What leads above the root leads to the root.
void drop_leading_dots(std::string& target)
{
    constexpr std::string_view up = "/../";
    while (target.compare(0, up.size(), up) == 0)
        target.erase(0, up.size() - 1);
}

or_problem<url> from_parsed(std::string_view text, const urls::url_view& u)
{
    url out;
    const std::string scheme = text::lower(view(u.scheme()));
    if (scheme == "https")
        out.transport = transport::tls;
    else if (scheme != "http")
        return bad(text, fmt::format("unknown scheme \"{}\"; expected {}", scheme, expected));
    if (!u.has_authority() || u.encoded_host().empty())
        return bad(text, "it names no host");
    // Boost.URL takes "h:x" for a host with an empty port before a relative path.
    if (!u.encoded_path().empty() && u.encoded_path().front() != '/')
        return bad(text, "the port must be a number from 1 to 65535");
    const std::uint16_t default_port = out.transport == transport::tls ? 443 : 80;
    auto port = port_of(text, u, default_port);
    if (!port)
        return port.error();
    out.port = *port;
    out.host =
        text::lower(u.host_type() == urls::host_type::ipv6 ? std::string(view(u.encoded_host_address())) : u.host());
    const auto forbidden = [](unsigned char c) { return c <= 0x20 || c == 0x7f || c == '/' || c == '@'; };
    if (std::any_of(out.host.begin(), out.host.end(), forbidden))
        return bad(text, "the host contains a character that no host name has");
    out.authority = text::lower(view(u.encoded_host()));
    if (out.port != default_port)
        out.authority += fmt::format(":{}", out.port);
    out.target = target_of(u);
    drop_leading_dots(out.target);
    if (u.has_userinfo())
        out.userinfo = u.has_password() ? u.userinfo() : u.user() + ":";
    return out;
}

/// Needs no closer look: unreserved characters and separators only, and no dots that could lead upwards.
bool is_plain_target(std::string_view target) noexcept
{
    static constexpr auto plain = [] {
        std::array<bool, 256> table{};
        for (const char c :
             std::string_view("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~/?=&,;:+"))
            table[static_cast<unsigned char>(c)] = true;
        return table;
    }();
    const auto is_plain = [](unsigned char c) { return plain[c]; };
    return std::all_of(target.begin(), target.end(), is_plain) && target.find("/..") == std::string_view::npos;
}

/// The part of a unix URL that relative references are resolved in needs a scheme and host of some kind.
std::string resolvable(const url& base)
{
    const std::string_view scheme = base.transport == transport::tls ? "https" : "http";
    return fmt::format("{}://{}{}", scheme, base.authority, base.target);
}

} // namespace

std::string url::origin() const
{
    if (transport == transport::unix_socket)
        return "unix:" + host;
    const bool v6 = host.find(':') != std::string::npos;
    std::string out = transport == transport::tls ? "https://" : "http://";
    out.append(v6 ? "[" : "").append(host).append(v6 ? "]:" : ":").append(fmt::format_int(port).str());
    return out;
}

std::string url::text() const
{
    if (transport == transport::unix_socket)
        return fmt::format("unix:{}:{}", host, target);
    return resolvable(*this);
}

or_problem<url> parse_url(std::string_view text)
{
    if (text.substr(0, unix_scheme.size()) == unix_scheme)
        return parse_unix(text);
    const auto parsed = urls::parse_uri({text.data(), text.size()});
    if (!parsed) {
        if (text.find("://") == std::string_view::npos)
            return bad(text, fmt::format("expected {}", expected));
        return bad(text, "it contains a character that must be percent-encoded, or its host or port is no such thing");
    }
    return from_parsed(text, *parsed);
}

or_problem<url> url_reader::parse(std::string_view text)
{
    constexpr std::size_t most_known = 64;
    const auto scheme_end = text.find("://");
    const auto path = scheme_end == std::string_view::npos ? scheme_end : text.find_first_of("/?#", scheme_end + 3);
    if (path == std::string_view::npos || text[path] != '/' || !is_plain_target(text.substr(path)))
        return parse_url(text);
    const std::string_view before_path = text.substr(0, path);
    const auto known = known_.find(before_path);
    if (known != known_.end()) {
        url out = known->second;
        out.target = text.substr(path);
        return out;
    }
    auto parsed = parse_url(text);
    if (!parsed)
        return parsed;
    if (known_.size() == most_known)
        known_.clear();
    known_.emplace(before_path, *parsed).first->second.target.clear();
    return parsed;
}

or_problem<url> resolve_url(const url& base, std::string_view reference)
{
    const auto ref = urls::parse_uri_reference({reference.data(), reference.size()});
    if (!ref)
        return bad(reference, "a redirect leads there, and it is no valid reference");
    const bool leaves = ref->has_scheme() || ref->has_authority();
    const std::string base_text = resolvable(base);
    const auto parsed_base = urls::parse_uri(base_text);
    urls::url joined;
    if (!parsed_base || !urls::resolve(*parsed_base, *ref, joined))
        return bad(reference, "a redirect leads there, and it cannot be resolved");
    auto out = from_parsed(reference, joined);
    if (!out || leaves || base.transport != transport::unix_socket)
        return out;
    url stays = base;
    stays.target = out->target;
    return stays;
}

} // namespace potoo::net
