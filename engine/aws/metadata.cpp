#include "engine/aws/credential_sources.hpp"
#include "engine/aws/temporary_credentials.hpp"

#include <potoo/http_failure.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

namespace potoo::aws {
namespace {

constexpr std::string_view container_host = "http://169.254.170.2";
constexpr std::string_view instance_host = "http://169.254.169.254";
constexpr duration metadata_time{1'000}; ///< there is no such address where there is no service
constexpr member_names metadata_names{"AccessKeyId", "SecretAccessKey", "Token", "Expiration"};

/// A token must not be sent just anywhere in clear.
bool may_be_sent_to(std::string_view url)
{
    if (url.starts_with("https://"))
        return true;
    constexpr std::array hosts{"http://localhost",     "http://127.",           "http://[::1]",
                               "http://169.254.170.2", "http://169.254.170.23", "http://[fd00:ec2::23]"};
    return std::any_of(hosts.begin(), hosts.end(), [&](std::string_view h) {
        const std::string_view rest = url.substr(std::min(h.size(), url.size()));
        return url.starts_with(h) &&
               (h.ends_with('.') || rest.empty() || rest.starts_with(':') || rest.starts_with('/'));
    });
}

task<std::string> container_token(variables v)
{
    if (const auto file = v("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE")) {
        auto text = co_await read_file(*file);
        if (!text)
            throw failure(fmt::format("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE names {}, which is not there", *file),
                          "no_credentials");
        while (text->ends_with('\n') || text->ends_with('\r'))
            text->pop_back();
        co_return std::move(*text);
    }
    co_return v("AWS_CONTAINER_AUTHORIZATION_TOKEN").value_or("");
}

/// @param said why there is no answer
task<std::optional<std::string>> ask_metadata(outside o, http_request r, std::string& said)
{
    r.deadline = o.loop.now() + metadata_time;
    const std::string url = r.url;
    auto response = co_await o.http.send(std::move(r));
    if (!response)
        said = fmt::format("{} does not answer: {}", url, response.error().message());
    else if (response->status < 200 || response->status > 299)
        said = fmt::format("{} answers {}", url, response->status);
    else
        co_return std::move(response->body);
    co_return std::nullopt;
}

} // namespace

task<std::optional<credentials>> ask_container(outside o, variables v)
{
    const auto relative = v("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
    const auto full = v("AWS_CONTAINER_CREDENTIALS_FULL_URI");
    if (!relative && !full)
        co_return std::nullopt;
    http_request q;
    q.url = relative ? std::string(container_host) + *relative : *full;
    const std::string place = fmt::format("the container's credentials at {}", without_query(q.url));
    if (!may_be_sent_to(q.url))
        throw fatal(fmt::format("{}: AWS_CONTAINER_CREDENTIALS_FULL_URI must be https, or lead to this machine", place),
                    "bad_url");
    auto token = co_await container_token(v);
    if (!token.empty()) {
        q.headers.push_back({"Authorization", std::move(token)});
    }
    auto response = co_await ask_for_credentials(o, std::move(q), place);
    co_return credentials_of_json(response.body, metadata_names, place);
}

task<std::optional<credentials>> ask_instance(outside o, variables v, std::string& said)
{
    if (v("AWS_EC2_METADATA_DISABLED").value_or("") == "true") {
        said = "AWS_EC2_METADATA_DISABLED is true";
        co_return std::nullopt;
    }
    std::string host = v("AWS_EC2_METADATA_SERVICE_ENDPOINT").value_or(std::string(instance_host));
    while (host.ends_with('/'))
        host.pop_back();
    http_request q;
    q.method = "PUT";
    q.url = host + "/latest/api/token";
    q.headers = {{"X-aws-ec2-metadata-token-ttl-seconds", "21600"}};
    auto token = co_await ask_metadata(o, std::move(q), said);
    if (!token)
        co_return std::nullopt;
    const std::vector<http_header> with_token{{"X-aws-ec2-metadata-token", *token}};
    const std::string list = host + "/latest/meta-data/iam/security-credentials/";
    q = http_request();
    q.url = list;
    q.headers = with_token;
    auto roles = co_await ask_metadata(o, std::move(q), said);
    if (!roles)
        co_return std::nullopt;
    const std::string role = roles->substr(0, roles->find_first_of("\r\n"));
    q = http_request();
    q.url = list + percent_encoded(role);
    q.headers = with_token;
    auto answer = co_await ask_metadata(o, std::move(q), said);
    if (!answer)
        co_return std::nullopt;
    co_return credentials_of_json(*answer, metadata_names, fmt::format("the instance's role {}", role));
}

} // namespace potoo::aws
