#include "engine/web/reply_head.hpp"

#include "engine/text/ascii.hpp"
#include "engine/web/text_check.hpp"

#include <boost/beast/http/status.hpp>
#include <fmt/chrono.h>
#include <fmt/format.h>

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <iterator>

namespace potoo::web {
namespace {

bool is_of_the_server(const std::string& name)
{
    for (const std::string_view own : {"content-length", "connection", "transfer-encoding", "date", "server"})
        if (text::same_word(name, own))
            return true;
    return false;
}

std::string http_date(wall_time now)
{
    const auto days = std::chrono::floor<std::chrono::days>(now);
    const std::chrono::year_month_day date(days);
    const std::chrono::hh_mm_ss time(std::chrono::floor<std::chrono::seconds>(now - days));
    constexpr std::array<std::string_view, 7> weekdays{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    constexpr std::array<std::string_view, 12> months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    return fmt::format("{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT", weekdays.at(std::chrono::weekday(days).c_encoding()),
                       static_cast<unsigned>(date.day()), months.at(static_cast<unsigned>(date.month()) - 1),
                       static_cast<int>(date.year()), time.hours().count(), time.minutes().count(),
                       time.seconds().count());
}

std::string_view reason(unsigned status)
{
    const auto text = boost::beast::http::obsolete_reason(static_cast<boost::beast::http::status>(status));
    return {text.data(), text.size()};
}

} // namespace

bool write_reply_head(const reply& r, const reply_traits& traits, std::string& out)
{
    const std::size_t start = out.size();
    const auto to = std::back_inserter(out);
    fmt::format_to(to, "HTTP/1.1 {} {}\r\nServer: potoo\r\nDate: {}\r\n", r.status, reason(r.status),
                   http_date(traits.now));
    for (const auto& [name, value] : r.fields) {
        if (!is_token(name) || !is_field_value(value)) {
            out.resize(start);
            return false;
        }
        if (!is_of_the_server(name))
            fmt::format_to(to, "{}: {}\r\n", name, value);
    }
    if (traits.body == framing::length)
        fmt::format_to(to, "Content-Length: {}\r\n", r.body.size());
    if (traits.body == framing::chunked)
        out += "Transfer-Encoding: chunked\r\n";
    if (r.status == 101)
        out += "Connection: Upgrade\r\n";
    else if (!traits.keep_alive)
        out += "Connection: close\r\n";
    out += "\r\n";
    return true;
}

std::string websocket_accept(const std::string& key)
{
    const std::string text = key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned size = 0;
    EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha1(), nullptr);
    std::array<unsigned char, 64> encoded{};
    const int length = EVP_EncodeBlock(encoded.data(), digest.data(), static_cast<int>(size));
    return {encoded.begin(), encoded.begin() + length};
}

} // namespace potoo::web
