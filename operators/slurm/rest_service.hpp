#pragma once
/// @file
/// One slurmrestd, spoken to as one user: what all attempts that use it share.

#include "credentials.hpp"

#include <potoo/array_launch.hpp>
#include <potoo/http.hpp>
#include <potoo/http_failure.hpp>
#include <potoo/request_gate.hpp>
#include <potoo/watcher.hpp>

#include <boost/system/error_code.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace potoo::slurm {

/// Where it is, and as whom.
struct settings
{
    std::string url; ///< without a `/` at its end
    std::string api_version;
    std::string user;
    token_source token;
    http_options tls;
    request_gate::limits requests{.concurrency = 16, .per_second = 0};
    watcher::limits polls{.page = 1'000'000, .concurrency = 1, .per_second = 0};
    std::size_t max_array = 1001; ///< the cluster's `MaxArraySize`

    /// From the connection that the task names, and what Slurm's users have set in the environment.
    /// @throws fatal
    [[nodiscard]] static settings read(context& ctx);

    /// What tells it apart from others; shows no token.
    [[nodiscard]] std::string key() const;
};

/// What came of one request.
struct reply
{
    std::string method;
    std::string url;
    boost::system::error_code error; ///< why there is no response
    std::string detail;              ///< what the client says of that
    http_response response;
    steady_clock::duration took{};
    unsigned token = 0; ///< generation of the token that was sent

    [[nodiscard]] bool good() const noexcept { return !error && response.status == 200; }
};

/// One of the errors that slurmrestd lists in its answer.
struct slurm_error
{
    std::int64_t number = 0;
    std::string text;
};

[[nodiscard]] std::vector<slurm_error> errors_of(const http_response& r);

/// The number that says most; nothing when the answer is not slurmrestd's.
[[nodiscard]] std::optional<std::int64_t> number_of(const std::vector<slurm_error>& errors);

/// What Slurm says: never empty.
[[nodiscard]] std::string text_of(const std::vector<slurm_error>& errors);

namespace error_number {
inline constexpr std::int64_t unspecified =
    -1; ///< a refused token, or no controller: slurmrestd does not tell them apart
inline constexpr std::int64_t no_controller = 1800;
inline constexpr std::int64_t access_denied = 2002;
inline constexpr std::int64_t no_such_job = 2017;
inline constexpr std::int64_t already_done = 2021;
inline constexpr std::int64_t nothing_received = 5005; ///< likewise, or the connection was lost
} // namespace error_number

class rest_service
{
  public:
    rest_service(potoo::loop& l, settings s);

    [[nodiscard]] const settings& what() const noexcept { return settings_; }

    [[nodiscard]] credentials& token() noexcept { return credentials_; }

    /// Where requests wait for their turn.
    request_gate gate;
    array_launch arrays;

    [[nodiscard]] http_client& client(outside o) const { return o.http.with(settings_.tls); }

    /// Sends it with the headers that slurmrestd wants. `r.url` is the path behind the version, as in `/jobs`.
    /// @throws failure when there is no token
    [[nodiscard]] task<reply> send(outside o, http_request r, duration timeout);

    enum class verdict : std::uint8_t
    {
        heard,     ///< it was not the token
        renewed,   ///< the token was refused, and has been read again: another try may succeed
        refused,   ///< the token was refused, and there is no other
        forbidden, ///< the token is good, but not for this
    };

    /// Was it the token? Asks the controller something else with it, and reads it again.
    [[nodiscard]] task<verdict> examine(outside o, const reply& r, duration timeout);

    /// A sentence on a token that was refused.
    [[nodiscard]] std::string refusal(outside o) const;

    /// A sentence on what came instead of what was wanted.
    [[nodiscard]] std::string trouble(const reply& r) const;

    /// For requests that may be repeated.
    [[noreturn]] void raise_repeatable(outside o, const reply& r, verdict v) const;

  private:
    [[nodiscard]] task<bool> is_token_accepted(outside o, duration timeout, bool& slow);

    settings settings_;
    credentials credentials_;
};

} // namespace potoo::slurm
