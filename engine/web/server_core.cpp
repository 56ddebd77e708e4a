#include "engine/web/server_core.hpp"

#include "engine/text/ascii.hpp"
#include "engine/web/listen_address.hpp"
#include "engine/web/text_check.hpp"

#include <fmt/format.h>

#include <stdexcept>
#include <utility>

namespace potoo::web {

server_core::server_core(potoo::loop& l, handler& h, server_options o) : loop(l), answers(h), options(std::move(o))
{
    for (const std::string& proxy : options.trusted_proxies) {
        const auto address = parse_peer(proxy);
        if (!address)
            throw std::runtime_error(fmt::format("the trusted proxy '{}' is no address, such as 10.0.0.7", proxy));
        trusted.insert(*address);
    }
}

void server_core::name_peer(request& r, const boost::asio::ip::address& peer, bool secure) const
{
    r.peer = peer.to_string();
    r.secure = secure;
    if (!trusted.contains(peer))
        return;
    if (const std::string* protocol = r.find("x-forwarded-proto"))
        r.secure = text::same_word(trimmed(*protocol), "https");
    // Each proxy appends who asked it: what stands left of the first that is not trusted, anybody can have written.
    std::string chain;
    for (const auto& [name, value] : r.fields)
        if (name == "x-forwarded-for")
            chain += (chain.empty() ? "" : ",") + value;
    std::string_view rest = chain;
    while (!rest.empty()) {
        const std::size_t comma = rest.rfind(',');
        const auto address = parse_peer(trimmed(comma == std::string_view::npos ? rest : rest.substr(comma + 1)));
        if (!address)
            return;
        r.peer = address->to_string();
        if (!trusted.contains(*address) || comma == std::string_view::npos)
            return;
        rest = rest.substr(0, comma);
    }
}

reply server_core::unavailable(std::string_view why) const
{
    reply r = answers.problem(503, why);
    r.fields.emplace_back("Retry-After", "10");
    return r;
}

} // namespace potoo::web
