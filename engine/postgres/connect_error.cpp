#include "engine/postgres/connect_error.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <regex>
#include <sstream>

namespace potoo::postgres {
namespace {

struct spoken
{
    std::string text;
    std::string sqlstate;
};

/// Takes the SQLSTATE out of the words, and the lines that name places in the server's source.
spoken read_words(const std::string& words)
{
    static const std::regex state(":  ([0-9A-Z]{5}): ");
    spoken s;
    std::istringstream lines(words);
    for (std::string line; std::getline(lines, line);) {
        if (line.empty() || line.starts_with("LOCATION:"))
            continue;
        if (std::smatch m; std::regex_search(line, m, state)) {
            s.sqlstate = m[1];
            line = std::string(m.prefix()) + ": " + std::string(m.suffix());
        }
        s.text += (s.text.empty() ? "" : "; ") + line;
    }
    return s;
}

std::string password_source(const PGconn* c, const settings& s)
{
    const auto given = [](const auto& p) { return p.first == "password"; };
    if (std::any_of(s.parameters.begin(), s.parameters.end(), given))
        return "the password is that of the connection's settings";
    if (std::getenv("PGPASSWORD"))
        return "the password is that of PGPASSWORD";
    const char* password = PQpass(c);
    return password && *password ? "the password is that of the password file" : "no password was given";
}

bool holds_one_of(const std::string& text, std::span<const std::string_view> words)
{
    return std::ranges::any_of(words, [&](std::string_view w) { return text.find(w) != std::string::npos; });
}

} // namespace

error connect_error(const PGconn* c, const settings& s)
{
    constexpr std::array<std::string_view, 2> no_name = {"could not translate host name",
                                                         "could not parse network address"};
    constexpr std::array<std::string_view, 1> no_password = {"no password supplied"};
    constexpr std::array<std::string_view, 5> tls = {"SSL", "certificate", "TLS", "private key", "channel binding"};
    constexpr std::array<std::string_view, 2> refused = {"Connection refused", "No such file or directory"};
    constexpr std::array<std::string_view, 3> setting = {"invalid ", "definition of service", "could not match"};
    const spoken said = read_words(PQerrorMessage(c));
    if (said.sqlstate.starts_with("28"))
        return error::of_state(fmt::format("{} ({})", said.text, password_source(c, s)), said.sqlstate);
    if (!said.sqlstate.empty())
        return error::of_state(said.text, said.sqlstate);
    if (holds_one_of(said.text, no_name))
        return error(said.text, "resolve_failed", true);
    if (holds_one_of(said.text, no_password))
        return error(fmt::format("{} ({})", said.text, password_source(c, s)), "unauthorized", false);
    if (holds_one_of(said.text, tls))
        return error(said.text, "tls_failed", true);
    if (holds_one_of(said.text, refused))
        return error(said.text, "connection_refused", true);
    if (holds_one_of(said.text, setting))
        return error(said.text, "bad_connection", false);
    return error(said.text, "connect_failed", true);
}

} // namespace potoo::postgres
