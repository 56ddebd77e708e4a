#include "engine/web/request_reader.hpp"

#include "engine/text/ascii.hpp"
#include "engine/web/request_target.hpp"
#include "engine/web/text_check.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/error.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <limits>

namespace potoo::web {
namespace {

namespace http = boost::beast::http;
using boost::system::error_code;

constexpr std::size_t most_fields = 100;

refusal bad(std::string detail)
{
    return {400, std::move(detail)};
}

std::string_view view(boost::beast::string_view text)
{
    return {text.data(), text.size()};
}

std::size_t count(const request& r, std::string_view name)
{
    return static_cast<std::size_t>(
        std::count_if(r.fields.begin(), r.fields.end(), [&](const field& f) { return f.first == name; }));
}

/// `name`, `1.2.3.4`, `[::1]`, each with a port or without.
bool is_host(std::string_view host)
{
    constexpr std::string_view others = "-._~%!$&'()*+,;=:[]";
    return std::all_of(host.begin(), host.end(), [&](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               others.find(c) != std::string_view::npos;
    });
}

bool lists_in_any(const request& r, std::string_view name, std::string_view word)
{
    return std::any_of(r.fields.begin(), r.fields.end(),
                       [&](const field& f) { return f.first == name && lists(f.second, word); });
}

/// Digits and nothing else, not even a sign.
bool read_length(std::string_view text, std::size_t& length)
{
    const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), length);
    return ec == std::errc() && end == text.data() + text.size();
}

refusal too_large(std::size_t limit)
{
    return {413, fmt::format("the body must not be larger than {} bytes", limit)};
}

refusal describe(error_code ec)
{
    if (ec == http::error::bad_version)
        return {505, "only HTTP/1.1 and HTTP/1.0 are spoken here"};
    if (ec == http::error::header_limit)
        return {431, "the head of the request is too long"};
    return bad("the request is malformed: " + ec.message());
}

} // namespace

request_parser::request_parser(std::size_t head_limit)
{
    constexpr std::size_t most = std::numeric_limits<std::uint32_t>::max();
    // One more, so that the reader's own limit is the one that is met.
    header_limit(static_cast<std::uint32_t>(std::min(head_limit + 1, most)));
    body_limit(boost::none);
    eager(false);
}

void request_parser::on_request_impl(http::verb, text method, text sent, int version, error_code&)
{
    version_number = version;
    parsed.method = view(method);
    target = view(sent);
}

void request_parser::on_field_impl(http::field, text name, text value, error_code&)
{
    parsed.fields.emplace_back(potoo::text::lower(view(name)), trimmed(view(value)));
}

or_refusal<std::size_t> request_reader::put(std::string_view bytes)
{
    return head_done_ ? put_body(bytes) : put_head(bytes);
}

/// Beast takes some of what is refused here for something else: a line that is folded for one line, a lone line feed
/// for part of a value.
std::optional<refusal> request_reader::scan(std::string_view bytes)
{
    for (; scanned_ < bytes.size(); ++scanned_) {
        const char c = bytes[scanned_];
        const char before = scanned_ == 0 ? '\0' : bytes[scanned_ - 1];
        if (c == '\n' && before != '\r')
            return bad("a line of the head ends without a carriage return");
        if (before == '\r' && c != '\n')
            return bad("the head has a carriage return within a line");
        if (before == '\n' && (c == ' ' || c == '\t'))
            return bad("the head has a line that begins with a space: fields must not be folded");
        if (static_cast<unsigned char>(c) < 0x20 && c != '\r' && c != '\n' && c != '\t')
            return bad("the head has a control character");
        if (c == '\n' && ++lines_ > most_fields + 2)
            return refusal(431, fmt::format("the request has more than {} fields", most_fields));
        if (c == '\n' && scanned_ >= 3 && bytes[scanned_ - 2] == '\n') {
            ++scanned_;
            head_done_ = true;
            break;
        }
    }
    if (scanned_ <= head_limit_)
        return std::nullopt;
    if (lines_ == 0)
        return refusal(414, "the request line is too long");
    return refusal(431, "the head of the request is too long");
}

or_refusal<std::size_t> request_reader::put_head(std::string_view bytes)
{
    // An empty line that an old client sends after a body.
    const bool empty_line = scanned_ == 0 && bytes.starts_with("\r\n");
    if (empty_line)
        return std::size_t{2};
    if (scanned_ == 0 && bytes == "\r")
        return std::size_t{0};
    if (scanned_ == 0 && !bytes.empty() && !is_token(bytes.substr(0, 1)))
        return bad("this is not HTTP");
    if (auto refused = scan(bytes))
        return *refused;
    if (!head_done_)
        return std::size_t{0};
    error_code ec;
    const std::string_view head = bytes.substr(0, scanned_);
    parser_.put(boost::asio::buffer(head.data(), head.size()), ec);
    if (ec)
        return describe(ec);
    if (!parser_.is_header_done())
        return bad("the request is malformed");
    auto checked = check_head();
    if (!checked)
        return checked.error();
    return head.size();
}

or_refusal<void> request_reader::check_head()
{
    request& r = parser_.parsed;
    modern_ = parser_.version_number == 11;
    keep_alive_ = modern_ && !lists_in_any(r, "connection", "close");
    if (auto refused = check_framing())
        return *refused;
    if (auto refused = check_host())
        return *refused;
    const std::string* host = r.find("host");
    auto target = read_target(parser_.target, host ? *host : std::string_view(), r);
    if (!target)
        return target;
    if (auto refused = check_upgrade())
        return *refused;
    const std::string* expect = r.find("expect");
    if (expect && !text::same_word(*expect, "100-continue"))
        return refusal(417, "no expectation but 100-continue can be met");
    awaits_continue_ = expect && modern_ && !done();
    return {};
}

std::optional<refusal> request_reader::check_framing()
{
    const request& r = parser_.parsed;
    const std::string* length = r.find("content-length");
    const std::string* coding = r.find("transfer-encoding");
    if (length && coding)
        return bad("the request has both a Content-Length and a Transfer-Encoding");
    if (count(r, "content-length") > 1 || count(r, "transfer-encoding") > 1)
        return bad("the length of the request's body is given more than once");
    if (length && !read_length(*length, length_))
        return bad("the Content-Length is not a number, or too large for one");
    if (coding && !modern_)
        return bad("HTTP/1.0 knows no Transfer-Encoding");
    if (coding && !text::same_word(*coding, "chunked"))
        return refusal(501, "no Transfer-Encoding but chunked is understood");
    if (coding)
        chunks_.emplace();
    return std::nullopt;
}

std::optional<refusal> request_reader::check_host() const
{
    const request& r = parser_.parsed;
    const std::size_t hosts = count(r, "host");
    if (hosts == 0 && modern_)
        return bad("the request has no Host field");
    if (hosts > 1)
        return bad("the request has more than one Host field");
    if (hosts == 1 && !is_host(*r.find("host")))
        return bad("the Host field names no host");
    return std::nullopt;
}

std::optional<refusal> request_reader::check_upgrade()
{
    request& r = parser_.parsed;
    r.websocket = modern_ && r.method == "GET" && lists_in_any(r, "upgrade", "websocket") &&
                  lists_in_any(r, "connection", "upgrade");
    if (!r.websocket)
        return std::nullopt;
    if (r.find("content-length") || r.find("transfer-encoding"))
        return bad("a request for a WebSocket has no body");
    const std::string* version = r.find("sec-websocket-version");
    if (!version || *version != "13")
        return refusal(426, "only version 13 of the WebSocket protocol is spoken here");
    const std::string* key = r.find("sec-websocket-key");
    if (count(r, "sec-websocket-key") != 1 || key->size() != 24 || !key->ends_with("=="))
        return bad("the Sec-WebSocket-Key is not 16 bytes in base64");
    return std::nullopt;
}

or_refusal<void> request_reader::allow_body(std::size_t limit)
{
    body_limit_ = limit;
    if (length_ > limit)
        return too_large(limit);
    return {};
}

or_refusal<std::size_t> request_reader::put_body(std::string_view bytes)
{
    std::string& body = parser_.parsed.body;
    if (!chunks_) {
        const std::size_t n = std::min(bytes.size(), length_ - body.size());
        body += bytes.substr(0, n);
        return n;
    }
    auto taken = chunks_->put(bytes, body, body_limit_);
    if (!taken && taken.error().status == 413)
        return too_large(body_limit_);
    return taken;
}

} // namespace potoo::web
