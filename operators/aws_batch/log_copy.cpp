#include "log_copy.hpp"

#include <potoo/json_members.hpp>
#include <potoo/process.hpp>
#include <potoo/wait.hpp>

#include <utility>

namespace potoo::aws_batch {
namespace {

constexpr int most_tries = 5;
constexpr duration between_tries{1'000};

http_request question(const std::string& group, const std::string& stream, const std::string& next)
{
    json::object body{{"logGroupName", group}, {"logStreamName", stream}, {"startFromHead", true}};
    if (!next.empty())
        body["nextToken"] = next;
    http_request r;
    r.method = "POST";
    r.url = "/";
    r.headers = {{"Content-Type", "application/x-amz-json-1.1"}, {"X-Amz-Target", "Logs_20140328.GetLogEvents"}};
    r.body = json::serialize(body);
    return r;
}

/// One page, asked for again while the service is busy, or the stream not there yet.
task<http_response> ask_patiently(context& ctx, batch_service& s, http_request r)
{
    for (int tries = 1;; ++tries) {
        std::exception_ptr trouble;
        try {
            const request_gate::pass turn = co_await s.log_gate.enter(request_gate::urgency::normal);
            auto response = co_await s.logs.send(ctx, r, aws::service::nature::repeatable);
            co_return response;
        } catch (const failure&) {
            trouble = std::current_exception();
        } catch (const fatal& f) {
            if (f.code() != "ResourceNotFoundException")
                throw;
            trouble = std::current_exception();
        }
        if (tries == most_tries)
            std::rethrow_exception(trouble);
        co_await sleep_for(between_tries);
    }
}

/// @return the token of the page that follows
std::string add_page(const std::string& body, job_log& to)
{
    boost::system::error_code ec;
    const json::value v = json::parse(body, ec);
    const auto* answer = ec ? nullptr : v.if_object();
    const json::value* events = answer ? answer->if_contains("events") : nullptr;
    if (!events || !events->is_array())
        throw failure("CloudWatch Logs answered GetLogEvents with no `events`", "malformed_response");
    std::string text;
    for (const json::value& e : events->get_array()) {
        const auto* o = e.if_object();
        const json::value* message = o ? o->if_contains("message") : nullptr;
        if (message && message->is_string())
            text.append(std::string_view(message->get_string())).append("\n");
    }
    if (!text.empty())
        to.add(output_stream::standard_output, text);
    return text_in(*answer, "nextForwardToken");
}

} // namespace

task<> copy_log(context& ctx, batch_service& s, std::string group, std::string stream, job_log& to)
{
    std::string next;
    for (;;) {
        auto response = co_await ask_patiently(ctx, s, question(group, stream, next));
        std::string following = add_page(response.body, to);
        // The last page is followed by itself.
        if (following.empty() || following == next)
            co_return;
        next = std::move(following);
    }
}

} // namespace potoo::aws_batch
