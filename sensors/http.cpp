#include <potoo/http.hpp>
#include <potoo/http_failure.hpp>
#include <potoo/http_json.hpp>
#include <potoo/operator.hpp>
#include <potoo/sensor.hpp>

#include <fmt/format.h>

#include <string>

namespace {

using namespace potoo;

constexpr duration usual_request_timeout{30'000};

bool holds(const value_template& condition, const bindings& names, const json::value& response)
{
    bindings b(&names);
    b.set("response", response);
    json::value v;
    try {
        v = condition.render(b);
    } catch (const expression_error& e) {
        throw fatal(fmt::format("`condition` cannot be evaluated: {}", e.what()), "bad_expression");
    }
    if (!v.is_bool())
        throw fatal(fmt::format("`condition` must yield true or false, and yields {}", json::serialize(v)),
                    "bad_expression");
    return v.get_bool();
}

duration read_request_timeout(const json::object& with)
{
    const json::value* v = with.if_contains("request_timeout");
    if (!v)
        return usual_request_timeout;
    const auto* text = v->if_string();
    const auto d = text ? parse_duration(*text) : std::nullopt;
    if (!d || *d == duration::zero())
        throw fatal(fmt::format("`request_timeout` must be a duration such as 30s, not {}", json::serialize(*v)));
    return *d;
}

/// Whatever may change is "not yet".
[[noreturn]] void raise_unless_lasting(http_failure f)
{
    if (f.kind != failure_class::fatal)
        f.kind = failure_class::retryable;
    f.raise();
}

task<std::optional<json::value>> look(context& ctx, const http_request& prepared, duration timeout,
                                      std::optional<value_template> condition)
{
    http_request request = prepared;
    request.deadline = ctx.now_steady() + timeout;
    auto response = co_await ctx.http().send(std::move(request));
    if (!response)
        raise_unless_lasting(
            failure_of_exchange(prepared.method, prepared.url, response.error(), ctx.http().last_error_detail()));
    if (!condition) {
        if (response->status < 200 || response->status > 299)
            throw failure(failure_of_status(prepared.method, prepared.url, *response).message);
        co_return http_response_as_json(*response);
    }
    auto value = http_response_as_json(*response);
    if (!value)
        raise_unless_lasting(failure_of_exchange(prepared.method, prepared.url, http_error::malformed));
    if (!holds(*condition, ctx.names(), *value))
        co_return std::nullopt;
    co_return value;
}

task<json::value> run_http_sensor(context& ctx)
{
    const http_request request = read_http_request(ctx.input(), "with");
    const duration timeout = read_request_timeout(ctx.input());
    const auto condition = ctx.late("condition");
    const sensor_pace pace = read_sensor_pace(ctx.input());
    const auto once = [&] { return look(ctx, request, timeout, condition); };
    auto found = co_await sense(ctx, pace, once);
    co_return found;
}

} // namespace

POTOO_OPERATOR("http_sensor", run_http_sensor,
               {.summary = "Waits until an HTTP response fulfils a condition; that response is the output.",
                .schema = R"({
      "type": "object", "required": ["url"], "additionalProperties": false,
      "properties": {)" POTOO_HTTP_REQUEST_PROPERTIES R"(,
        "condition": {"type": "boolean",
          "description": "An expression over `response` (status, headers, body) that yields true or false. Default: the status is 2xx."},
        "request_timeout": {"type": "string", "description": "For one exchange, as in 10s. Default 30s."},
        )" POTOO_SENSOR_PROPERTIES R"(
      }})",
                .example = R"(service_is_up:
  operator: http_sensor
  with:
    url: "https://service.example/health"
    condition: ${{ response.status == 200 && response.body.state == 'ready' }}
    interval: 2s
    timeout: 10m
)",
                .sensor = true,
                .late = "condition",
                .late_names = "response"})
