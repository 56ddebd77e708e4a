#include <potoo/options.hpp>
#include <potoo/sensor.hpp>

#include <algorithm>
#include <cmath>

namespace potoo {
namespace {

std::string description(const sensor_pace& pace)
{
    return "timed out after " + format_duration(*pace.timeout) + ": what it waits for did not come true";
}

duration next_interval(const sensor_pace& pace, duration interval)
{
    const auto grown = duration(static_cast<duration::rep>(static_cast<double>(interval.count()) * pace.backoff));
    return std::max(interval, std::min(grown, pace.max_interval));
}

/// One look, at the limit of the sensor's time. @return nothing for "not yet"
task<std::optional<json::value>> look_once(context& ctx, task<std::optional<json::value>> look,
                                           std::string& last_trouble)
{
    std::string trouble;
    try {
        auto found = co_await std::move(look);
        last_trouble.clear();
        co_return found;
    } catch (const failure& f) {
        trouble = f.what();
    }
    if (trouble != last_trouble)
        ctx.log("not yet: " + trouble);
    last_trouble = std::move(trouble);
    co_return std::nullopt;
}

task<json::value> look_until_found(context& ctx, sensor_pace pace,
                                   std::function<task<std::optional<json::value>>()>& look, std::string& trouble)
{
    duration interval = pace.interval;
    for (;;) {
        auto found = co_await look_once(ctx, look(), trouble);
        if (found)
            co_return std::move(*found);
        if (interval > duration::zero())
            co_await sleep_for(interval);
        else
            co_await yield_now();
        interval = next_interval(pace, interval);
    }
}

/// `cancelled` by the sensor's own time limit becomes a failure.
task<json::value> look_in_time(context& ctx, sensor_pace pace, std::function<task<std::optional<json::value>>()>& look)
{
    const steady_time now = ctx.now_steady();
    std::string trouble;
    const bool endless = !pace.timeout || *pace.timeout >= steady_time::max() - now;
    const steady_time end = endless ? steady_time::max() : now + *pace.timeout;
    auto found = co_await in_time(look_until_found(ctx, pace, look, trouble), end);
    if (!found)
        throw failure(description(pace) + (trouble.empty() ? "" : "; the last look failed: " + trouble), "timed_out");
    co_return std::move(*found);
}

} // namespace

sensor_pace read_sensor_pace(const json::object& with)
{
    sensor_pace pace;
    pace.interval = duration_option(with, "interval").value_or(pace.interval);
    pace.max_interval = duration_option(with, "max_interval").value_or(pace.max_interval);
    pace.timeout = duration_option(with, "timeout");
    if (const json::value* v = with.if_contains("backoff")) {
        boost::system::error_code ec;
        pace.backoff = v->to_number<double>(ec);
        if (ec || !(pace.backoff >= 1) || !std::isfinite(pace.backoff))
            throw fatal("`backoff` must be a number of at least 1, not " + json::serialize(*v));
    }
    if (const json::value* v = with.if_contains("soft_fail")) {
        if (!v->is_bool())
            throw fatal("`soft_fail` must be true or false, not " + json::serialize(*v));
        pace.soft_fail = v->get_bool();
    }
    return pace;
}

task<json::value> sense(context& ctx, sensor_pace pace, std::function<task<std::optional<json::value>>()> look)
{
    context::deferral deferred(ctx);
    std::string why;
    try {
        auto found = co_await look_in_time(ctx, pace, look);
        co_return found;
    } catch (const task_error& e) {
        if (!pace.soft_fail || e.classification() == failure_class::skip)
            throw;
        why = e.what();
    } catch (const std::exception& e) {
        if (!pace.soft_fail)
            throw;
        why = e.what();
    }
    throw skip(why);
}

} // namespace potoo
