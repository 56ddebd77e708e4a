#pragma once
/// @file
/// Who may come in at all: the `Host` that was asked for, the web page that asks, and the token.

#include "engine/server/access/principal.hpp"
#include "engine/server/access/token_book.hpp"
#include "engine/web/message.hpp"

#include <potoo/time.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace potoo::server {

struct access_rules
{
    bool loopback = true; ///< the server listens for programs of its own machine only
    /// Names in `Host` that are answered, with or without port. On loopback its own names are, too; elsewhere, when
    /// there are none here, all are.
    std::vector<std::string> hosts;
    std::vector<std::string> origins; ///< of web pages that may ask, besides those from here and from `hosts`
};

/// Why a request is not answered.
struct access_refusal
{
    unsigned status = 401;
    std::string what;      ///< last part of the problem's type: `token-expired`
    std::string detail;    ///< what to do
    std::string challenge; ///< for `WWW-Authenticate`; empty = none
};

/// Where a token may stand.
enum class token_place : std::uint8_t
{
    field,          ///< `Authorization: Bearer TOKEN`
    field_or_query, ///< or `?access_token=`, for browsers, whose WebSockets and event streams send no such field
};

class gate
{
  public:
    /// `tokens` must outlive it.
    gate(token_book& tokens, access_rules rules);

    /// Looks at `Host` and `Origin` only.
    [[nodiscard]] std::optional<access_refusal> check_host(const web::request& head) const;

    /// Who it is. While there is no token, programs of this machine come from its user, who may do everything.
    [[nodiscard]] std::variant<principal, access_refusal> identify(const web::request& head, wall_time now,
                                                                   token_place place) const;

  private:
    [[nodiscard]] bool is_own_page(const std::string& origin, const std::string& host) const;

    token_book& tokens_;
    access_rules rules_;
};

} // namespace potoo::server
