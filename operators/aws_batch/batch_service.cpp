#include "batch_service.hpp"

#include <potoo/connection.hpp>

#include <fmt/format.h>

namespace potoo::aws_batch {
namespace {

constexpr std::size_t most_of_an_array = 10'000;
constexpr std::size_t log_calls = 8;

connection_settings read_connection(context& ctx)
{
    connection_settings c;
    connection_reader given(ctx, "aws_batch");
    c.who = aws::read_settings(given);
    c.logs_endpoint_url = given.text("logs_endpoint_url").value_or("");
    given.read_limits(c.requests, c.polls);
    c.logs_per_second = given.rate("logs_per_second").value_or(c.logs_per_second);
    c.array_size = given.count("array_size", most_of_an_array, " (what AWS Batch takes)").value_or(c.array_size);
    given.finish();
    // What stands in for one service of AWS stands in for all.
    if (c.logs_endpoint_url.empty() && c.who.endpoint_url.find(".amazonaws.com") == std::string::npos)
        c.logs_endpoint_url = c.who.endpoint_url;
    return c;
}

aws::service::description batch_description(const connection_settings& c)
{
    return {.name = "AWS Batch",
            .host = "batch",
            .setting = "BATCH",
            .signing_name = "batch",
            .endpoint_url = c.who.endpoint_url};
}

aws::service::description logs_description(const connection_settings& c)
{
    return {.name = "CloudWatch Logs",
            .host = "logs",
            .setting = "CLOUDWATCH_LOGS",
            .signing_name = "logs",
            .endpoint_url = c.logs_endpoint_url};
}

} // namespace

std::string connection_settings::key(const aws::account& a) const
{
    return fmt::format("aws_batch {} {} {} {} {} {} {} {}", a.key(), logs_endpoint_url, requests.concurrency,
                       requests.per_second, polls.concurrency, polls.per_second, logs_per_second, array_size);
}

batch_service::batch_service(potoo::loop& l, aws::account& a, const connection_settings& c)
    : account(a), batch(a, batch_description(c)), logs(a, logs_description(c)), gate(l, c.requests),
      log_gate(l, {.concurrency = log_calls, .per_second = c.logs_per_second}),
      arrays({.most = c.array_size, .neighbours_only = true}), asker(l, batch, c.polls)
{
    batch.on_throttle([this](steady_time until) {
        gate.throttle(until);
        asker.throttle(until);
    });
    logs.on_throttle([this](steady_time until) { log_gate.throttle(until); });
}

batch_service& service_for(context& ctx)
{
    const connection_settings c = read_connection(ctx);
    aws::account& a = aws::account_of(ctx, c.who);
    return ctx.shared<batch_service>(c.key(a), [&] { return std::make_unique<batch_service>(ctx.loop(), a, c); });
}

} // namespace potoo::aws_batch
