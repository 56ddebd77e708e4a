#include <potoo/aws.hpp>
#include <potoo/http_failure.hpp>
#include <potoo/operator.hpp>
#include <potoo/sensor.hpp>

#include <fmt/format.h>

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>

namespace {

using namespace potoo;

constexpr duration request_timeout{30'000};
constexpr unsigned not_found = 404;

/// What is waited for.
struct wanted
{
    std::string bucket;
    std::string key;    ///< of one object
    std::string prefix; ///< or of the first of several
    bool by_prefix = false;
    std::int64_t min_size = 0;

    [[nodiscard]] std::string text() const { return fmt::format("s3://{}/{}", bucket, by_prefix ? prefix : key); }
};

std::string text_at(const json::object& with, std::string_view name)
{
    const json::value* v = with.if_contains(name);
    return v ? std::string(v->as_string()) : std::string();
}

wanted read_wanted(const json::object& with)
{
    wanted w;
    w.bucket = text_at(with, "bucket");
    w.key = text_at(with, "key");
    w.prefix = text_at(with, "prefix");
    w.by_prefix = with.contains("prefix");
    if (const json::value* v = with.if_contains("min_size"))
        w.min_size = v->to_number<std::int64_t>();
    const std::string url = text_at(with, "url");
    if (url.empty() != (!w.bucket.empty() && (w.by_prefix != !w.key.empty())))
        throw fatal("an s3 sensor takes either `url`, or `bucket` with `key` or with `prefix`");
    if (url.empty())
        return w;
    constexpr std::string_view scheme = "s3://";
    const std::size_t slash = url.find('/', scheme.size());
    w.bucket = url.substr(std::min(scheme.size(), url.size()), slash - scheme.size());
    if (!url.starts_with(scheme) || slash == std::string::npos || w.bucket.empty() || !w.key.empty() || w.by_prefix)
        throw fatal(fmt::format("with.url must be s3://bucket/key, or s3://bucket/prefix/ for the first object below "
                                "it, not {}",
                                url));
    const std::string path = url.substr(slash + 1);
    w.by_prefix = path.empty() || path.ends_with('/');
    (w.by_prefix ? w.prefix : w.key) = path;
    return w;
}

/// The bucket's address: in the host's name, or in the path where the host is not AWS's own.
std::string bucket_url(const aws::account::address& at, const std::string& bucket)
{
    constexpr std::string_view scheme = "https://";
    // A certificate for *.s3… does not cover a name with dots.
    if (at.given || bucket.find('.') != std::string::npos)
        return fmt::format("{}/{}", at.url, bucket);
    return fmt::format("{}{}.{}", scheme, bucket, at.url.substr(scheme.size()));
}

std::string unquoted(std::string text)
{
    std::erase(text, '"');
    return text;
}

json::value found_object(const wanted& w, const std::string& key, std::int64_t size, std::string etag,
                         std::string last_modified)
{
    return json::object{{"bucket", w.bucket},
                        {"key", key},
                        {"size", size},
                        {"etag", unquoted(std::move(etag))},
                        {"last_modified", std::move(last_modified)}};
}

std::int64_t number_of(std::string_view text)
{
    boost::system::error_code ec;
    const json::value v = json::parse(json::string_view(text.data(), text.size()), ec);
    return !ec && v.is_int64() ? v.get_int64() : 0;
}

/// A bucket elsewhere is no matter of waiting.
void refuse_other_region(const wanted& w, const http_response& r)
{
    const auto region = r.header("x-amz-bucket-region");
    const bool moved = r.status == 301 || r.status == 307 || r.status == 400;
    if (moved && !region.empty())
        throw fatal(fmt::format("the bucket {} is in the region {}: set `region`", w.bucket, region), "wrong_region");
}

http_request question(const char* method, std::string url)
{
    http_request r;
    r.method = method;
    r.url = std::move(url);
    return r;
}

/// HEAD answers have no body, so that a refusal does not say why: the same asked with GET does.
task<> raise_refusal(context& ctx, aws::service& s3, const wanted& w, std::string url)
{
    http_request asked = question("GET", std::move(url));
    asked.headers.push_back({"Range", "bytes=0-0"});
    asked.deadline = ctx.now_steady() + request_timeout;
    const auto r = co_await s3.exchange(ctx, asked, aws::service::nature::repeatable);
    refuse_other_region(w, r);
    if (r.status == 403)
        throw fatal(fmt::format("S3 does not allow to read {}: {} (without s3:ListBucket it says so of an object that "
                                "is not there, too)",
                                w.text(), aws::error_of(r).message),
                    "forbidden");
    if (r.status >= 300 && r.status != not_found)
        s3.raise(ctx, asked, r, aws::service::nature::repeatable);
}

task<std::optional<json::value>> look_at_key(context& ctx, aws::service& s3, const wanted& w)
{
    const auto at = co_await s3.address();
    const std::string url = bucket_url(at, w.bucket) + "/" + aws::percent_encoded(w.key, true);
    const auto r = co_await s3.exchange(ctx, question("HEAD", url), aws::service::nature::repeatable);
    if (r.status == not_found)
        co_return std::nullopt;
    if (r.status < 200 || r.status > 299) {
        refuse_other_region(w, r);
        co_await raise_refusal(ctx, s3, w, url);
        co_return std::nullopt;
    }
    const std::int64_t size = number_of(r.header("Content-Length"));
    if (size < w.min_size)
        co_return std::nullopt;
    co_return found_object(w, w.key, size, std::string(r.header("ETag")), std::string(r.header("Last-Modified")));
}

task<std::optional<json::value>> look_at_prefix(context& ctx, aws::service& s3, const wanted& w)
{
    const auto at = co_await s3.address();
    std::set<std::string> asked_for;
    std::string next;
    do {
        std::string url = fmt::format("{}/?list-type=2&max-keys=1000&prefix={}", bucket_url(at, w.bucket),
                                      aws::percent_encoded(w.prefix));
        if (!next.empty())
            url += "&continuation-token=" + aws::percent_encoded(next);
        http_request asked = question("GET", std::move(url));
        const auto r = co_await s3.exchange(ctx, asked, aws::service::nature::repeatable);
        if (aws::error_of(r).code == "NoSuchBucket")
            co_return std::nullopt;
        if (r.status < 200 || r.status > 299) {
            refuse_other_region(w, r);
            s3.raise(ctx, asked, r, aws::service::nature::repeatable);
        }
        for (const std::string_view object : aws::xml_elements(r.body, "Contents")) {
            const std::int64_t size = number_of(aws::xml_text(object, "Size").value_or("0"));
            if (size >= w.min_size)
                co_return found_object(w, aws::xml_text(object, "Key").value_or(""), size,
                                       aws::xml_text(object, "ETag").value_or(""),
                                       aws::xml_text(object, "LastModified").value_or(""));
        }
        next = aws::xml_text(r.body, "NextContinuationToken").value_or("");
        if (!next.empty() && !asked_for.insert(next).second)
            throw failure(fmt::format("S3 gave the same NextContinuationToken twice for {}", w.text()),
                          "malformed_response");
    } while (!next.empty());
    co_return std::nullopt;
}

/// The service of this connection, shared with all that look at it.
aws::service& service_for(context& ctx)
{
    connection_reader given(ctx, "s3");
    aws::settings who = aws::read_settings(given);
    given.finish();
    for (const auto& [name, setting] :
         {std::pair("region", &who.region), std::pair("endpoint_url", &who.endpoint_url)}) {
        if (std::string text = text_at(ctx.input(), name); !text.empty())
            *setting = std::move(text);
    }
    aws::account& account = aws::account_of(ctx, who);
    return ctx.shared<aws::service>("s3 " + account.key(), [&] {
        return std::make_unique<aws::service>(account, aws::service::description{.name = "S3",
                                                                                 .host = "s3",
                                                                                 .setting = "S3",
                                                                                 .signing_name = "s3",
                                                                                 .endpoint_url = who.endpoint_url,
                                                                                 .request_timeout = request_timeout});
    });
}

task<json::value> run_s3_sensor(context& ctx)
{
    const wanted w = read_wanted(ctx.input());
    const sensor_pace pace = read_sensor_pace(ctx.input());
    aws::service& s3 = service_for(ctx);
    const auto once = [&] { return w.by_prefix ? look_at_prefix(ctx, s3, w) : look_at_key(ctx, s3, w); };
    auto found = co_await sense(ctx, pace, once);
    co_return found;
}

} // namespace

POTOO_OPERATOR("s3_sensor", run_s3_sensor,
               {.summary = "Waits until an object is in S3, or in anything that speaks its protocol.",
                .schema = R"({
      "type": "object", "additionalProperties": false,
      "properties": {
        "url": {"type": "string", "description": "s3://bucket/key; ending in / it is a prefix, and any object below it will do"},
        "bucket": {"type": "string", "minLength": 1, "description": "Instead of url: the bucket"},
        "key": {"type": "string", "minLength": 1, "description": "With bucket: the object's key"},
        "prefix": {"type": "string", "description": "With bucket: the beginning of a key; the first object that has it will do"},
        "min_size": {"type": "integer", "minimum": 0, "description": "A smaller object, in bytes, does not count. Default 0."},
        "region": {"type": "string", "description": "The bucket's region. Default: the connection's, else AWS_REGION, …"},
        "endpoint_url": {"type": "string", "description": "Where S3 is, when it is not Amazon's: http://minio:9000. The bucket is then part of the path."},
        "connection": {"type": "string", "minLength": 1, "description": "Name of the connection (type s3); without it, the one called s3, if there is one, else what AWS's own tools use. Its settings, all optional: region, endpoint_url, profile, access_key_id, secret_access_key, session_token, role_arn with role_session_name and external_id, sts_endpoint_url."},
        )" POTOO_SENSOR_PROPERTIES R"(
      }})",
                .example = R"(samples_arrived:
  operator: s3_sensor
  with:
    url: s3://lab-incoming/run-17/samples.csv
    min_size: 1
    interval: 30s
    timeout: 12h
)",
                .sensor = true})
