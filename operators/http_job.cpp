#include "http_job_endpoint.hpp"
#include "http_job_watch.hpp"

#include <potoo/backend.hpp>
#include <potoo/http_failure.hpp>
#include <potoo/http_json.hpp>
#include <potoo/operator.hpp>
#include <potoo/process.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace potoo::http_job {
namespace {

/// The service as a backend.
class service_backend final : public backend
{
  public:
    explicit service_backend(context& ctx) : watch_(ctx, endpoint_for(ctx)) {}

    task<job_id> submit(context& ctx, const launch_token& token) override;
    task<std::optional<job_id>> find(context& ctx, const launch_token& token) override;
    leaf& begin_wait(context& ctx, const job_id& id) override;
    job_result end_wait() override;
    task<> cancel(context& ctx, const job_id& id) override;
    task<> logs(context& ctx, const job_id& id, job_result& ended) override;

    [[nodiscard]] bool can_find() const noexcept override { return what().find.has_value(); }

    [[nodiscard]] bool deduplicates() const noexcept override { return what().idempotent; }

    [[nodiscard]] request_gate* gate() noexcept override { return &service().gate; }

    [[nodiscard]] duration settle_time() const noexcept override { return what().settle; }

    [[nodiscard]] duration cancel_grace() const noexcept override { return what().cancel_grace; }

  private:
    [[nodiscard]] const endpoint& service() const noexcept { return watch_.service(); }

    [[nodiscard]] const description& what() const noexcept { return *watch_.service().what; }

    /// One exchange about one job.
    task<boost::system::result<http_response>> exchange(context& ctx, http_request r) const;

    job_watch watch_;
};

task<boost::system::result<http_response>> service_backend::exchange(context& ctx, http_request r) const
{
    r.deadline = ctx.now_steady() + what().request_timeout;
    const std::string url = r.url;
    auto response = co_await ctx.http().send(std::move(r));
    if (response)
        service().heed(ctx.loop(), url, *response);
    co_return response;
}

task<job_id> service_backend::submit(context& ctx, const launch_token&)
{
    http_request asked = service().request(what().submit, ctx.names());
    auto response = co_await exchange(ctx, asked);
    if (!response)
        launch_failure_of_exchange(asked.method, asked.url, response.error(), ctx.http().last_error_detail()).raise();
    if (!is_good(*response))
        launch_failure_of_status(asked.method, asked.url, *response).raise();
    const auto value = http_response_of_json_service(*response);
    if (!value)
        launch_failure_of_exchange(asked.method, asked.url, http_error::malformed).raise();
    const auto names = ctx.names();
    bindings b(&names);
    b.set("response", *value);
    std::optional<std::string> id;
    std::string trouble = "it yields null";
    try {
        id = id_text(what().id.evaluate(b), "id");
    } catch (const fatal& e) {
        trouble = e.what();
    }
    if (!id)
        throw unknown_outcome(
            fmt::format("the service accepted the job ({}), but `id` ({}) does not find its id in the answer: {}",
                        response->status, what().id.source(), trouble),
            "no_job_id");
    co_return job_id(*id);
}

task<std::optional<job_id>> service_backend::find(context& ctx, const launch_token&)
{
    http_request asked = service().request(*what().find, ctx.names());
    auto response = co_await exchange(ctx, asked);
    if (!response)
        failure_of_exchange(asked.method, asked.url, response.error(), ctx.http().last_error_detail())
            .raise_repeatable();
    if (response->status == 404)
        co_return std::nullopt;
    if (!is_good(*response))
        failure_of_status(asked.method, asked.url, *response).raise_repeatable();
    const auto value = http_response_of_json_service(*response);
    if (!value)
        failure_of_exchange(asked.method, asked.url, http_error::malformed).raise_repeatable();
    const auto names = ctx.names();
    bindings b(&names);
    b.set("response", *value);
    auto id = id_text(what().find_id->evaluate(b), "find.id");
    if (!id)
        co_return std::nullopt;
    co_return job_id(*id);
}

leaf& service_backend::begin_wait(context&, const job_id& id)
{
    watch_.prepare(id);
    return watch_;
}

job_result service_backend::end_wait()
{
    watch_.await_resume();
    return watch_.take_result();
}

task<> service_backend::cancel(context& ctx, const job_id& id)
{
    if (!what().cancel)
        throw fatal("the task says no way to cancel a job: it has no `cancel`", "no_cancel");
    watch_.expect_end();
    http_request asked = service().request_about(ctx, *what().cancel, id.value());
    auto response = co_await exchange(ctx, asked);
    if (!response)
        failure_of_exchange(asked.method, asked.url, response.error(), ctx.http().last_error_detail())
            .raise_repeatable();
    // Gone, or ended: the wait that follows finds out.
    const bool too_late = response->status == 404 || response->status == 409 || response->status == 410;
    if (!is_good(*response) && !too_late)
        failure_of_status(asked.method, asked.url, *response).raise_repeatable();
}

task<> service_backend::logs(context& ctx, const job_id& id, job_result&)
{
    if (!what().logs)
        co_return;
    http_request asked = service().request_about(ctx, *what().logs, id.value());
    auto response = co_await exchange(ctx, asked);
    if (!response)
        failure_of_exchange(asked.method, asked.url, response.error(), ctx.http().last_error_detail()).raise();
    if (!is_good(*response))
        failure_of_status(asked.method, asked.url, *response).raise();
    if (!response->body.empty())
        ctx.log_output(output_stream::standard_output, response->body);
}

task<json::value> run_http_job(context& ctx)
{
    return run_remote_job(ctx, std::make_unique<service_backend>(ctx));
}

} // namespace
} // namespace potoo::http_job

// One request, as it stands in the schema.
#define POTOO_REQUEST(about)                                                                                           \
    R"({"type": "object", "required": ["url"], "additionalProperties": false, "description": ")" about                 \
    R"(", "properties": {)" POTOO_HTTP_REQUEST_PROPERTIES "}}"

POTOO_OPERATOR("http_job", potoo::http_job::run_http_job,
               {.summary = "Launches a job on a service that speaks HTTP, watches it to its end, and cancels it when "
                           "the task is stopped.",
                .schema = R"({
      "type": "object", "additionalProperties": false,
      "required": ["submit", "id", "state", "success", "failure"],
      "anyOf": [{"required": ["status"]}, {"required": ["batch"]}],
      "properties": {
        "submit": )" POTOO_REQUEST("The request that launches the job. `launch_token` is a name that is the same "
                                   "whenever this attempt launches it.") R"(,
        "id": {"type": ["string", "number"], "description": "The job's id in the `response` to `submit`"},
        "find": {"type": "object", "required": ["url", "id"], "additionalProperties": false,
          "description": "How to look for a job by its `launch_token` when the answer to `submit` was lost. Without it, and without `idempotent`, such a task fails.",
          "properties": {)" POTOO_HTTP_REQUEST_PROPERTIES R"(,
            "id": {"type": ["string", "number", "null"], "description": "The job's id in the `response`, null when there is no such job"}}},
        "status": )" POTOO_REQUEST("The request that asks about one job by its `id`") R"(,
        "batch": {"type": "object", "required": ["url", "items", "id"], "additionalProperties": false,
          "description": "One request that asks about many jobs by their `ids`. Jobs that the answer does not show are asked about by `status`.",
          "properties": {)" POTOO_HTTP_REQUEST_PROPERTIES R"(,
            "limit": {"type": "integer", "minimum": 1, "maximum": 100000, "description": "Ids in one request. Default 100."},
            "items": {"type": "array", "description": "The list of jobs in the `response`"},
            "id": {"type": ["string", "number"], "description": "The id of one `job` of the list"}}},
        "state": {"type": "string", "description": "The state of a `job`, which is the body of the response to `status`, or one of the batch's items"},
        "success": {"type": "array", "minItems": 1, "items": {"type": "string"}, "description": "States of a job that ended well"},
        "failure": {"type": "array", "items": {"type": "string"}, "description": "States of a job that failed. Any state in none of the lists means that it goes on."},
        "cancelled": {"type": "array", "items": {"type": "string"}, "description": "States of a job that was cancelled"},
        "idempotent": {"type": "boolean", "description": "The service makes one job of two submissions with the same token, so that submitting again is safe. Default false."},
        "output": {"description": "The task's output, from the `job` that succeeded. Default: the job."},
        "error": {"description": "What is told of a `job` that failed: text, or an object with `message` and perhaps `code` or `exit_code`"},
        "cancel": )" POTOO_REQUEST("The request that stops the job `id`") R"(,
        "logs": )" POTOO_REQUEST("The request for the job's output, sent once it has ended") R"(,
        "poll": {"type": "object", "additionalProperties": false, "description": "How often the service is asked",
          "properties": {
            "interval": {"type": "string", "description": "Between the first two looks; the first comes 250ms after the launch, or sooner. 0ms: as fast as the connections allow. Default 2s."},
            "max_interval": {"type": "string", "description": "The interval never grows beyond. Default 30s."},
            "backoff": {"type": "number", "minimum": 1, "maximum": 1000, "description": "Factor on the interval from look to look. Default 1.5."}}},
        "request_timeout": {"type": "string", "description": "For one exchange with the service. Default 30s."},
        "settle": {"type": "string", "description": "How long after a lost answer to `submit` the job may still appear: only when `find` finds nothing after that is it submitted again. Default 5s."},
        "cancel_grace": {"type": "string", "description": "How long a cancellation may take. A job whose end was not confirmed by then is marked `remote: unconfirmed`, and cancelled again by the next start of an engine. Default 1m."},
        "connection": {"type": "string", "minLength": 1, "description": "Name of the connection (type http_job) to the service; without it, the one called http_job, if there is one. Its settings, all optional: url, put before URLs that begin with /; headers, for requests to the server of url only, if that is given; concurrency and per_second, as in limits, which comes first; poll_concurrency and polls_per_second, status requests under way at once (at most 64) and begun in a second; page, the most jobs in one batch request."},
        "limits": {"type": "object", "additionalProperties": false, "description": "How fast the service may be sent submissions, cancellations and searches, by all tasks that give the same limits together",
          "properties": {
            "concurrency": {"type": "integer", "minimum": 1, "maximum": 10000, "description": "Requests under way at once. Default 64."},
            "per_second": {"type": "number", "minimum": 0, "description": "Requests begun in a second; 0 for no limit, which is the default"}}},
        "max_body": {"type": "integer", "minimum": 1, "description": "A longer response body, in bytes, is a failure. Default 16777216."}
      }})",
                .example = R"(train:
  operator: http_job
  with:
    submit:
      method: POST
      url: "https://jobs.example/jobs"
      headers: {Idempotency-Key: "${{ launch_token }}"}
      body: {command: [train, --epochs, "5"]}
    id: ${{ response.body.id }}
    find: {url: "https://jobs.example/jobs?token=${{ launch_token }}", id: "${{ response.body.jobs[0].id }}"}
    status: {url: "https://jobs.example/jobs/${{ id }}"}
    state: ${{ job.state }}
    success: [SUCCEEDED]
    failure: [FAILED]
    cancelled: [CANCELLED]
    output: ${{ job.result }}
    error: ${{ job.error }}
    cancel: {method: DELETE, url: "https://jobs.example/jobs/${{ id }}"}
    logs: {url: "https://jobs.example/jobs/${{ id }}/log"}
    poll: {interval: 2s, max_interval: 30s, backoff: 1.5}
)",
                .late = "submit id find status batch state output error cancel logs",
                .late_names = "response id ids job"})
