#include "api_server.hpp"

#include "json_lookup.hpp"

#include <fmt/format.h>

#include <utility>

namespace potoo::kubernetes {
namespace {

constexpr duration usual_time{30'000};
/// Pages of a hundred objects, of which none is larger than 1.5 MB.
constexpr std::size_t largest_body = std::size_t{192} << 20;

/// The API explains itself by an object of kind Status.
json::value status_of(const http_response& r)
{
    auto v = parsed(r.body);
    return v && text_at(*v, "/kind") == "Status" ? std::move(*v) : json::value();
}

/// What a 403 is about, which is not always a matter of rights.
http_failure refusal(std::string_view message, const std::string& identity)
{
    if (message.find("exceeded quota") != std::string_view::npos)
        return {failure_class::retryable, "quota", std::string(message)};
    if (message.find("is being terminated") != std::string_view::npos)
        return {failure_class::fatal, "no_namespace", std::string(message)};
    return {failure_class::fatal, "forbidden",
            fmt::format("Kubernetes forbids it to {}: {}", identity, message.empty() ? "403" : message)};
}

} // namespace

api_server::api_server(context& ctx, const access_origin& origin, cluster_settings s)
    : loop_(ctx.loop()), base_(ctx.http()), settings_(std::move(s)),
      credentials_(ctx.loop(), ctx.processes(), settings_, [origin] { return resolve(origin); }),
      gate_(ctx.loop(), {.concurrency = origin.concurrency, .per_second = origin.per_second})
{}

void api_server::authorise(http_request& r) const
{
    if (!credentials_.authorization().empty())
        r.headers.push_back({"Authorization", credentials_.authorization()});
}

void api_server::conceal_from(context& ctx, std::uint64_t& concealed) const
{
    if (std::exchange(concealed, credentials_.version()) == credentials_.version())
        return;
    for (std::string& secret : credentials_.secrets())
        ctx.conceal(std::move(secret));
}

task<boost::system::result<http_response>> api_server::exchange(http_request r)
{
    http_client& c = client();
    auto response = co_await c.send(std::move(r));
    if (!response)
        detail_ = c.last_error_detail();
    co_return response;
}

task<boost::system::result<http_response>> api_server::send(http_request r)
{
    r.url = settings_.server + r.url;
    r.headers.push_back({"Accept", "application/json, */*"});
    r.max_body = largest_body;
    if (r.deadline == steady_time::max())
        r.deadline = loop_.now() + usual_time;
    co_await credentials_.refresh_if_due();
    const auto version = credentials_.version();
    http_request first = r;
    authorise(first);
    auto response = co_await exchange(std::move(first));
    if (response && response->status == 401) {
        const bool renewed = co_await credentials_.renew(version);
        if (renewed) {
            authorise(r);
            auto second = co_await exchange(std::move(r));
            response = std::move(second);
        }
    }
    if (response) {
        if (const auto pause = asked_pause(*response, loop_.wall_now()))
            gate_.throttle(loop_.now() + *pause);
    }
    co_return response;
}

task<json::value> api_server::get(std::string path, steady_time deadline)
{
    http_request r;
    r.url = path;
    r.deadline = deadline;
    auto response = co_await send(std::move(r));
    if (!response)
        failure_of("GET", path, response.error()).raise();
    if (!is_good(response->status))
        failure_of("GET", path, *response).raise();
    auto v = parsed(response->body);
    if (!v)
        failure_of("GET", path, make_error_code(http_error::malformed)).raise();
    co_return std::move(*v);
}

http_failure api_server::failure_of(std::string_view method, std::string_view path, const http_response& r,
                                    bool launches) const
{
    const std::string url = settings_.server + std::string(path);
    http_failure f = launches ? launch_failure_of_status(method, url, r) : failure_of_status(method, url, r);
    const json::value status = status_of(r);
    const std::string_view message = text_at(status, "/message");
    switch (r.status) {
    case 401:
        return {failure_class::fatal, "unauthorized",
                fmt::format("Kubernetes at {} does not accept the credentials of {}", settings_.server,
                            settings_.identity)};
    case 403:
        return refusal(message, settings_.identity);
    case 404:
        if (text_at(status, "/details/kind") == "namespaces")
            return {failure_class::fatal, "no_namespace",
                    fmt::format("Kubernetes at {}: {}", settings_.server, message)};
        break;
    case 400:
    case 422:
        if (!message.empty())
            return {failure_class::fatal, "invalid_spec", fmt::format("Kubernetes refuses the job: {}", message)};
        break;
    case 409:
        f.kind = failure_class::retryable;
        break;
    default:
        break;
    }
    if (!message.empty())
        f.message = fmt::format("{} {} answered {}: {}", method, without_query(url), r.status, message);
    return f;
}

http_failure api_server::failure_of(std::string_view method, std::string_view path, boost::system::error_code ec,
                                    bool launches) const
{
    const std::string url = settings_.server + std::string(path);
    return launches ? launch_failure_of_exchange(method, url, ec, detail_)
                    : failure_of_exchange(method, url, ec, detail_);
}

void raise_as_failure(const http_failure& f)
{
    throw failure(f.message, f.code);
}

} // namespace potoo::kubernetes
