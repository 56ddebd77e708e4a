#include "engine/server/metrics/statsd_sender.hpp"

#include <potoo/asio.hpp>
#include <potoo/wait.hpp>

#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/udp.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <utility>

namespace potoo::server {
namespace {

using boost::asio::ip::udp;
using namespace std::chrono_literals;

constexpr auto interval = 10s;
/// Of a datagram that no network on the way has to split.
constexpr std::size_t most_bytes = 1'400;
const char* const usual_port = "8125";

/// What separates names from values and types must not stand in a name.
std::string part_of_name(std::string_view text)
{
    std::string out(text);
    std::replace_if(
        out.begin(), out.end(),
        [](char c) {
            return !((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                     c == '_');
        },
        '_');
    return out;
}

std::string full_name(const std::string& family, const metric_labels& labels)
{
    std::string name = family;
    for (const auto& [label, value] : labels)
        name += "." + part_of_name(value);
    return name;
}

/// `host`, `host:port`, `[address]:port`.
task<boost::system::result<udp::endpoint>> find(loop& l, const std::string& address)
{
    const std::size_t bracket = address.rfind(']');
    const std::size_t colon = address.find(':', bracket == std::string::npos ? 0 : bracket);
    std::string host = address.substr(0, colon);
    const std::string port = colon == std::string::npos ? usual_port : address.substr(colon + 1);
    if (host.size() > 2 && host.front() == '[' && host.back() == ']')
        host = host.substr(1, host.size() - 2);
    boost::system::error_code no_number;
    const auto number = boost::asio::ip::make_address(host, no_number);
    std::uint16_t port_number = 0;
    const auto [end, ec] = std::from_chars(port.data(), port.data() + port.size(), port_number);
    if (ec != std::errc() || end != port.data() + port.size())
        co_return make_error_code(boost::system::errc::invalid_argument);
    if (!no_number)
        co_return udp::endpoint(number, port_number);
    boost::asio::ip::basic_resolver<udp, loop::executor_type> resolver(l.executor());
    auto found = co_await resolver.async_resolve(host, port, use_task);
    if (!found)
        co_return found.error();
    co_return found->begin()->endpoint();
}

} // namespace

void statsd_lines::family(std::string_view name, metric_kind kind, std::string_view)
{
    name_ = name;
    kind_ = kind;
}

double statsd_lines::added(const std::string& name, double total)
{
    const double before = std::exchange(before_[name], total);
    return total - before;
}

void statsd_lines::line(const std::string& name, double v, std::string_view type)
{
    const std::string text = fmt::format("{}:{}|{}", name, v, type);
    if (packets_.empty() || packets_.back().size() + 1 + text.size() > most_bytes)
        packets_.emplace_back(text);
    else
        packets_.back() += "\n" + text;
}

void statsd_lines::value(const metric_labels& labels, double v)
{
    const std::string name = full_name(name_, labels);
    if (kind_ == metric_kind::gauge) {
        line(name, v, "g");
        return;
    }
    const double more = added(name, v);
    if (more != 0)
        line(name, more, "c");
}

void statsd_lines::histogram(const metric_labels& labels, const runtime::latency_histogram& h)
{
    const std::string name = full_name(name_, labels);
    const double count = added(name + ".count", static_cast<double>(h.count()));
    const double sum = added(name + ".sum", std::chrono::duration<double, std::milli>(h.sum()).count());
    if (count == 0)
        return;
    line(name + ".count", count, "c");
    line(name + ".mean", sum / count, "ms");
}

std::vector<std::string> statsd_lines::take()
{
    return std::exchange(packets_, {});
}

task<> send_statsd(loop& l, metrics& m, std::string address, std::function<void(std::string_view)> say)
{
    using socket_type = boost::asio::basic_datagram_socket<udp, loop::executor_type>;
    statsd_lines lines;
    bool lost = false;
    for (;;) {
        auto to = co_await find(l, address);
        if (to && std::exchange(lost, false))
            say(fmt::format("the StatsD server {} is found again", address));
        if (!to && !std::exchange(lost, true))
            say(fmt::format("the StatsD server {} is not found, nothing is sent to it until it is: {}", address,
                            to.error().message()));
        if (to) {
            boost::system::error_code ignored; // a packet that is lost is lost
            socket_type socket(l.executor());
            socket.open(to->protocol(), ignored);
            socket.non_blocking(true, ignored);
            m.collect(lines);
            for (const std::string& packet : lines.take())
                socket.send_to(boost::asio::buffer(packet), *to, 0, ignored);
        }
        co_await sleep_for(interval);
    }
}

} // namespace potoo::server
