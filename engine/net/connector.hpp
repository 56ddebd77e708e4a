#pragma once
/// @file
/// How a connection comes about: addresses, connect, the proxy's tunnel, TLS.

#include "engine/net/connection.hpp"
#include "engine/net/proxy.hpp"
#include "engine/net/resolver.hpp"
#include "engine/net/url.hpp"

#include <memory>
#include <optional>

namespace potoo::net {

/// Where connections of one pool lead.
struct route
{
    url to; ///< its target is of no account
    std::optional<proxy> via;
};

class connector
{
  public:
    connector(loop& l, const http_options& options) : loop_(l), options_(options), resolver_(l) {}

    /// A connection that is ready for requests. A problem is one after which surely nothing was sent. `to` must outlive
    /// it.
    [[nodiscard]] task<or_problem<std::unique_ptr<connection>>> open(const route& to, steady_time deadline);

    [[nodiscard]] std::size_t opened() const noexcept { return opened_; }

  private:
    [[nodiscard]] task<or_problem<endpoints>> addresses(const std::string& host, std::uint16_t port, steady_time limit,
                                                        steady_time deadline);
    [[nodiscard]] task<or_problem<void>> connect_first(connection& c, const route& to, steady_time limit,
                                                       steady_time deadline);
    [[nodiscard]] task<or_problem<void>> tunnel(connection& c, const route& to);
    [[nodiscard]] or_problem<const tls_context*> context();
    [[nodiscard]] problem too_late(steady_time deadline);

    loop& loop_;
    const http_options& options_;
    resolver resolver_;
    std::unique_ptr<tls_context> context_;
    std::size_t opened_ = 0;
};

} // namespace potoo::net
