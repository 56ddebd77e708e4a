#include <potoo/http.hpp>

#include <string>

namespace potoo {
namespace {

const char* message_of(http_error e) noexcept
{
    switch (e) {
    case http_error::bad_url:
        return "the request cannot be sent: bad URL, method or header";
    case http_error::resolve_failed:
        return "the host's name has no address";
    case http_error::connect_failed:
        return "no connection: refused or unreachable";
    case http_error::tls_failed:
        return "no secure connection: TLS handshake or certificate";
    case http_error::proxy_failed:
        return "the proxy did not make the connection";
    case http_error::not_sent:
        return "the connection was lost before anything of the request went out";
    case http_error::timed_out_before_send:
        return "the deadline passed before anything of the request went out";
    case http_error::connection_lost:
        return "the connection was lost after the request, or part of it, went out: outcome unknown";
    case http_error::timed_out:
        return "the deadline passed after the request, or part of it, went out: outcome unknown";
    case http_error::body_too_large:
        return "the response's body exceeds the limit";
    case http_error::malformed:
        return "the response is not valid HTTP, or its encoding is broken";
    case http_error::too_many_redirects:
        return "too many redirects";
    case http_error::stopped:
        return "the rest of the response's body was not wanted";
    }
    return "unknown HTTP client error";
}

class http_error_category final : public boost::system::error_category
{
  public:
    [[nodiscard]] const char* name() const noexcept override { return "potoo.http"; }

    [[nodiscard]] std::string message(int value) const override { return message_of(static_cast<http_error>(value)); }
};

} // namespace

const boost::system::error_category& http_category() noexcept
{
    static const http_error_category category;
    return category;
}

boost::system::error_code make_error_code(http_error e) noexcept
{
    return {static_cast<int>(e), http_category()};
}

bool surely_not_sent(boost::system::error_code ec) noexcept
{
    if (ec.category() != http_category())
        return false;
    switch (static_cast<http_error>(ec.value())) {
    case http_error::bad_url:
    case http_error::resolve_failed:
    case http_error::connect_failed:
    case http_error::tls_failed:
    case http_error::proxy_failed:
    case http_error::not_sent:
    case http_error::timed_out_before_send:
        return true;
    case http_error::connection_lost:
    case http_error::timed_out:
    case http_error::body_too_large:
    case http_error::malformed:
    case http_error::too_many_redirects:
    case http_error::stopped:
        return false;
    }
    return false;
}

} // namespace potoo
