#include "tests/integration/backends/aws/moto.hpp"

#include <boost/test/unit_test.hpp>
#include <fmt/format.h>

#include <cstdlib>
#include <stdexcept>

namespace potoo::test {
namespace {

struct needs_moto : needs_service
{
    needs_moto() : needs_service("POTOO_TEST_AWS", "moto") {}
};

BOOST_TEST_GLOBAL_FIXTURE(needs_moto);

std::string setting_or(const char* variable, const char* usual)
{
    const char* value = std::getenv(variable);
    return value && *value ? value : usual;
}

/// moto tells by it which of its services is meant.
std::vector<http_header> as_service(const char* service)
{
    return {{"Authorization", fmt::format("AWS4-HMAC-SHA256 Credential=x/20260101/us-east-1/{}/aws4_request, "
                                          "SignedHeaders=host, Signature=0",
                                          service)},
            {"Content-Type", "application/json"}};
}

} // namespace

std::string moto_url()
{
    return service_setting("POTOO_TEST_AWS");
}

std::string moto_queue()
{
    return setting_or("POTOO_TEST_AWS_QUEUE", "q");
}

std::string moto_definition()
{
    return setting_or("POTOO_TEST_AWS_DEFINITION", "d");
}

json::value moto_client::batch(const char* operation, const json::object& body)
{
    http_request r;
    r.method = "POST";
    r.url = fmt::format("{}/v1/{}", moto_url(), operation);
    r.headers = as_service("batch");
    r.body = json::serialize(body);
    const auto response = side_.send(std::move(r));
    if (response.status != 200)
        throw std::runtime_error(fmt::format("moto answers {} with {}: {}", operation, response.status, response.body));
    return response.body.empty() ? json::value() : json::parse(response.body);
}

std::vector<json::value> moto_client::jobs_named(const std::string& name_or_prefix)
{
    const json::value answer =
        batch("listjobs", {{"jobQueue", moto_queue()},
                           {"filters", json::array{json::object{{"name", "JOB_NAME"}, {"values", {name_or_prefix}}}}}});
    const auto& list = answer.at("jobSummaryList").as_array();
    return {list.begin(), list.end()};
}

json::value moto_client::job(const std::string& id)
{
    const json::value answer = batch("describejobs", {{"jobs", json::array{id}}});
    const auto& list = answer.at("jobs").as_array();
    if (list.size() != 1)
        throw std::runtime_error(fmt::format("moto knows {} jobs {}", list.size(), id));
    return list.front();
}

void moto_client::create_bucket(const std::string& bucket)
{
    http_request r;
    r.method = "PUT";
    r.url = fmt::format("{}/{}", moto_url(), bucket);
    r.headers = as_service("s3");
    if (const auto response = side_.send(std::move(r)); response.status != 200)
        throw std::runtime_error(fmt::format("moto makes no bucket: {}", response.body));
}

void moto_client::put_object(const std::string& bucket, const std::string& key, const std::string& body)
{
    http_request r;
    r.method = "PUT";
    r.url = fmt::format("{}/{}/{}", moto_url(), bucket, key);
    r.headers = as_service("s3");
    r.body = body;
    if (const auto response = side_.send(std::move(r)); response.status != 200)
        throw std::runtime_error(fmt::format("moto takes no object: {}", response.body));
}

aws_environment::aws_environment(const std::string& url)
{
    set("AWS_ENDPOINT_URL", url.c_str());
    set("AWS_ACCESS_KEY_ID", "AKIDMOTOEXAMPLE");
    set("AWS_SECRET_ACCESS_KEY", "the secret of moto");
    set("AWS_REGION", "us-east-1");
    set("AWS_EC2_METADATA_DISABLED", "true");
    set("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent/credentials");
    set("AWS_CONFIG_FILE", "/nonexistent/config");
}

aws_environment::~aws_environment()
{
    for (auto at = before_.rbegin(); at != before_.rend(); ++at)
        ::setenv(at->first.c_str(), at->second.c_str(), 1);
    for (const std::string& name : unset_before_)
        ::unsetenv(name.c_str());
}

void aws_environment::set(const char* name, const char* value)
{
    const char* now = std::getenv(name);
    if (now)
        before_.emplace_back(name, now);
    else
        unset_before_.emplace_back(name);
    ::setenv(name, value, 1);
}

} // namespace potoo::test
