#include <potoo/http_failure.hpp>

#include "engine/remote/text_encoding.hpp"

#include <boost/asio/error.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace potoo {
namespace {

constexpr std::size_t most_quoted = 200;
constexpr duration usual_pause{1'000};
constexpr duration longest_pause{3'600'000};

/// An error of the service, or of a gateway before it, that does not say that nothing was done.
bool leaves_open(unsigned status) noexcept
{
    return status == 408 || (status >= 500 && status != 501 && status != 503 && status != 505);
}

std::string beginning_of(std::string_view body)
{
    if (body.empty())
        return {};
    std::string text = remote::printable(body.substr(0, most_quoted));
    return fmt::format(": {}{}", text, body.size() > most_quoted ? "…" : "");
}

/// Perhaps with a port.
bool is_host(std::string_view text) noexcept
{
    const auto colon = text.rfind(':');
    const std::string_view port = colon == std::string_view::npos ? std::string_view() : text.substr(colon + 1);
    return text.ends_with(']') || std::all_of(port.begin(), port.end(), [](char c) { return c >= '0' && c <= '9'; });
}

struct exchange_error
{
    http_error error;
    const char* code;
    bool fatal;
};

constexpr std::array exchange_errors{
    exchange_error{http_error::bad_url, "bad_url", true},
    exchange_error{http_error::resolve_failed, "resolve_failed", false},
    exchange_error{http_error::connect_failed, "connect_failed", false},
    exchange_error{http_error::tls_failed, "tls_failed", false},
    exchange_error{http_error::proxy_failed, "proxy_failed", false},
    exchange_error{http_error::not_sent, "connection_lost", false},
    exchange_error{http_error::timed_out_before_send, "timed_out", false},
    exchange_error{http_error::connection_lost, "connection_lost", false},
    exchange_error{http_error::timed_out, "timed_out", false},
    exchange_error{http_error::body_too_large, "body_too_large", true},
    exchange_error{http_error::malformed, "malformed_response", false},
    exchange_error{http_error::too_many_redirects, "too_many_redirects", true},
    exchange_error{http_error::stopped, "stopped", true},
};

} // namespace

std::string without_query(std::string_view url)
{
    constexpr std::string_view before_host = "://";
    const auto scheme = url.find(before_host);
    const auto host = scheme + before_host.size();
    if (scheme == std::string_view::npos || url.starts_with("unix:"))
        return std::string(url.substr(0, url.find_first_of("?#")));
    auto at = url.substr(0, url.find('/', host)).rfind('@');
    // A password with a / in it ends what looks like the host.
    if (at == std::string_view::npos && !is_host(url.substr(host, url.find_first_of("/?#", host) - host)))
        at = url.rfind('@');
    if (at == std::string_view::npos || at < host)
        return std::string(url.substr(0, url.find_first_of("?#")));
    const std::string_view rest = url.substr(at);
    return fmt::format("{}***{}", url.substr(0, host), rest.substr(0, rest.find_first_of("?#")));
}

void http_failure::raise() const
{
    switch (kind) {
    case failure_class::fatal:
        throw fatal(message, code);
    case failure_class::unknown_outcome:
        throw unknown_outcome(message, code);
    case failure_class::retryable:
    case failure_class::skip:
        break;
    }
    throw failure(message, code);
}

void http_failure::raise_repeatable() const
{
    http_failure f = *this;
    if (f.kind == failure_class::unknown_outcome)
        f.kind = failure_class::retryable;
    f.raise();
}

bool is_idempotent_method(std::string_view method) noexcept
{
    constexpr std::array<std::string_view, 6> methods{"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"};
    return std::find(methods.begin(), methods.end(), method) != methods.end();
}

bool is_retryable_status(unsigned status) noexcept
{
    if (status == 408 || status == 425 || status == 429)
        return true;
    return status >= 500 && status <= 599 && status != 501 && status != 505;
}

http_failure failure_of_status(std::string_view method, std::string_view url, const http_response& r)
{
    return {is_retryable_status(r.status) ? failure_class::retryable : failure_class::fatal,
            fmt::format("http_{}", r.status),
            fmt::format("{} {} answered {}{}", method, without_query(url), r.status, beginning_of(r.body))};
}

http_failure launch_failure_of_status(std::string_view method, std::string_view url, const http_response& r)
{
    auto f = failure_of_status(method, url, r);
    if (leaves_open(r.status))
        f.kind = failure_class::unknown_outcome;
    return f;
}

std::optional<duration> asked_pause(const http_response& r, wall_time now)
{
    if (r.status != 429 && r.status != 503)
        return std::nullopt;
    const auto named = r.retry_after(now);
    if (!named)
        return r.status == 429 ? std::optional(usual_pause) : std::nullopt;
    return std::clamp(*named, duration::zero(), longest_pause);
}

http_failure failure_of_exchange(std::string_view method, std::string_view url, boost::system::error_code ec,
                                 std::string_view detail)
{
    http_failure f{failure_class::retryable, "connection_lost",
                   fmt::format("{} {}: {}", method, without_query(url), ec.message())};
    if (!detail.empty())
        f.message += fmt::format(" ({})", detail);
    if (ec == boost::asio::error::connection_refused)
        f.code = "connection_refused";
    if (ec.category() == http_category()) {
        const auto known = std::find_if(exchange_errors.begin(), exchange_errors.end(),
                                        [&](const auto& e) { return static_cast<int>(e.error) == ec.value(); });
        if (known != exchange_errors.end()) {
            f.code = known->code;
            if (known->fatal) {
                f.kind = failure_class::fatal;
                return f;
            }
        }
    }
    if (!surely_not_sent(ec) && !is_idempotent_method(method))
        f.kind = failure_class::unknown_outcome;
    return f;
}

http_failure launch_failure_of_exchange(std::string_view method, std::string_view url, boost::system::error_code ec,
                                        std::string_view detail)
{
    auto f = failure_of_exchange(method, url, ec, detail);
    if (!surely_not_sent(ec))
        f.kind = failure_class::unknown_outcome;
    return f;
}

} // namespace potoo
