#include <potoo/connection.hpp>

#include <potoo/http.hpp>

#include <fmt/format.h>

#include <algorithm>

namespace potoo {
namespace {

constexpr std::size_t most_of_a_count = 100'000;
constexpr double slowest_rate = 0.001;
constexpr double fastest_rate = 1e9;

std::string listed(const std::vector<std::string>& names)
{
    std::string text;
    for (std::size_t i = 0; i < names.size(); ++i) {
        if (i > 0)
            text += i + 1 == names.size() ? " and " : ", ";
        text += names[i];
    }
    return text;
}

} // namespace

connection_reader::connection_reader(context& ctx, std::string_view type) : type_(type), name_(type)
{
    const json::value* named = ctx.input().if_contains("connection");
    if (named)
        name_ = std::string_view(named->as_string());
    settings_ = ctx.connection(name_);
    if (named && !settings_)
        throw fatal(
            fmt::format("there is no connection called {}: it would stand under `connections:`, in the DAG file, in "
                        "the server's potoo.yaml or in the state directory's config.yaml",
                        name_),
            "no_connection");
    const auto* given_type = settings_ ? settings_->if_contains("type") : nullptr;
    if (given_type && *given_type != json::string(type))
        throw fatal(
            fmt::format("{} is of type {}, and this needs one of type {}", said(), json::serialize(*given_type), type));
}

std::string connection_reader::said() const
{
    return fmt::format("the connection {}", name_);
}

const json::value* connection_reader::value(std::string_view setting)
{
    asked_.emplace_back(setting);
    return settings_ ? settings_->if_contains(setting) : nullptr;
}

std::optional<std::string> connection_reader::text(std::string_view setting)
{
    const json::value* v = value(setting);
    if (!v)
        return std::nullopt;
    if (!v->is_string())
        throw fatal(fmt::format("{}: `{}` must be text{}", said(), setting,
                                v->is_number() ? ": put the number in quotes" : ""));
    return std::string(v->get_string());
}

std::optional<bool> connection_reader::flag(std::string_view setting)
{
    const json::value* v = value(setting);
    if (!v)
        return std::nullopt;
    if (!v->is_bool())
        throw fatal(fmt::format("{}: `{}` must be true or false, not {}", said(), setting, json::serialize(*v)));
    return v->get_bool();
}

std::optional<std::size_t> connection_reader::count(std::string_view setting, std::size_t most,
                                                    std::string_view why_most)
{
    const json::value* v = value(setting);
    if (!v)
        return std::nullopt;
    boost::system::error_code ec;
    const auto n = v->to_number<std::int64_t>(ec);
    if (ec || n < 1 || static_cast<std::uint64_t>(n) > most)
        throw fatal(fmt::format("{}: `{}` must be a number from 1 to {}{}, not {}", said(), setting, most, why_most,
                                json::serialize(*v)));
    return static_cast<std::size_t>(n);
}

std::optional<double> connection_reader::rate(std::string_view setting)
{
    const json::value* v = value(setting);
    if (!v)
        return std::nullopt;
    boost::system::error_code ec;
    const auto r = v->to_number<double>(ec);
    if (ec || !(r == 0 || (r >= slowest_rate && r <= fastest_rate)))
        throw fatal(fmt::format("{}: `{}` must be 0, for no limit, or at least {}, not {}", said(), setting,
                                slowest_rate, json::serialize(*v)));
    return r;
}

void connection_reader::read_limits(request_gate::limits& requests, watcher::limits& polls)
{
    const std::size_t connections = http_options().connections_per_origin;
    requests.concurrency = count("concurrency", most_of_a_count).value_or(requests.concurrency);
    requests.per_second = rate("per_second").value_or(requests.per_second);
    polls.concurrency = count("poll_concurrency", connections,
                              fmt::format(" (no more than {} connections to one server are open at once)", connections))
                            .value_or(polls.concurrency);
    polls.per_second = rate("polls_per_second").value_or(polls.per_second);
}

void connection_reader::finish() const
{
    if (!settings_)
        return;
    for (const auto& [name, v] : *settings_) {
        if (name != "type" && std::find(asked_.begin(), asked_.end(), name) == asked_.end())
            throw fatal(fmt::format("{} has a setting `{}`, which {} does not know: it takes {}", said(),
                                    std::string_view(name), type_, listed(asked_)));
    }
}

} // namespace potoo
