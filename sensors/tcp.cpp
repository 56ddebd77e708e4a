#include <potoo/operator.hpp>
#include <potoo/sensor.hpp>

#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <fmt/format.h>

#include <memory>
#include <string>

namespace {

using namespace potoo;
namespace asio = boost::asio;
using tcp_resolver = asio::ip::basic_resolver<asio::ip::tcp, loop::executor_type>;
using tcp_socket = asio::basic_stream_socket<asio::ip::tcp, loop::executor_type>;

constexpr duration usual_connect_timeout{5'000};

struct target
{
    std::string host;
    std::string port;
    duration connect_timeout = usual_connect_timeout;
};

target read_target(const json::object& with)
{
    target t;
    t.host = std::string(with.at("host").as_string());
    t.port = std::to_string(with.at("port").to_number<unsigned>());
    if (const json::value* v = with.if_contains("connect_timeout")) {
        const auto* text = v->if_string();
        const auto d = text ? parse_duration(*text) : std::nullopt;
        if (!d || *d == duration::zero())
            throw fatal(fmt::format("`connect_timeout` must be a duration such as 5s, not {}", json::serialize(*v)));
        t.connect_timeout = *d;
    }
    return t;
}

std::string name_of(const target& t)
{
    return t.host.find(':') == std::string::npos ? t.host + ":" + t.port : "[" + t.host + "]:" + t.port;
}

task<> connect_once(context& ctx, const target& t)
{
    tcp_resolver resolver(ctx.loop().executor());
    auto found = co_await resolver.async_resolve(t.host, t.port, use_task);
    if (!found)
        throw failure(fmt::format("{}: {}", t.host, found.error().message()), "resolve_failed");
    std::string trouble = "no address";
    for (const auto& entry : *found) {
        tcp_socket socket(ctx.loop().executor());
        auto connected = co_await socket.async_connect(entry.endpoint(), use_task);
        if (connected)
            co_return;
        trouble = connected.error().message();
    }
    throw failure(fmt::format("{}: {}", name_of(t), trouble), "connect_failed");
}

task<std::optional<json::value>> look(context& ctx, const target& t)
{
    const auto connected = co_await in_time(connect_once(ctx, t), ctx.now_steady() + t.connect_timeout);
    if (!connected)
        throw failure(fmt::format("{}: no connection within {}", name_of(t), format_duration(t.connect_timeout)),
                      "timed_out");
    co_return json::value(json::object{{"host", t.host}, {"port", std::stoi(t.port)}});
}

task<json::value> run_tcp_sensor(context& ctx)
{
    const target t = read_target(ctx.input());
    const sensor_pace pace = read_sensor_pace(ctx.input());
    const auto once = [&] { return look(ctx, t); };
    auto found = co_await sense(ctx, pace, once);
    co_return found;
}

} // namespace

POTOO_OPERATOR("tcp_sensor", run_tcp_sensor,
               {.summary = "Waits until a TCP port accepts connections.",
                .schema = R"({
      "type": "object", "required": ["host", "port"], "additionalProperties": false,
      "properties": {
        "host": {"type": "string", "minLength": 1, "description": "Name or address"},
        "port": {"type": "integer", "minimum": 1, "maximum": 65535, "description": "Port number"},
        "connect_timeout": {"type": "string", "description": "For one try, as in 2s. Default 5s."},
        )" POTOO_SENSOR_PROPERTIES R"(
      }})",
                .example = R"(database_is_up:
  operator: tcp_sensor
  with: {host: db.internal, port: 5432, interval: 1s, timeout: 5m}
)",
                .sensor = true})
