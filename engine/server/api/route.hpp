#pragma once
/// @file
/// What the API offers: each operation is declared once, and dispatch, checks and documentation follow from that.

#include "engine/server/access/principal.hpp"
#include "engine/web/message.hpp"

#include <potoo/task.hpp>

#include <cstdint>
#include <limits>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace potoo::server {

class call;

/// What it takes to be let in.
enum class need : std::uint8_t
{
    probe, ///< nothing at all, not even the right `Host`
    open,  ///< no token
    read,  ///< any token; users see their own only
    act,   ///< the role `user`, for what is one's own, or `admin`
    admin, ///< the role `admin`
};

[[nodiscard]] constexpr bool suffices(role r, need n) noexcept
{
    return n == need::admin ? r == role::admin : n != need::act || r != role::viewer;
}

enum class value_kind : std::uint8_t
{
    text,
    whole,   ///< a number, not negative
    flag,    ///< `true` or `false`
    instant, ///< RFC 3339
    word,    ///< one of `words`
};

/// A parameter of the path or of the query.
struct parameter
{
    std::string_view name{};
    std::string_view about{};
    value_kind kind = value_kind::text;
    std::span<const std::string_view> words{};
    std::uint64_t least = 0;
    std::uint64_t most = std::numeric_limits<std::uint32_t>::max();
    bool required = false;
};

/// An answer that an operation may give, besides problems.
struct answer
{
    unsigned status = 200;
    std::string_view schema{}; ///< its name under `components/schemas`; empty = no body, or one that is not JSON
    std::string_view about{};
    std::string_view media = "application/json";
};

struct route
{
    std::string_view method{};
    std::string_view path{};      ///< `/api/v1/runs/{run}/cancel`
    std::string_view operation{}; ///< `cancel_run`
    std::string_view tag{};
    std::string_view summary{};
    std::string_view about{}; ///< more of it, in Markdown
    need needs = need::read;
    std::vector<parameter> in_path{};
    std::vector<parameter> in_query{};
    std::string_view body{}; ///< name of its schema; empty = it takes none
    bool body_required = false;
    std::vector<answer> answers{};
    std::vector<unsigned>
        problems{}; ///< statuses besides 400, 401, 403, 404 of what is named in the path, 413, 429 and 500
    task<web::reply> (*handle)(call&) = nullptr;
    /// It streams to browsers, which send no `Authorization` from there: a token may stand in the query.
    bool token_in_query = false;

    /// Something changes by it, which is audited.
    [[nodiscard]] bool changes() const noexcept { return method != "GET"; }
};

/// Every operation, in the order of the document.
[[nodiscard]] const std::vector<route>& routes();

/// Where a path leads.
struct route_match
{
    const route* found = nullptr;                           ///< null when nothing answers `method` there
    std::map<std::string, std::string, std::less<>> values; ///< of the path's parameters
    std::vector<std::string_view> allowed; ///< methods that are answered at that path; empty = no such path
};

[[nodiscard]] route_match match(std::string_view method, const std::vector<std::string>& segments);

/// Paths near to one that leads nowhere, or nothing.
[[nodiscard]] std::string nearest_path(const std::vector<std::string>& segments);

} // namespace potoo::server
