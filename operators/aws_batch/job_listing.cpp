#include "job_listing.hpp"

#include <potoo/json_members.hpp>

#include <fmt/format.h>

#include <charconv>
#include <set>
#include <utility>

namespace potoo::aws_batch {
namespace {

constexpr int page_size = 100;

http_request question(const listing& asked, const std::string& next)
{
    json::object body{{"maxResults", page_size}};
    if (!asked.array_id.empty()) {
        body["arrayJobId"] = asked.array_id;
        body["jobStatus"] = "FAILED";
    } else {
        body["jobQueue"] = asked.queue;
        body["filters"] = json::array{json::object{{"name", "JOB_NAME"}, {"values", json::array{asked.name}}}};
    }
    if (!next.empty())
        body["nextToken"] = next;
    http_request r;
    r.method = "POST";
    r.url = "/v1/listjobs";
    r.headers = {{"Content-Type", "application/json"}};
    r.body = json::serialize(body);
    return r;
}

listed_job read_summary(const json::object& o)
{
    listed_job j;
    j.id = text_in(o, "jobId");
    j.name = text_in(o, "jobName");
    boost::system::error_code ec;
    if (const json::value* v = o.if_contains("createdAt"); v && v->is_number())
        j.created = v->to_number<std::int64_t>(ec);
    const json::value* container = o.if_contains("container");
    const auto* c = container ? container->if_object() : nullptr;
    const json::value* code = c ? c->if_contains("exitCode") : nullptr;
    if (code && code->is_number()) {
        const int n = code->to_number<int>(ec);
        if (!ec)
            j.exit_code = n;
    }
    return j;
}

/// Whole and nothing else.
std::optional<std::size_t> number_of(std::string_view text)
{
    std::size_t n = 0;
    const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), n);
    return ec == std::errc() && end == text.data() + text.size() ? std::optional(n) : std::nullopt;
}

} // namespace

task<std::vector<listed_job>> list_jobs(aws::outside o, batch_service& s, listing asked)
{
    std::vector<listed_job> all;
    std::set<std::string> asked_for;
    std::string next;
    do {
        http_request r = question(asked, next);
        r.deadline = o.loop.now() + asked.request_timeout;
        auto response = co_await s.batch.send(o, std::move(r), aws::service::nature::repeatable);
        boost::system::error_code ec;
        const json::value v = json::parse(response.body, ec);
        const auto* answer = ec ? nullptr : v.if_object();
        const json::value* list = answer ? answer->if_contains("jobSummaryList") : nullptr;
        if (!list || !list->is_array())
            throw failure("AWS Batch answered ListJobs with no `jobSummaryList`", "malformed_response");
        for (const json::value& summary : list->get_array()) {
            if (const auto* members = summary.if_object())
                all.push_back(read_summary(*members));
        }
        next = text_in(*answer, "nextToken");
        if (!next.empty() && !asked_for.insert(next).second)
            throw failure("AWS Batch answered ListJobs with the same `nextToken` twice", "malformed_response");
    } while (!next.empty());
    co_return all;
}

std::string array_name(std::string_view group, std::size_t first, std::size_t size)
{
    return fmt::format("{}-{}-{}", group, first, size);
}

std::optional<launched_array> array_of_name(std::string_view name, std::string_view group)
{
    if (name.size() <= group.size() || !name.starts_with(group) || name[group.size()] != '-')
        return std::nullopt;
    const std::string_view numbers = name.substr(group.size() + 1);
    const std::size_t dash = numbers.find('-');
    if (dash == std::string_view::npos)
        return std::nullopt;
    const auto first = number_of(numbers.substr(0, dash));
    const auto size = number_of(numbers.substr(dash + 1));
    if (!first || !size || *size == 0)
        return std::nullopt;
    return launched_array{{}, *first, *size};
}

} // namespace potoo::aws_batch
