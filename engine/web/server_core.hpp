#pragma once
/// @file
/// What the connections of a server share.

#include "engine/web/http_server.hpp"

#include <boost/asio/ip/address.hpp>

#include <set>
#include <string_view>

namespace potoo::web {

struct server_core
{
    server_core(potoo::loop& l, handler& h, server_options o);

    /// Tells whoever runs the server, in a line.
    void say(std::string_view text) const
    {
        if (options.say)
            options.say(text);
    }

    /// Sets who asks, and whether over TLS, by what proxies that are trusted say.
    void name_peer(request& r, const boost::asio::ip::address& peer, bool secure) const;

    /// The reply (503) for what would be answered later.
    [[nodiscard]] reply unavailable(std::string_view why) const;

    [[nodiscard]] steady_time after(std::chrono::milliseconds d) const { return loop.now() + d; }

    potoo::loop& loop;
    handler& answers;
    server_options options;
    std::set<boost::asio::ip::address> trusted;
    server_stats stats;
    bool draining = false;
};

} // namespace potoo::web
