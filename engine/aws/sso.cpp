#include "engine/aws/credential_sources.hpp"
#include "engine/aws/temporary_credentials.hpp"
#include "engine/text/digest.hpp"

#include <fmt/format.h>

#include <utility>

namespace potoo::aws {
namespace {

/// @throws fatal when the token is missing or has expired: only a person can sign in again
std::string token_of(const std::string& text, const sso_request& r, const std::string& file, wall_time now)
{
    const std::string advice = fmt::format("sign in with `aws sso login --profile {}`", r.profile);
    boost::system::error_code ec;
    const json::value v = json::parse(text, ec);
    const auto* o = ec ? nullptr : v.if_object();
    const auto* token = o ? o->if_contains("accessToken") : nullptr;
    const auto* expires = o ? o->if_contains("expiresAt") : nullptr;
    if (!token || !token->is_string() || !expires || !expires->is_string())
        throw fatal(fmt::format("{} holds no SSO token: {}", file, advice), "unauthorized");
    std::string end(expires->get_string());
    // Older tools wrote `2020-01-01T00:00:00UTC`.
    if (end.ends_with("UTC"))
        end.replace(end.size() - 3, 3, "Z");
    const auto t = parse_time(end);
    if (!t || *t <= now)
        throw fatal(fmt::format("the SSO token in {} has expired ({}): {}", file, end, advice), "unauthorized");
    return std::string(token->get_string());
}

} // namespace

task<credentials> sign_in_by_sso(outside o, sso_request r)
{
    const std::string place = fmt::format("SSO for profile {}", r.profile);
    const std::string file = fmt::format("{}/sso/cache/{}.json", r.directory, text::sha1_hex(r.cache_key));
    auto text = co_await read_file(file);
    if (!text)
        throw fatal(fmt::format("{}: nobody has signed in ({} is not there): sign in with `aws sso login --profile {}`",
                                place, file, r.profile),
                    "unauthorized");
    std::string token = token_of(*text, r, file, o.loop.wall_now());
    if (o.conceal)
        o.conceal(token);
    http_request q;
    const std::string host =
        r.endpoint.empty() ? fmt::format("https://portal.sso.{}.{}", r.region, domain_of(r.region)) : r.endpoint;
    q.url = fmt::format("{}/federation/credentials?role_name={}&account_id={}", host, percent_encoded(r.role),
                        percent_encoded(r.account));
    q.headers = {{"x-amz-sso_bearer_token", std::move(token)}, {"Accept", "application/json"}};
    auto response = co_await ask_for_credentials(o, std::move(q), place);
    boost::system::error_code ec;
    const json::value v = json::parse(response.body, ec);
    const auto* members = ec ? nullptr : v.if_object();
    const auto* role = members ? members->if_contains("roleCredentials") : nullptr;
    if (!role || !role->is_object())
        throw failure(fmt::format("{} answered without `roleCredentials`", place), "malformed_credentials");
    constexpr member_names names{"accessKeyId", "secretAccessKey", "sessionToken", "expiration"};
    co_return credentials_of(role->get_object(), names, place);
}

} // namespace potoo::aws
