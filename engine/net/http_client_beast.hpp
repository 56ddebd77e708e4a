#pragma once
/// @file
/// The HTTP client that goes out to the network.

#include "engine/net/proxy.hpp"

#include <potoo/http.hpp>
#include <potoo/loop.hpp>

#include <memory>

namespace potoo::net {

/// Keeps connections per origin, most recently used first, and a line of those who wait for one. The loop must outlive
/// the client, and the client every `send`.
///
/// While unused connections are open the loop has a timer for them, so that its io_context does not run out of work
/// before `idle_timeout`; `close_unused` ends that.
class beast_http_client final : public http_client
{
  public:
    /// How long a client that `with` made is kept after its last use.
    static constexpr duration usual_keeping{3'600'000};

    explicit beast_http_client(loop& l, http_options options = {},
                               proxy_settings proxies = proxy_settings::from_environment(),
                               duration keeping = usual_keeping);
    ~beast_http_client() override;

    [[nodiscard]] task<boost::system::result<http_response>> send(http_request request) override;

    /// Not for `https://`, nor for requests with a body or a sink.
    [[nodiscard]] std::shared_ptr<const http_prepared> prepare(const http_request& pattern,
                                                               std::string_view blank) override;
    [[nodiscard]] bool ask(http_ask& question) override;

    /// Goes through the same proxies. When one is made, those that have not been used for long are destroyed.
    [[nodiscard]] http_client& with(const http_options& options) override;

    /// This one, and those that `with` made and that are still there.
    [[nodiscard]] std::size_t clients() const noexcept;

    /// Those of the clients that `with` made are among them.
    [[nodiscard]] std::size_t connections_opened() const noexcept override;

    [[nodiscard]] const std::string& last_error_detail() const noexcept override;

    /// Closes every connection that no exchange is using, those of the clients that `with` made too.
    void close_unused();

  private:
    class core;

    std::unique_ptr<core> core_;
};

} // namespace potoo::net
