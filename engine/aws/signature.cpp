#include "engine/text/ascii.hpp"
#include "engine/text/digest.hpp"

#include <potoo/aws.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <map>
#include <utility>

namespace potoo::aws {
namespace {

constexpr std::string_view algorithm = "AWS4-HMAC-SHA256";

/// A URL as the signature sees it.
struct url_parts
{
    std::string_view authority; ///< without the scheme's own port
    std::string_view path;
    std::string_view query;
};

url_parts split_url(std::string_view url)
{
    url_parts p;
    const std::size_t scheme_end = url.find("://");
    const std::string_view scheme = url.substr(0, scheme_end == std::string_view::npos ? 0 : scheme_end);
    std::string_view rest = scheme_end == std::string_view::npos ? url : url.substr(scheme_end + 3);
    rest = rest.substr(0, rest.find('#'));
    const std::size_t authority_end = std::min(rest.find_first_of("/?"), rest.size());
    p.authority = rest.substr(0, authority_end);
    if (const auto at = p.authority.rfind('@'); at != std::string_view::npos)
        p.authority.remove_prefix(at + 1);
    const std::string_view own_port = scheme == "https" ? ":443" : ":80";
    if (p.authority.ends_with(own_port))
        p.authority.remove_suffix(own_port.size());
    rest.remove_prefix(authority_end);
    const std::size_t question = rest.find('?');
    p.path = rest.substr(0, question);
    if (question != std::string_view::npos)
        p.query = rest.substr(question + 1);
    return p;
}

bool is_unreserved(unsigned char c)
{
    return std::isalnum(c) || c == '-' || c == '.' || c == '_' || c == '~';
}

int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

std::string percent_decoded(std::string_view text)
{
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '%' && i + 2 < text.size() && hex_value(text[i + 1]) >= 0 && hex_value(text[i + 2]) >= 0) {
            out.push_back(static_cast<char>(hex_value(text[i + 1]) * 16 + hex_value(text[i + 2])));
            i += 2;
        } else {
            out.push_back(text[i]);
        }
    }
    return out;
}

/// `.` and `..` resolved, double slashes joined.
std::string normalized_path(std::string_view path)
{
    std::vector<std::string_view> segments;
    for (std::size_t at = 0; at < path.size();) {
        const std::size_t end = std::min(path.find('/', at), path.size());
        const std::string_view segment = path.substr(at, end - at);
        if (segment == ".." && !segments.empty())
            segments.pop_back();
        else if (!segment.empty() && segment != "." && segment != "..")
            segments.push_back(segment);
        at = end + 1;
    }
    std::string out;
    for (const std::string_view s : segments)
        out.append("/").append(s);
    if (out.empty() || path.ends_with('/') || path.ends_with("/.") || path.ends_with("/.."))
        out += '/';
    return out;
}

/// S3 takes a path as it is sent; the others normalise it, and encode what is encoded already once more.
std::string canonical_path(std::string_view path, std::string_view service)
{
    if (path.empty())
        return "/";
    return service == "s3" ? std::string(path) : percent_encoded(normalized_path(path), true);
}

std::string canonical_query(std::string_view query)
{
    std::vector<std::pair<std::string, std::string>> pairs;
    for (std::size_t at = 0; at < query.size();) {
        const std::size_t end = std::min(query.find('&', at), query.size());
        const std::string_view pair = query.substr(at, end - at);
        const std::size_t equals = std::min(pair.find('='), pair.size());
        if (!pair.empty())
            pairs.emplace_back(percent_encoded(percent_decoded(pair.substr(0, equals))),
                               percent_encoded(percent_decoded(pair.substr(std::min(equals + 1, pair.size())))));
        at = end + 1;
    }
    std::sort(pairs.begin(), pairs.end());
    std::string out;
    for (const auto& [name, value] : pairs)
        out += fmt::format("{}{}={}", out.empty() ? "" : "&", name, value);
    return out;
}

/// Without blanks at its ends, runs of them as one.
std::string trimmed(std::string_view value)
{
    std::string out;
    for (const char c : value) {
        const bool blank = c == ' ' || c == '\t' || c == '\r' || c == '\n';
        if (!blank)
            out.push_back(c);
        else if (!out.empty() && out.back() != ' ')
            out.push_back(' ');
    }
    if (out.ends_with(' '))
        out.pop_back();
    return out;
}

struct canonical_headers
{
    std::string lines;
    std::string names;
};

canonical_headers headers_of(const http_request& r, std::string_view authority)
{
    // Values of a repeated header keep their order.
    std::map<std::string, std::string> all;
    for (const http_header& h : r.headers) {
        const auto [at, is_new] = all.emplace(text::lower(h.name), trimmed(h.value));
        if (!is_new)
            at->second += "," + trimmed(h.value);
    }
    all.emplace("host", authority);
    canonical_headers out;
    for (const auto& [name, value] : all) {
        out.lines += name + ":" + value + "\n";
        out.names += (out.names.empty() ? "" : ";") + name;
    }
    return out;
}

/// `20150830T123600Z`
std::string compact_time(wall_time t)
{
    std::string text = format_time(t).substr(0, 19) + "Z";
    std::erase_if(text, [](char c) { return c == '-' || c == ':'; });
    return text;
}

std::string signature(const credentials& c, std::string_view date, std::string_view region, std::string_view service,
                      std::string_view text)
{
    text::sha256_digest key = text::hmac_sha256("AWS4" + c.secret_access_key, date);
    for (const std::string_view part : {region, service, std::string_view("aws4_request")})
        key = text::hmac_sha256(text::bytes_of(key), part);
    return text::hex(text::bytes_of(text::hmac_sha256(text::bytes_of(key), text)));
}

} // namespace

std::string percent_encoded(std::string_view text, bool keep_slashes)
{
    constexpr std::string_view digits = "0123456789ABCDEF";
    std::string out;
    for (const unsigned char c : text) {
        if (is_unreserved(c) || (keep_slashes && c == '/')) {
            out.push_back(static_cast<char>(c));
            continue;
        }
        out.push_back('%');
        out.push_back(digits[c >> 4]);
        out.push_back(digits[c & 15]);
    }
    return out;
}

void sign(http_request& r, const credentials& c, std::string_view region, std::string_view service, wall_time now)
{
    const std::string time = compact_time(now);
    const std::string_view date = std::string_view(time).substr(0, 8);
    const std::string body_digest = text::sha256_hex(r.body);
    r.headers.push_back({"X-Amz-Date", time});
    if (!c.session_token.empty())
        r.headers.push_back({"X-Amz-Security-Token", c.session_token});
    if (service == "s3")
        r.headers.push_back({"X-Amz-Content-Sha256", body_digest});
    const url_parts url = split_url(r.url);
    const canonical_headers headers = headers_of(r, url.authority);
    const std::string canonical = fmt::format("{}\n{}\n{}\n{}\n{}\n{}", r.method, canonical_path(url.path, service),
                                              canonical_query(url.query), headers.lines, headers.names, body_digest);
    const std::string scope = fmt::format("{}/{}/{}/aws4_request", date, region, service);
    const std::string text = fmt::format("{}\n{}\n{}\n{}", algorithm, time, scope, text::sha256_hex(canonical));
    r.headers.push_back(
        {"Authorization", fmt::format("{} Credential={}/{}, SignedHeaders={}, Signature={}", algorithm, c.access_key_id,
                                      scope, headers.names, signature(c, date, region, service, text))});
}

} // namespace potoo::aws
