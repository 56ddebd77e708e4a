#include "engine/cli/remote/server_access.hpp"

#include "engine/cli/usage_error.hpp"
#include "engine/net/url.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace potoo::cli {

namespace {

constexpr std::string_view wanted = "write it as in http://127.0.0.1:8080 or https://potoo.example.org";

[[noreturn]] void refuse(std::string_view text, std::string_view why)
{
    throw usage_error(fmt::format("'{}' is no address of a server: {}", text, why));
}

} // namespace

std::string checked_server_url(std::string_view text)
{
    if (text.find("://") == std::string_view::npos && !text.starts_with("unix:"))
        refuse(text, fmt::format("it does not begin with http:// or https://; {}", wanted));
    if (text.find_first_of("?#") != std::string_view::npos)
        refuse(text, fmt::format("it ends with the port or a path; {}", wanted));
    std::string url(text);
    while (url.ends_with('/'))
        url.pop_back();
    for (const std::string_view inner : {"/api/v1", "/api"})
        if (url.ends_with(inner))
            url.resize(url.size() - inner.size());
    const auto parsed = net::parse_url(url + "/");
    if (!parsed)
        refuse(text, fmt::format("{}; {}", parsed.error().detail, wanted));
    if (!parsed->userinfo.empty())
        refuse(text, "a server knows no passwords, but tokens: give one with POTOO_TOKEN or --token-file");
    return url;
}

std::string checked_token(std::string_view text, std::string_view where)
{
    constexpr std::string_view space = " \t\r\n";
    const auto first = text.find_first_not_of(space);
    if (first == std::string_view::npos)
        throw usage_error(fmt::format("{} holds no token", where));
    const std::string_view token = text.substr(first, text.find_last_not_of(space) - first + 1);
    if (!std::all_of(token.begin(), token.end(), [](char c) { return c > ' ' && c < '\x7f'; }))
        throw usage_error(fmt::format("{} holds no token: a token is one word of letters, digits and signs", where));
    return std::string(token);
}

} // namespace potoo::cli
