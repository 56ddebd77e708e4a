#pragma once
/// @file
/// Where a request goes: its URL taken apart and checked.

#include "engine/net/problem.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>

namespace potoo::net {

enum class transport : std::uint8_t
{
    tcp,         ///< `http://`
    tls,         ///< `https://`
    unix_socket, ///< `unix:/path/to.sock:/target`
};

struct url
{
    net::transport transport = transport::tcp;
    std::string host; ///< without brackets, percent-decoded, lower case; the path of a unix socket
    std::uint16_t port = 0;
    std::string authority; ///< for the `Host` header: the port only if it is not the scheme's own
    std::string target;    ///< path and query, never empty
    std::string userinfo;  ///< `user:password`, decoded; empty if none

    /// Two URLs of one origin share connections, and credentials may go from one to the other.
    [[nodiscard]] std::string origin() const;

    /// The whole without user and password, to be shown.
    [[nodiscard]] std::string text() const;
};

/// Schemes `http`, `https` and `unix`. A fragment is dropped. Problems are `bad_url`.
[[nodiscard]] or_problem<url> parse_url(std::string_view text);

/// Takes apart the URLs of a program that asks the same origins again and again.
class url_reader
{
  public:
    /// As `parse_url`.
    [[nodiscard]] or_problem<url> parse(std::string_view text);

  private:
    // What comes before the path, as it was written, and what it means.
    std::map<std::string, url, std::less<>> known_;
};

/// What a `Location` header means, seen from `base`. Leads to http and https, or stays in the unix socket it came from.
[[nodiscard]] or_problem<url> resolve_url(const url& base, std::string_view reference);

} // namespace potoo::net
