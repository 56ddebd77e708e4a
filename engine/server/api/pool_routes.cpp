#include "engine/host/pool_json.hpp"
#include "engine/server/access/short_text.hpp"
#include "engine/server/api/call.hpp"
#include "engine/server/api/route_groups.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>

namespace potoo::server {
namespace {

constexpr std::size_t longest_pool_name = 128;

task<web::reply> list_pools(call& c)
{
    co_return list_reply(host::pools_json(c.services().engine.pools(), sight_of(c)), {});
}

/// As in a DAG's file: no run could ever name another one.
bool is_pool_name(std::string_view text)
{
    const auto starts = [](char ch) { return (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') || ch == '_'; };
    const auto goes_on = [&](char ch) { return starts(ch) || (ch >= '0' && ch <= '9') || ch == '-'; };
    return !text.empty() && text.size() <= longest_pool_name && starts(text.front()) &&
           std::all_of(text.begin(), text.end(), goes_on);
}

std::string pool_in(const call& c)
{
    std::string name = c.in_path("pool");
    if (!is_pool_name(name))
        throw problem(
            422, "pool-name",
            fmt::format("'{}' is no name of a pool: it begins with a letter or `_`, then come letters, digits, "
                        "`_` and `-`, at most {} in all.",
                        shortened(name, longest_pool_name), longest_pool_name));
    return name;
}

std::optional<host::pool_state> find_pool(const call& c, const std::string& name)
{
    auto pools = c.services().engine.pools();
    const auto found = std::find_if(pools.begin(), pools.end(), [&](const auto& p) { return p.name == name; });
    return found == pools.end() ? std::nullopt : std::optional(std::move(*found));
}

task<web::reply> resize_pool(call& c)
{
    const std::string name = pool_in(c);
    const auto slots = c.member("slots")->to_number<std::uint32_t>();
    const auto result = co_await c.services().engine.resize_pool(name, slots);
    static_cast<void>(request_reply(result));
    const auto found = find_pool(c, name);
    if (!found)
        throw problem(500, "pool-lost", "The pool was resized, but the engine does not list it.");
    co_return json_reply(200, host::pool_json(*found, sight_of(c)));
}

task<web::reply> reset_pool(call& c)
{
    const std::string name = pool_in(c);
    const auto result = co_await c.services().engine.reset_pool(name);
    if (result.what == host::request_result::kind::unknown)
        throw problem(404, "pool-not-resized",
                      fmt::format("Nobody has resized a pool {}: it has the slots that the DAGs declare.", name));
    static_cast<void>(request_reply(result));
    const auto found = find_pool(c, name);
    host::pool_state unused;
    unused.name = name;
    co_return json_reply(200, host::pool_json(found.value_or(unused), sight_of(c)));
}

} // namespace

std::vector<route> pool_routes()
{
    return {
        {.method = "GET",
         .path = "/api/v1/pools",
         .operation = "list_pools",
         .tag = "pools",
         .summary = "List the pools",
         .about = "Those that a run under way names, and those that were resized.",
         .answers = {{200, "pool_list", "All of them, by name"}},
         .handle = list_pools},
        {.method = "PUT",
         .path = "/api/v1/pools/{pool}",
         .operation = "resize_pool",
         .tag = "pools",
         .summary = "Change the slots of a pool",
         .about =
             "At once, whatever the DAGs say, also after a restart, until it is reset. Where there are fewer slots "
             "than are taken, nothing new starts until enough have been given back.",
         .needs = need::admin,
         .in_path = {{.name = "pool", .about = "Its name; it need not be in use yet."}},
         .body = "pool_wish",
         .body_required = true,
         .answers = {{200, "pool", "The pool"}},
         .problems = {422},
         .handle = resize_pool},
        {.method = "DELETE",
         .path = "/api/v1/pools/{pool}",
         .operation = "reset_pool",
         .tag = "pools",
         .summary = "Give a pool the slots again that the DAGs declare",
         .about = "Takes back, at once and for good, what somebody has set. A pool that nobody has resized is not "
                  "found (`pool-not-resized`).",
         .needs = need::admin,
         .in_path = {{.name = "pool", .about = "Its name."}},
         .answers = {{200, "pool", "The pool; without slots when no run under way names it"}},
         .problems = {422},
         .handle = reset_pool},
    };
}

} // namespace potoo::server
