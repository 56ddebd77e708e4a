#include <potoo/http_json.hpp>
#include <potoo/utf8.hpp>

#include "engine/remote/text_encoding.hpp"
#include "engine/text/ascii.hpp"

#include <potoo/error.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

namespace potoo {
namespace {

bool is_json_type(std::string_view content_type)
{
    std::string type = text::lower(content_type.substr(0, content_type.find(';')));
    while (!type.empty() && type.back() == ' ')
        type.pop_back();
    return type == "application/json" || type == "text/json" || type.ends_with("+json");
}

[[noreturn]] void wrong(std::string_view place, std::string_view member, std::string_view want,
                        const json::value* found)
{
    throw fatal(fmt::format("`{}{}{}` must be {}{}", place, place.empty() ? "" : ".", member, want,
                            found ? ", not " + json::serialize(*found) : ", and it is missing"));
}

/// Headers hold credentials: they are not shown.
[[noreturn]] void wrong_header(std::string_view place, std::string_view member, std::string_view want,
                               const json::value& found)
{
    const auto kind = json::to_string(found.kind());
    throw fatal(fmt::format("`{}{}{}` must be {}, and is of the type {}", place, place.empty() ? "" : ".", member, want,
                            std::string_view(kind.data(), kind.size())));
}

std::string header_text(const json::value& v, std::string_view place, std::string_view name)
{
    if (v.is_string())
        return std::string(v.get_string());
    if (v.is_number() || v.is_bool())
        return json::serialize(v);
    wrong_header(place, fmt::format("headers.{}", name), "a string", v);
}

void read_headers(http_request& r, const json::value& headers, std::string_view place)
{
    const auto* object = headers.if_object();
    if (!object)
        wrong_header(place, "headers", "a map of names and values", headers);
    for (const auto& [name, value] : *object)
        r.headers.push_back({std::string(name), header_text(value, place, name)});
}

bool has_header(const http_request& r, std::string_view name)
{
    return std::any_of(r.headers.begin(), r.headers.end(), [&](const auto& h) { return text::lower(h.name) == name; });
}

void read_body(http_request& r, const json::value& body)
{
    if (body.is_null())
        return;
    if (body.is_string()) {
        r.body = std::string(body.get_string());
        return;
    }
    r.body = json::serialize(body);
    if (!has_header(r, "content-type"))
        r.headers.push_back({"Content-Type", "application/json"});
}

json::object headers_of(const http_response& r)
{
    json::object headers;
    for (const auto& h : r.headers) {
        json::value& v = headers[text::lower(h.name)];
        const std::string value = remote::printable(h.value);
        if (v.is_string())
            v = json::value(std::string(v.get_string()) + ", " + value);
        else
            v = json::value(value);
    }
    return headers;
}

std::optional<json::value> parse_body(const std::string& body)
{
    json::parse_options options;
    options.max_depth = deepest_json_body;
    boost::system::error_code ec;
    json::value v = json::parse(body, ec, {}, options);
    return ec ? std::nullopt : std::optional(std::move(v));
}

void put_raw_body(json::object& out, const http_response& r)
{
    if (r.body.empty())
        out["body"] = nullptr;
    else if (is_utf8(r.body))
        out["body"] = json::value(r.body);
    else
        out["body_base64"] = json::value(remote::base64(r.body));
}

std::optional<json::value> as_json(const http_response& r, bool any_type)
{
    json::object out{{"status", r.status}, {"headers", headers_of(r)}};
    const bool promised = is_json_type(r.header("content-type"));
    if (!r.body.empty() && (promised || any_type)) {
        if (auto body = parse_body(r.body)) {
            out["body"] = std::move(*body);
            return out;
        }
        if (promised)
            return std::nullopt;
    }
    put_raw_body(out, r);
    return out;
}

} // namespace

http_request read_http_request(const json::object& with, std::string_view place)
{
    http_request r;
    if (const json::value* method = with.if_contains("method")) {
        if (!method->is_string() || method->get_string().empty())
            wrong(place, "method", "a word such as GET", method);
        r.method = std::string(method->get_string());
        std::transform(r.method.begin(), r.method.end(), r.method.begin(),
                       [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
    }
    const json::value* url = with.if_contains("url");
    if (!url || !url->is_string() || url->get_string().empty())
        wrong(place, "url", "a URL", url);
    r.url = std::string(url->get_string());
    if (const json::value* headers = with.if_contains("headers"))
        read_headers(r, *headers, place);
    if (const json::value* body = with.if_contains("body"))
        read_body(r, *body);
    return r;
}

std::optional<json::value> http_response_as_json(const http_response& r)
{
    return as_json(r, false);
}

std::optional<json::value> http_response_of_json_service(const http_response& r)
{
    return as_json(r, true);
}

} // namespace potoo
