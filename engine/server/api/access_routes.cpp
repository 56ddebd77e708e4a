#include "engine/server/api/call.hpp"
#include "engine/server/api/route_groups.hpp"
#include "engine/server/api/run_start.hpp"

#include <fmt/format.h>

#include <stdexcept>

namespace potoo::server {
namespace {

task<web::reply> list_tokens(call& c)
{
    const std::string* cursor = c.text("cursor");
    auto rows = c.services().tokens.list(cursor ? *cursor : std::string(), c.limit() + 1);
    std::string next;
    if (rows.size() > c.limit()) {
        rows.pop_back();
        next = rows.back().id;
    }
    json::array items;
    for (const token_row& t : rows)
        items.push_back(to_json(t));
    co_return list_reply(std::move(items), next);
}

std::optional<wall_time> expiry_in(const call& c)
{
    const std::string text = c.text_member("expires");
    if (text.empty())
        return std::nullopt;
    if (const auto at = parse_time(text))
        return at;
    if (const auto in = parse_duration(text))
        return c.now() + *in;
    throw problem(
        422, "body-invalid", "The body is not what this takes; `errors` says what is wrong.",
        {{"/expires", fmt::format("must be a time (2027-01-31T00:00:00Z) or a duration (90d), not '{}'", text), {}}});
}

task<web::reply> create_token(call& c)
{
    refuse_idempotency_key(c, "GET /api/v1/tokens tells whether the token was made.");
    token_wish wish;
    wish.name = c.text_member("name");
    wish.may = parse_role(c.text_member("role")).value_or(role::viewer);
    wish.expires = expiry_in(c);
    const bool first = !c.services().tokens.has_any();
    if (first && wish.may != role::admin)
        throw problem(409, "first-token",
                      "The first token must be an admin's: from then on nobody is let in without one.");
    new_token made;
    try {
        made = co_await c.services().tokens.create(std::move(wish), c.now());
    } catch (const std::invalid_argument& e) {
        throw problem(422, "token-refused", e.what());
    }
    json::object out = to_json(made.row);
    out["text"] = made.text;
    co_return json_reply(201, out);
}

task<web::reply> revoke_token(call& c)
{
    std::string id = c.in_path("token");
    const auto revoked = co_await c.services().tokens.revoke(id, c.now());
    if (!revoked)
        throw problem(404, "token-unknown",
                      fmt::format("There is no token {}; GET /api/v1/tokens lists them.", c.in_path("token")));
    co_return json_reply(200, to_json(*revoked));
}

task<web::reply> get_self(call& c)
{
    co_return json_reply(
        200, json::object{{"name", c.who.name},
                          {"shown", c.who.shown()},
                          {"role", json::string(to_string(c.who.may))},
                          {"token", c.who.token.empty() ? json::value() : json::value(json::string(c.who.token))}});
}

task<web::reply> list_audit(call& c)
{
    const std::string* cursor = c.text("cursor");
    auto rows = c.services().audit.list(cursor ? *cursor : std::string(), c.limit() + 1);
    std::string next;
    if (rows.size() > c.limit()) {
        rows.pop_back();
        next = rows.back().first;
    }
    json::array items;
    for (auto& row : rows)
        items.push_back(std::move(row.second));
    co_return list_reply(std::move(items), next);
}

} // namespace

std::vector<route> access_routes()
{
    return {
        {.method = "GET",
         .path = "/api/v1/self",
         .operation = "get_self",
         .tag = "access",
         .summary = "Ask who the server takes you for",
         .answers = {{200, "self", "Name and role of the token"}},
         .handle = get_self},
        {.method = "GET",
         .path = "/api/v1/tokens",
         .operation = "list_tokens",
         .tag = "access",
         .summary = "List the tokens",
         .about = "By id, revoked and expired ones too. Their secrets are known to nobody here.",
         .needs = need::admin,
         .in_query = {limit_parameter(), cursor_parameter()},
         .answers = {{200, "token_list", "A page of tokens"}},
         .handle = list_tokens},
        {.method = "POST",
         .path = "/api/v1/tokens",
         .operation = "create_token",
         .tag = "access",
         .summary = "Make a token",
         .about =
             "Its `text` is in this answer and nowhere else. Tokens of one name are one user. The first token must be "
             "an admin's.",
         .needs = need::admin,
         .body = "token_wish",
         .body_required = true,
         .answers = {{201, "new_token", "The token"}},
         .problems = {409, 422},
         .handle = create_token},
        {.method = "DELETE",
         .path = "/api/v1/tokens/{token}",
         .operation = "revoke_token",
         .tag = "access",
         .summary = "Revoke a token",
         .about = "It is refused from now on, and stays in the list.",
         .needs = need::admin,
         .in_path = {{.name = "token", .about = "Its id."}},
         .answers = {{200, "token", "The token"}},
         .handle = revoke_token},
        {.method = "GET",
         .path = "/api/v1/audit",
         .operation = "list_audit",
         .tag = "access",
         .summary = "Read who changed what, from where, and what came of it",
         .about = "Newest first. Every request that changes something is in it, also one that was refused for its role "
                  "(of one "
                  "token 30 a minute; the next one tells how many are left out). Signs of life of callbacks are not.",
         .needs = need::admin,
         .in_query = {limit_parameter(), cursor_parameter()},
         .answers = {{200, "audit_list", "A page of entries"}},
         .handle = list_audit},
    };
}

} // namespace potoo::server
