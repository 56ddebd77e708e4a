#include "engine/web/listen_address.hpp"

#include <fmt/format.h>

#include <charconv>
#include <cstdint>
#include <stdexcept>

namespace potoo::web {
namespace {

namespace ip = boost::asio::ip;

std::optional<std::uint16_t> parse_port(std::string_view text)
{
    std::uint16_t port = 0;
    const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), port);
    if (ec != std::errc() || end != text.data() + text.size())
        return std::nullopt;
    return port;
}

std::optional<ip::address> parse_address(std::string_view text)
{
    if (text.size() > 2 && text.front() == '[' && text.back() == ']')
        text = text.substr(1, text.size() - 2);
    boost::system::error_code ec;
    const auto address = ip::make_address(std::string(text), ec);
    if (ec)
        return std::nullopt;
    return plain(address);
}

} // namespace

ip::tcp::endpoint parse_listen_address(std::string_view text)
{
    const std::size_t colon = text.rfind(':');
    const auto port = colon == std::string_view::npos ? std::nullopt : parse_port(text.substr(colon + 1));
    std::string_view host = text.substr(0, colon);
    if (host == "localhost")
        host = "127.0.0.1";
    const bool bare_v6 = host.find(':') != std::string_view::npos && !host.starts_with('[');
    const auto address = parse_address(host);
    if (!port || !address || bare_v6)
        throw std::runtime_error(fmt::format(
            "cannot listen on '{}': that is no address with a port, such as 127.0.0.1:8080 or [::1]:8080", text));
    return {*address, *port};
}

std::string to_text(const ip::tcp::endpoint& e)
{
    const std::string address = e.address().to_string();
    return e.address().is_v6() ? fmt::format("[{}]:{}", address, e.port()) : fmt::format("{}:{}", address, e.port());
}

ip::address plain(const ip::address& a)
{
    if (a.is_v6() && a.to_v6().is_v4_mapped())
        return ip::make_address_v4(ip::v4_mapped, a.to_v6());
    return a;
}

std::optional<ip::address> parse_peer(std::string_view text)
{
    if (const auto address = parse_address(text))
        return address;
    const std::size_t colon = text.rfind(':');
    if (colon == std::string_view::npos || !parse_port(text.substr(colon + 1)))
        return std::nullopt;
    return parse_address(text.substr(0, colon));
}

} // namespace potoo::web
