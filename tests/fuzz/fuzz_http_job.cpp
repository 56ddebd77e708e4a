/// Any answers to the requests of `http_job`: the attempt ends, or can be ended, in a bounded time, and does not launch
/// twice what may run already. The input's form: job_script.hpp.

#include "claim.hpp"
#include "job_script.hpp"
#include "scripted_service.hpp"

#include "tests/unit/operators/fake_context.hpp"
#include "tests/unit/task/runner.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

using namespace potoo;
using namespace std::chrono_literals;
using fuzz::claim;

namespace {

constexpr const char* least = R"({
  "submit": {"method": "POST", "url": "http://s/jobs", "headers": {"Idempotency-Key": "${{ launch_token }}"},
             "body": {"command": ["work"]}},
  "id": "${{ response.body.id }}",
  "status": {"url": "http://s/jobs/${{ id }}"},
  "state": "${{ job.state }}",
  "success": ["SUCCEEDED"], "failure": ["FAILED"], "cancelled": ["CANCELLED"],
  "error": "${{ job.error }}",
  "poll": {"interval": "1s", "max_interval": "10m", "backoff": 3}})";

struct optional_part
{
    const char* word;
    const char* property;
    const char* value;
};

constexpr optional_part parts[] = {
    {"find", "find", R"({"url": "http://s/jobs?token=${{ launch_token }}", "id": "${{ response.body.jobs[0].id }}"})"},
    {"idempotent", "idempotent", "true"},
    {"batch", "batch",
     R"({"method": "POST", "url": "http://s/jobs/query", "body": {"ids": "${{ ids }}"}, "limit": 10,
         "items": "${{ response.body.jobs }}", "id": "${{ job.id }}"})"},
    {"cancel", "cancel", R"({"method": "DELETE", "url": "http://s/jobs/${{ id }}"})"},
    {"logs", "logs", R"({"url": "http://s/jobs/${{ id }}/log"})"},
    {"output", "output", R"({"result": "${{ job.result }}", "status": "${{ response.status }}"})"},
    {"small", "max_body", "100"},
};

std::string description_of(const fuzz::job_script& script)
{
    auto with = json::parse(least).as_object();
    for (const auto& p : parts) {
        if (script.says(p.word))
            with[p.property] = json::parse(p.value);
    }
    return json::serialize(with);
}

cancel_reason reason_of(const fuzz::job_script& script)
{
    return script.says("shutdown")   ? cancel_reason::shutdown
           : script.says("deadline") ? cancel_reason::deadline
                                     : cancel_reason::user;
}

bool is_recorded(const test::fake_context& ctx, std::string_view name)
{
    const auto has = [&](const auto& facts) {
        return std::any_of(facts.begin(), facts.end(), [&](const auto& f) { return f.first == name; });
    };
    return has(ctx.facts) || has(ctx.history);
}

/// One attempt, and what it may do.
class watched_attempt
{
  public:
    explicit watched_attempt(std::string_view text) : script_(text), service_(fixture_.loop, script_)
    {
        context_.emplace(fixture_.loop, "http_job", description_of(script_));
        context_->client = &service_;
        context_->bind("launch_token", json::value(context_->launch_name.value()));
        if (script_.says("replay"))
            context_->history.emplace_back("launch_intent", json::value(context_->launch_name.value()));
        if (script_.says("known"))
            context_->history.emplace_back("launch_recorded", json::value("job-1"));
        service_.maybe_accepted = script_.says("replay");
        service_.before = [this](const http_request& r) { look_at(r); };
    }

    ~watched_attempt() { context_->own_shared.clear(); }

    void perform()
    {
        // A service may ask for an hour's pause with each answer. One that is silent is only asked again and again.
        const auto enough = script_.says("recovers") ? 2h * (1 + script_.answers().size()) : 30min;
        attempt_.emplace(fixture_.loop, context_->perform());
        fixture_.loop.run(enough);
        if (!attempt_->ended()) {
            claim(!script_.says("recovers"), "an attempt ends once the service is well again");
            stop(reason_of(script_));
            // A service may ask that even its cancellations wait: an hour is the most that an attempt stands in line.
            fixture_.loop.run(90min);
        }
        claim(attempt_->ended(), "an attempt that is told to stop ends");
        look_at_end();
    }

  private:
    void stop(cancel_reason why)
    {
        if (stopped_by_ != cancel_reason::none)
            return;
        stopped_by_ = why;
        attempt_->cancel(why);
    }

    void look_at(const http_request& r)
    {
        if (attempt_ && script_.number("stop") != 0 && service_.requests == script_.number("stop"))
            stop(reason_of(script_));
        if (r.method != "POST" || r.url != "http://s/jobs")
            return;
        claim(is_recorded(*context_, "launch_intent"), "what is submitted is announced in the journal before");
        claim(!is_recorded(*context_, "launch_recorded"), "a job whose id is known is not submitted again");
        const bool only_deduplicates = script_.says("idempotent") && !script_.says("find");
        claim(service_.submissions < (only_deduplicates ? 12 : 3), "nothing is submitted again for ever");
        if (!service_.maybe_accepted || script_.says("idempotent"))
            return;
        claim(script_.says("find"), "what may have been accepted is not submitted again without asking");
        claim(service_.clear_no >= 2, "what may have been accepted is submitted again after it was not found twice");
    }

    void look_at_end()
    {
        bool cancelled_it = false;
        try {
            static_cast<void>(attempt_->take());
        } catch (const task_error& e) {
            claim(*e.what() != '\0', "a failure says what it is");
        } catch (const cancelled& c) {
            claim(stopped_by_ != cancel_reason::none, "an attempt that was not told to stop is not cancelled");
            claim(c.reason() == stopped_by_, "it ends for the reason it was told");
            cancelled_it = true;
        }
        claim(!context_->deferred, "an attempt that has ended is not deferred");
        if (!cancelled_it || stopped_by_ == cancel_reason::shutdown)
            return;
        const bool may_run = service_.maybe_accepted || is_recorded(*context_, "launch_recorded");
        claim(!may_run || service_.cancellations > 0 || service_.clear_no >= 2 || !context_->unconfirmed.empty(),
              "what may run is cancelled, or marked as unconfirmed");
    }

    test::fixture fixture_;
    fuzz::job_script script_;
    fuzz::scripted_service service_;
    std::optional<test::fake_context> context_;
    std::optional<test::runner<json::value>> attempt_;
    cancel_reason stopped_by_ = cancel_reason::none;
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    watched_attempt attempt(std::string_view(reinterpret_cast<const char*>(data), size));
    attempt.perform();
    return 0;
}
