#include "engine/text/digest.hpp"

#include <potoo/connection.hpp>
#include <potoo/postgres.hpp>

#include <fmt/format.h>
#include <libpq-fe.h>

#include <array>
#include <cstdlib>

namespace potoo::postgres {
namespace {

constexpr std::size_t most_connections = 1'000;

struct named
{
    const char* setting;
    const char* keyword;
};

/// What a connection says in words of its own, or in libpq's.
constexpr std::array<named, 15> known = {{{"host", "host"},
                                          {"hostaddr", "hostaddr"},
                                          {"user", "user"},
                                          {"password", "password"},
                                          {"database", "dbname"},
                                          {"sslmode", "sslmode"},
                                          {"sslrootcert", "sslrootcert"},
                                          {"sslcert", "sslcert"},
                                          {"sslkey", "sslkey"},
                                          {"service", "service"},
                                          {"passfile", "passfile"},
                                          {"options", "options"},
                                          {"channel_binding", "channel_binding"},
                                          {"target_session_attrs", "target_session_attrs"},
                                          {"krbsrvname", "krbsrvname"}}};

using options_owner = std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)>;

/// What libpq says may quote the password that stands in the URL.
std::string without_quotations(std::string_view message)
{
    std::string out;
    bool inside = false;
    for (const char c : message) {
        if (c == '"') {
            out += inside ? "…\"" : "\"";
            inside = !inside;
        } else if (!inside && c != '\n')
            out += c;
    }
    return out;
}

/// A / or the like in a password that is not encoded ends what libpq takes for the host, and it would quote the rest:
/// the port is then no number, and a @ comes later.
bool has_bare_password(std::string_view url)
{
    const auto scheme = url.find("://");
    if (scheme == std::string_view::npos)
        return false;
    const auto end = url.find_first_of("/?#", scheme + 3);
    if (end == std::string_view::npos || url.find('@', end) == std::string_view::npos)
        return false;
    const std::string_view authority = url.substr(scheme + 3, end - scheme - 3);
    const auto colon = authority.rfind(':');
    return authority.find('@') == std::string_view::npos && colon != std::string_view::npos &&
           authority.find_first_not_of("0123456789", colon + 1) != std::string_view::npos;
}

void add_url(const std::string& url, settings& s)
{
    char* why = nullptr;
    if (has_bare_password(url))
        throw fatal("the connection's `url` has a /, ? or # before its @: write them %2F, %3F and %23 in user and "
                    "password, or give `user` and `password` beside the url",
                    "bad_connection");
    const options_owner parsed(PQconninfoParse(url.c_str(), &why), PQconninfoFree);
    const std::unique_ptr<char, decltype(&PQfreemem)> why_owner(why, PQfreemem);
    if (!parsed)
        throw fatal(fmt::format("the connection's `url` is none that PostgreSQL knows, as in "
                                "postgresql://user@host:5432/database: {}",
                                why ? without_quotations(why) : "no memory"),
                    "bad_connection");
    for (const PQconninfoOption* o = parsed.get(); o->keyword; ++o) {
        if (o->val)
            s.parameters.emplace_back(o->keyword, o->val);
    }
}

void add_port(const json::value& v, settings& s)
{
    boost::system::error_code ec;
    const auto port = v.to_number<std::uint16_t>(ec);
    if (ec || port == 0) {
        if (!v.is_string())
            throw fatal(
                fmt::format("the connection's `port` must be a number from 1 to 65535, not {}", json::serialize(v)));
        s.parameters.emplace_back("port", std::string(v.get_string()));
        return;
    }
    s.parameters.emplace_back("port", std::to_string(port));
}

/// Of a setting, libpq's own way of saying it (whole seconds) included.
void read_connect_timeout(connection_reader& c, settings& s)
{
    for (const auto& [keyword, value] : s.parameters) {
        if (keyword == "connect_timeout" && std::atoi(value.c_str()) > 0)
            s.connect_timeout = std::chrono::seconds(std::atoi(value.c_str()));
    }
    const auto text = c.text("connect_timeout");
    if (!text)
        return;
    const auto d = parse_duration(*text);
    if (!d || *d == duration::zero())
        throw fatal(fmt::format("the connection's `connect_timeout` must be a duration such as 10s, not {}", *text));
    s.connect_timeout = *d;
}

void refuse_zero_bytes(const settings& s)
{
    for (const auto& [keyword, value] : s.parameters) {
        if (value.find('\0') != std::string::npos)
            throw fatal(fmt::format("the connection's `{}` holds a zero byte", keyword), "bad_connection");
    }
}

void conceal_passwords(context& ctx, const settings& s)
{
    for (const auto& [keyword, value] : s.parameters) {
        if (keyword == "password" || keyword == "sslpassword")
            ctx.conceal(value);
    }
    if (const char* password = std::getenv("PGPASSWORD"))
        ctx.conceal(password);
}

} // namespace

settings read_settings(context& ctx)
{
    settings s;
    connection_reader c(ctx, "sql");
    if (const auto url = c.text("url"))
        add_url(*url, s);
    for (const named& n : known) {
        if (auto value = c.text(n.setting))
            s.parameters.emplace_back(n.keyword, std::move(*value));
    }
    if (const json::value* port = c.value("port"))
        add_port(*port, s);
    s.connections = c.count("connections", most_connections).value_or(s.connections);
    read_connect_timeout(c, s);
    c.finish();
    refuse_zero_bytes(s);
    conceal_passwords(ctx, s);
    return s;
}

std::string identity(const settings& s)
{
    std::string all = fmt::format("{} {}", s.connections, s.connect_timeout.count());
    for (const auto& [keyword, value] : s.parameters)
        all += fmt::format("\n{}:{}={}", keyword, value.size(), value);
    return text::sha256_hex(all);
}

pool& pool_for(context& ctx)
{
    settings s = read_settings(ctx);
    return ctx.shared<pool>("postgres " + identity(s),
                            [&] { return std::make_unique<pool>(ctx.loop(), std::move(s)); });
}

listener& listener_for(context& ctx)
{
    settings s = read_settings(ctx);
    return ctx.shared<listener>("postgres " + identity(s),
                                [&] { return std::make_unique<listener>(ctx.loop(), std::move(s)); });
}

} // namespace potoo::postgres
