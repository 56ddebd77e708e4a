#pragma once
/// @file
/// Which HTTP answers are failures of what kind: the same for everything that speaks HTTP.
///
// clang-format off
/// | answer | class | code |
/// |---|---|---|
/// | 408, 425, 429, 5xx but the next | retryable | `http_STATUS` |
/// | 501, 505 | fatal | `http_501`, `http_505` |
/// | any other status | fatal | `http_STATUS` |
/// | none, and surely nothing was sent | retryable | `resolve_failed`, `connection_refused`, `connect_failed`, `tls_failed`, `proxy_failed`, `connection_lost`, `timed_out` |
/// | none, sent, the method is idempotent | retryable | `connection_lost`, `timed_out`, `malformed_response` |
/// | none, sent, POST or PATCH | unknown_outcome | likewise |
/// | a URL or header that cannot be sent; a body beyond the limit or not wanted; too many redirects | fatal | `bad_url`, `body_too_large`, `stopped`, `too_many_redirects` |
// clang-format on

#include <potoo/error.hpp>
#include <potoo/http.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace potoo {

/// A failure that has not been thrown yet.
struct http_failure
{
    failure_class kind = failure_class::retryable;
    std::string code;
    std::string message; ///< names the method and the URL without its query

    /// Throws it as `failure`, `fatal` or `unknown_outcome`.
    [[noreturn]] void raise() const;

    /// The same for a request that does no harm when it is repeated, whatever its method: what is not fatal is a
    /// `failure`.
    [[noreturn]] void raise_repeatable() const;
};

/// GET, HEAD, OPTIONS, TRACE, PUT and DELETE: sending it twice does no more than sending it once.
[[nodiscard]] bool is_idempotent_method(std::string_view method) noexcept;

/// Another request of the same kind may get another status.
[[nodiscard]] bool is_retryable_status(unsigned status) noexcept;

/// A URL as messages name it: a query may hold what is secret, and what stands before the host does.
[[nodiscard]] std::string without_query(std::string_view url);

/// A response whose status is not what was wanted. The message quotes the beginning of its body.
[[nodiscard]] http_failure failure_of_status(std::string_view method, std::string_view url, const http_response& r);

/// The same for a request that launches a job, whatever its method: where the status leaves open whether a job was made
/// it is an `unknown_outcome`. What a service cannot do (501, 505) or is too busy for (503, 429) it has not done.
[[nodiscard]] http_failure launch_failure_of_status(std::string_view method, std::string_view url,
                                                    const http_response& r);

/// How long the service asks to be left alone (429 and 503), at most an hour; nothing when it does not.
[[nodiscard]] std::optional<duration> asked_pause(const http_response& r, wall_time now);

/// An exchange that brought no response.
/// @param detail the client's `last_error_detail`, for the message
[[nodiscard]] http_failure failure_of_exchange(std::string_view method, std::string_view url,
                                               boost::system::error_code ec, std::string_view detail = {});

/// The same for a request that launches a job, whatever its method.
[[nodiscard]] http_failure launch_failure_of_exchange(std::string_view method, std::string_view url,
                                                      boost::system::error_code ec, std::string_view detail = {});

} // namespace potoo
