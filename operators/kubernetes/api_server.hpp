#pragma once
/// @file
/// Requests to a cluster's API, with credentials, and what its answers mean.

#include "access.hpp"
#include "credentials.hpp"

#include <potoo/context.hpp>
#include <potoo/http.hpp>
#include <potoo/http_failure.hpp>
#include <potoo/request_gate.hpp>

#include <string>
#include <string_view>
#include <utility>

namespace potoo::kubernetes {

/// Shared by all attempts that speak to one cluster as the same user. Lives as long as the engine.
class api_server
{
  public:
    api_server(context& ctx, const access_origin& origin, cluster_settings s);

    api_server(const api_server&) = delete;
    api_server& operator=(const api_server&) = delete;

    /// One exchange. `url` is the path and query. Without a deadline it gets half a minute. Credentials that are
    /// refused are got anew, and the request sent again, once. @throws failure when there are none
    [[nodiscard]] task<boost::system::result<http_response>> send(http_request r);

    /// Takes the credentials of settings that are otherwise the same.
    [[nodiscard]] task<> adopt(cluster_settings s) { return credentials_.adopt(std::move(s)); }

    /// A body that is JSON of a GET that answered 200. @throws failure, fatal
    [[nodiscard]] task<json::value> get(std::string path, steady_time deadline = steady_time::max());

    /// What an answer that is not a good one means. @param launches a Job may have been made of it
    [[nodiscard]] http_failure failure_of(std::string_view method, std::string_view path, const http_response& r,
                                          bool launches = false) const;

    /// Of an exchange that brought none. To be asked before the next wait.
    [[nodiscard]] http_failure failure_of(std::string_view method, std::string_view path, boost::system::error_code ec,
                                          bool launches = false) const;

    /// Hides the credentials from whatever the attempt's run shows. @param concealed the version that is hidden already
    void conceal_from(context& ctx, std::uint64_t& concealed) const;

    [[nodiscard]] const std::string& url() const noexcept { return settings_.server; }

    [[nodiscard]] const std::string& name_space() const noexcept { return settings_.name_space; }

    [[nodiscard]] request_gate& gate() noexcept { return gate_; }

    [[nodiscard]] potoo::loop& loop() const noexcept { return loop_; }

  private:
    /// For one request: whoever keeps a client of old credentials keeps it from being closed.
    [[nodiscard]] http_client& client() { return base_.with(credentials_.tls()); }

    [[nodiscard]] task<boost::system::result<http_response>> exchange(http_request r);
    void authorise(http_request& r) const;

    potoo::loop& loop_;
    http_client& base_;
    cluster_settings settings_;
    credentials credentials_;
    request_gate gate_;
    std::string detail_; ///< of the client, about the request that failed last
};

/// Throws it as a `failure`, whatever its kind: for what is asked again in any case.
[[noreturn]] void raise_as_failure(const http_failure& f);

[[nodiscard]] constexpr bool is_good(unsigned status) noexcept
{
    return status >= 200 && status < 300;
}

} // namespace potoo::kubernetes
