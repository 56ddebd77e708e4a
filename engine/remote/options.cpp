#include <potoo/options.hpp>

#include <potoo/error.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace potoo {

std::optional<duration> duration_option(const json::object& with, std::string_view name, std::string_view place)
{
    const json::value* v = with.if_contains(name);
    if (!v)
        return std::nullopt;
    const auto* text = v->if_string();
    const auto d = text ? parse_duration(*text) : std::nullopt;
    if (!d)
        throw fatal(
            fmt::format("`{}{}` must be a duration such as 5s or 1m30s, not {}", place, name, json::serialize(*v)));
    if (*d > longest_option)
        throw fatal(
            fmt::format("`{}{}` must not be longer than ten years, and is {}", place, name, json::serialize(*v)));
    return d;
}

duration time_option(const json::object& with, std::string_view name, duration usual)
{
    const duration d = duration_option(with, name).value_or(usual);
    if (d <= duration::zero())
        throw fatal(fmt::format("`{}` must be longer than nothing", name));
    return d;
}

poll_pace poll_option(const json::object& with, poll_pace usual)
{
    const json::value* v = with.if_contains("poll");
    if (!v)
        return usual;
    const json::object& o = v->as_object();
    poll_pace pace = usual;
    pace.interval = duration_option(o, "interval", "poll.").value_or(pace.interval);
    pace.max_interval = std::max(pace.max_interval, pace.interval);
    pace.max_interval = duration_option(o, "max_interval", "poll.").value_or(pace.max_interval);
    if (std::max(pace.interval, pace.max_interval) > longest_poll_interval)
        throw fatal("`poll` must not have intervals longer than 40 days");
    if (pace.max_interval < pace.interval)
        throw fatal("`poll.max_interval` is shorter than `poll.interval`");
    if (const json::value* b = o.if_contains("backoff")) {
        boost::system::error_code ec;
        pace.backoff = b->to_number<double>(ec);
        if (ec || !(pace.backoff >= 1) || !std::isfinite(pace.backoff))
            throw fatal(fmt::format("`poll.backoff` must be a number of at least 1, not {}", json::serialize(*b)));
    }
    return pace;
}

std::string text_of(const json::value& v)
{
    if (v.is_string())
        return std::string(v.get_string());
    // JSON's serializer writes 5E-1 for 0.5.
    return v.is_double() ? fmt::format("{}", v.get_double()) : json::serialize(v);
}

} // namespace potoo
