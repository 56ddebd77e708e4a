#include "engine/aws/credential_sources.hpp"
#include "engine/aws/temporary_credentials.hpp"

#include <fmt/format.h>

#include <utility>

namespace potoo::aws {
namespace {

constexpr std::string_view usual_session_name = "potoo";

void add_field(std::string& body, std::string_view name, std::string_view value)
{
    if (!value.empty())
        body += fmt::format("&{}={}", name, percent_encoded(value));
}

http_request role_question(const role_request& r, std::string_view action)
{
    http_request q;
    q.method = "POST";
    q.url = r.endpoint + "/";
    q.headers = {{"Content-Type", "application/x-www-form-urlencoded; charset=utf-8"}};
    q.body = fmt::format("Action={}&Version=2011-06-15", action);
    add_field(q.body, "RoleArn", r.arn);
    add_field(q.body, "RoleSessionName", r.session_name.empty() ? usual_session_name : r.session_name);
    add_field(q.body, "DurationSeconds", r.duration_seconds);
    return q;
}

} // namespace

task<credentials> assume_role(outside o, role_request r, credentials by)
{
    http_request q = role_question(r, "AssumeRole");
    add_field(q.body, "ExternalId", r.external_id);
    conceal(o, by);
    sign(q, by, r.region, "sts", o.loop.wall_now());
    const std::string place = fmt::format("the role {} (assumed with {})", r.arn, by.source);
    auto response = co_await ask_for_credentials(o, std::move(q), place);
    co_return credentials_of_xml(response.body, place);
}

task<credentials> assume_role_with_token(outside o, role_request r, std::string token_file)
{
    const std::string place = fmt::format("the role {} (assumed with the web identity in {})", r.arn, token_file);
    auto token = co_await read_file(token_file);
    if (!token)
        throw failure(fmt::format("{}: the file is not there", place), "no_credentials");
    while (token->ends_with('\n') || token->ends_with('\r'))
        token->pop_back();
    if (o.conceal)
        o.conceal(*token);
    http_request q = role_question(r, "AssumeRoleWithWebIdentity");
    add_field(q.body, "WebIdentityToken", *token);
    auto response = co_await ask_for_credentials(o, std::move(q), place);
    co_return credentials_of_xml(response.body, place);
}

} // namespace potoo::aws
