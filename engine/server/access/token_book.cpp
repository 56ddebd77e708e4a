#include "engine/server/access/token_book.hpp"

#include "engine/text/digest.hpp"

#include <potoo/json_members.hpp>

#include <fmt/format.h>
#include <openssl/crypto.h>

#include <algorithm>
#include <cctype>
#include <stdexcept>
#include <utility>

namespace potoo::server {
namespace {

constexpr const char* kind = "token";
constexpr std::string_view prefix = "potoo_";
constexpr std::size_t id_length = 10;
constexpr std::size_t secret_length = 64;
constexpr std::size_t longest_name = 64;

bool same_secret(std::string_view a, std::string_view b) noexcept
{
    return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

bool is_name(std::string_view text) noexcept
{
    const auto letter_or_digit = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    };
    const auto allowed = [&](char c) { return letter_or_digit(c) || c == '.' || c == '_' || c == '-' || c == '@'; };
    return !text.empty() && text.size() <= longest_name && letter_or_digit(text.front()) &&
           std::all_of(text.begin(), text.end(), allowed);
}

json::value time_json(const std::optional<wall_time>& t)
{
    return t ? json::value(json::string(format_time(*t))) : json::value();
}

token_row row_of(const json::value& kept)
{
    const json::object& o = kept.as_object();
    token_row t;
    t.id = text_in(o, "id");
    t.name = text_in(o, "name");
    t.may = parse_role(text_in(o, "role")).value_or(role::viewer);
    t.created = time_in(o, "created").value_or(wall_time());
    t.expires = time_in(o, "expires");
    t.revoked = time_in(o, "revoked");
    return t;
}

token_verdict verdict_of(const token_row& t, wall_time now)
{
    if (t.revoked)
        return token_verdict::revoked;
    return t.expires && *t.expires <= now ? token_verdict::expired : token_verdict::good;
}

/// The id and the secret in a token's text.
std::optional<std::pair<std::string, std::string_view>> parts_of(std::string_view text)
{
    if (text.size() != prefix.size() + id_length + 1 + secret_length || !text.starts_with(prefix) ||
        text[prefix.size() + id_length] != '_')
        return std::nullopt;
    return std::pair(std::string(text.substr(prefix.size(), id_length)), text.substr(prefix.size() + id_length + 1));
}

} // namespace

json::object to_json(const token_row& t)
{
    return {{"id", t.id},
            {"name", t.name},
            {"role", json::string(to_string(t.may))},
            {"created", json::string(format_time(t.created))},
            {"expires", time_json(t.expires)},
            {"revoked", time_json(t.revoked)}};
}

std::string without_secrets(std::string_view text)
{
    // Also of a token that was not copied whole.
    constexpr std::size_t shortest_secret = 16;
    const auto is_digit = [](unsigned char c) { return std::isalnum(c) != 0; };
    std::string out;
    for (auto at = text.find(prefix); at != std::string_view::npos; at = text.find(prefix)) {
        std::string_view rest = text.substr(at + prefix.size());
        const auto* const id_end = std::find_if_not(rest.begin(), rest.end(), is_digit);
        const auto id = static_cast<std::size_t>(id_end - rest.begin());
        const bool goes_on = id > 0 && id < rest.size() && rest[id] == '_';
        const std::size_t kept = at + prefix.size() + (goes_on ? id + 1 : 0);
        rest = text.substr(kept);
        const auto* const secret_end = std::find_if_not(rest.begin(), rest.end(), is_digit);
        const auto secret = static_cast<std::size_t>(secret_end - rest.begin());
        out += text.substr(0, kept);
        text = rest;
        if (goes_on && secret >= shortest_secret) {
            out += "…";
            text = rest.substr(secret);
        }
    }
    return out.append(text);
}

token_book::token_book(runtime::ledger& kept_in, std::function<std::uint64_t()> unguessable)
    : kept_in_(kept_in), unguessable_(std::move(unguessable))
{}

task<new_token> token_book::create(token_wish wish, wall_time now)
{
    if (!is_name(wish.name))
        throw std::invalid_argument(fmt::format(
            "the name of a token has 1 to {} letters, digits and . _ - @, and begins with a letter or digit",
            longest_name));
    if (wish.expires && *wish.expires <= now)
        throw std::invalid_argument("the token would have expired already: give a later time, or a duration");
    new_token made;
    made.row.name = std::move(wish.name);
    made.row.may = wish.may;
    made.row.created = now;
    made.row.expires = wish.expires;
    bool added = false;
    while (!added) {
        made.row.id = fmt::format("{:016x}", unguessable_()).substr(0, id_length);
        const std::string secret =
            fmt::format("{:016x}{:016x}{:016x}{:016x}", unguessable_(), unguessable_(), unguessable_(), unguessable_());
        made.text = fmt::format("{}{}_{}", prefix, made.row.id, secret);
        json::object kept = to_json(made.row);
        kept["sha256"] = text::sha256_hex(made.text);
        added = co_await kept_in_.insert(kind, made.row.id, std::move(kept));
    }
    co_return made;
}

token_check token_book::check(std::string_view text, wall_time now)
{
    token_check c;
    const auto parts = parts_of(text);
    const std::string digest = text::sha256_hex(text);
    const auto kept = parts ? kept_in_.find(kind, parts->first) : std::nullopt;
    if (!kept || !same_secret(text_in(kept->as_object(), "sha256"), digest))
        return c;
    c.row = row_of(*kept);
    c.verdict = verdict_of(c.row, now);
    return c;
}

bool token_book::is_good(const std::string& id, wall_time now)
{
    if (id.empty())
        return !has_any();
    const auto kept = kept_in_.find(kind, id);
    return kept && verdict_of(row_of(*kept), now) == token_verdict::good;
}

bool token_book::has_any()
{
    return !kept_in_.list(kind, {}, 1).empty();
}

std::vector<token_row> token_book::list(const std::string& after, std::size_t limit)
{
    std::vector<token_row> rows;
    for (const auto& [id, kept] : kept_in_.list(kind, after, limit))
        rows.push_back(row_of(kept));
    return rows;
}

task<std::optional<token_row>> token_book::revoke(std::string id, wall_time now)
{
    auto kept = kept_in_.find(kind, id);
    if (!kept)
        co_return std::nullopt;
    token_row row = row_of(*kept);
    if (row.revoked)
        co_return row;
    row.revoked = now;
    kept->as_object()["revoked"] = json::string(format_time(now));
    co_await kept_in_.put(kind, std::move(id), std::move(*kept));
    co_return row;
}

} // namespace potoo::server
