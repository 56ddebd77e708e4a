#include "engine/net/request_head.hpp"

#include <potoo/http.hpp>

#include <algorithm>
#include <charconv>
#include <ctime>
#include <iomanip>
#include <locale>
#include <sstream>

namespace potoo {
namespace {

// Nobody means to wait longer; a larger number only overflows somewhere.
constexpr duration longest_wait = std::chrono::hours(24) * 3650;

std::optional<wall_time> parse_http_date(std::string_view text)
{
    for (const char* format : {"%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"}) {
        std::istringstream in{std::string(text)};
        in.imbue(std::locale::classic());
        std::tm t{};
        t.tm_sec = -1;
        in >> std::get_time(&t, format);
        // A text that ends early is no failure to get_time.
        if (in.fail() || t.tm_sec < 0)
            continue;
        const std::chrono::year_month_day day(std::chrono::year(t.tm_year + 1900),
                                              std::chrono::month(static_cast<unsigned>(t.tm_mon + 1)),
                                              std::chrono::day(static_cast<unsigned>(t.tm_mday)));
        if (day.ok())
            return std::chrono::sys_days(day) + std::chrono::hours(t.tm_hour) + std::chrono::minutes(t.tm_min) +
                   std::chrono::seconds(t.tm_sec);
    }
    return std::nullopt;
}

} // namespace

std::string_view http_response::header(std::string_view name) const noexcept
{
    const auto found = std::find_if(headers.begin(), headers.end(),
                                    [&](const http_header& h) { return net::same_name(h.name, name); });
    return found == headers.end() ? std::string_view() : std::string_view(found->value);
}

std::optional<duration> http_response::retry_after(wall_time now) const
{
    const std::string_view text = header("Retry-After");
    if (text.empty())
        return std::nullopt;
    if (std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; })) {
        std::int64_t seconds = 0;
        const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), seconds);
        if (ec != std::errc() || seconds > std::chrono::duration_cast<std::chrono::seconds>(longest_wait).count())
            return longest_wait;
        return std::chrono::seconds(seconds);
    }
    const auto date = parse_http_date(text);
    if (!date)
        return std::nullopt;
    return std::clamp(*date - now, duration::zero(), longest_wait);
}

} // namespace potoo
