#pragma once
/// @file
/// Addresses as people write them: `127.0.0.1:8080`, `[::1]:8080`, `localhost:8080`.

#include <boost/asio/ip/tcp.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace potoo::web {

/// @throws std::runtime_error what is wrong with it, and how it is written
[[nodiscard]] boost::asio::ip::tcp::endpoint parse_listen_address(std::string_view text);

[[nodiscard]] std::string to_text(const boost::asio::ip::tcp::endpoint& e);

/// An IPv4 address that came inside an IPv6 one is itself.
[[nodiscard]] boost::asio::ip::address plain(const boost::asio::ip::address& a);

/// With or without brackets and port, as proxies write it. Nothing when it is none.
[[nodiscard]] std::optional<boost::asio::ip::address> parse_peer(std::string_view text);

} // namespace potoo::web
