#include "batch_service.hpp"
#include "job_listing.hpp"
#include "log_copy.hpp"
#include "submission.hpp"

#include <potoo/backend.hpp>
#include <potoo/job_log.hpp>
#include <potoo/operator.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace potoo::aws_batch {
namespace {

using nature = aws::service::nature;

constexpr std::size_t most_groups_kept = 1'000;

class batch_backend final : public backend
{
  public:
    explicit batch_backend(context& ctx)
        : service_(service_for(ctx)),
          watch_(ctx, service_.asker,
                 ctx.shared_by_task<task_description>([&] { return read_description(ctx.input()); }))
    {}

    task<job_id> submit(context& ctx, const launch_token& token) override;
    task<std::optional<job_id>> find(context& ctx, const launch_token& token) override;
    leaf& begin_wait(context& ctx, const job_id& id) override;
    job_result end_wait() override;
    task<> cancel(context& ctx, const job_id& id) override;
    task<> logs(context& ctx, const job_id& id, job_result& ended) override;

    [[nodiscard]] bool can_find() const noexcept override { return true; }

    /// An array passes it once, for all its items.
    [[nodiscard]] request_gate* gate() noexcept override { return what().array ? nullptr : &service_.gate; }

    [[nodiscard]] duration settle_time() const noexcept override { return what().settle; }

    [[nodiscard]] duration cancel_grace() const noexcept override { return what().cancel_grace; }

  private:
    [[nodiscard]] const task_description& what() const noexcept { return watch_.what(); }

    task<json::object> post(context& ctx, const char* path, json::object body, nature n);
    task<job_id> submit_job(context& ctx, std::string name, std::string token, std::optional<array_part> part);
    task<std::vector<job_id>> submit_array(context& ctx, std::vector<item_index> items);
    task<> list_group(context& ctx, std::string group);
    task<std::optional<job_id>> find_item(context& ctx, std::size_t item);
    task<std::vector<listed_job>> list(context& ctx, listing asked);

    struct state
    {
        std::string status;      ///< empty when AWS Batch does not show the job
        bool to_be_made = false; ///< that is because its array has not come to it yet
    };

    task<state> state_of(context& ctx, std::string id);
    task<> terminate(context& ctx, json::object request);
    task<std::optional<int>> look_for_exit_code(context& ctx, std::string id, std::string name);

    batch_service& service_;
    job_watch watch_;
};

task<json::object> batch_backend::post(context& ctx, const char* path, json::object body, nature n)
{
    http_request r;
    r.method = "POST";
    r.url = path;
    r.headers = {{"Content-Type", "application/json"}};
    r.body = json::serialize(body);
    r.deadline = ctx.now_steady() + what().request_timeout;
    auto response = co_await service_.batch.send(ctx, std::move(r), n);
    boost::system::error_code ec;
    json::value v = response.body.empty() ? json::value(json::object()) : json::parse(response.body, ec);
    if (!ec && v.is_object())
        co_return std::move(v.get_object());
    const std::string message = fmt::format("AWS Batch answered {} with what is no JSON object", path);
    if (n == nature::launches)
        throw unknown_outcome(message, "malformed_response");
    throw failure(message, "malformed_response");
}

task<job_id> batch_backend::submit_job(context& ctx, std::string name, std::string token,
                                       std::optional<array_part> part)
{
    json::object body = submission_of(ctx, name, token, part);
    auto answer = co_await post(ctx, "/v1/submitjob", std::move(body), nature::launches);
    const json::value* id = answer.if_contains("jobId");
    if (!id || !id->is_string() || id->get_string().empty())
        throw unknown_outcome("AWS Batch accepted the job and did not tell its jobId", "no_job_id");
    co_return job_id(std::string_view(id->get_string()));
}

task<std::vector<job_id>> batch_backend::submit_array(context& ctx, std::vector<item_index> items)
{
    const request_gate::pass turn = co_await service_.gate.enter(request_gate::urgency::normal);
    const array_part part{items.front().value(), items.size()};
    const std::string group = ctx.group_token().value();
    auto id = co_await submit_job(ctx, array_name(group, part.first, part.size), group, part);
    const launched_array launched{std::string(id.value()), part.first, part.size};
    std::vector<job_id> ids;
    for (const item_index i : items)
        ids.push_back(launched.child(i.value()));
    co_return ids;
}

task<job_id> batch_backend::submit(context& ctx, const launch_token& token)
{
    if (!what().array) {
        auto id = co_await submit_job(ctx, token.value(), token.value(), std::nullopt);
        co_return id;
    }
    const array_launch::submission together = [this](context& c, std::vector<item_index> items) {
        return submit_array(c, std::move(items));
    };
    auto id = co_await service_.arrays.launch(ctx, together);
    co_return id;
}

task<std::vector<listed_job>> batch_backend::list(context& ctx, listing asked)
{
    asked.request_timeout = what().request_timeout;
    auto all = co_await list_jobs(ctx, service_, std::move(asked));
    co_return all;
}

task<std::optional<job_id>> batch_backend::find(context& ctx, const launch_token& token)
{
    if (what().array) {
        auto id = co_await find_item(ctx, ctx.item().value());
        co_return id;
    }
    listing asked{.queue = what().queue, .name = token.value()};
    const auto all = co_await list(ctx, std::move(asked));
    const listed_job* first = nullptr;
    for (const listed_job& j : all) {
        // The filter does not tell capitals from small letters.
        if (j.name == token.value() && (!first || j.created < first->created))
            first = &j;
    }
    if (!first)
        co_return std::nullopt;
    co_return job_id(first->id);
}

task<> batch_backend::list_group(context& ctx, std::string group)
{
    const request_gate::pass turn = co_await service_.gate.enter(request_gate::urgency::normal);
    batch_service::group_listing found{ctx.now_steady(), {}};
    listing asked{.queue = what().queue, .name = group + "-*"};
    auto all = co_await list(ctx, std::move(asked));
    // Should an item be in two of them, its first job counts, whoever asks.
    std::sort(all.begin(), all.end(),
              [](const auto& x, const auto& y) { return std::tie(x.created, x.id) < std::tie(y.created, y.id); });
    for (const listed_job& j : all) {
        auto a = j.id.find(':') == std::string::npos ? array_of_name(j.name, group) : std::nullopt;
        if (!a)
            continue;
        a->id = j.id;
        found.arrays.push_back(std::move(*a));
    }
    if (service_.groups.size() >= most_groups_kept)
        service_.groups.clear();
    service_.groups[group] = std::move(found);
}

task<std::optional<job_id>> batch_backend::find_item(context& ctx, std::size_t item)
{
    const std::string group = ctx.group_token().value();
    const steady_time asked = ctx.now_steady();
    co_await service_.listing_groups.acquire();
    const slot_guard mine(service_.listing_groups);
    // What was asked for before may be older than the job.
    if (service_.groups[group].begun < asked)
        co_await list_group(ctx, group);
    const auto among = [&]() -> std::optional<job_id> {
        for (const launched_array& a : service_.groups[group].arrays) {
            if (a.holds(item))
                return a.child(item);
        }
        return std::nullopt;
    };
    co_return among();
}

leaf& batch_backend::begin_wait(context& ctx, const job_id& id)
{
    service_.account.conceal_in(ctx);
    watch_.prepare(id);
    return watch_;
}

job_result batch_backend::end_wait()
{
    watch_.await_resume();
    return watch_.end().result;
}

task<batch_backend::state> batch_backend::state_of(context& ctx, std::string id)
{
    const std::string parent(parent_of(id));
    json::array ids{json::string(id)};
    if (!parent.empty())
        ids.emplace_back(json::string(parent));
    json::object body{{"jobs", std::move(ids)}};
    auto answer = co_await post(ctx, "/v1/describejobs", std::move(body), nature::repeatable);
    const json::value* jobs = answer.if_contains("jobs");
    const auto* list = jobs ? jobs->if_array() : nullptr;
    const auto status_among = [&](const std::string& wanted) -> std::string {
        for (std::size_t i = 0; list && i < list->size(); ++i) {
            const auto* o = (*list)[i].if_object();
            const json::value* found = o ? o->if_contains("jobId") : nullptr;
            const json::value* status = o ? o->if_contains("status") : nullptr;
            if (found && *found == json::string(wanted) && status && status->is_string())
                return std::string(status->get_string());
        }
        return {};
    };
    state s;
    s.status = status_among(id);
    const std::string of_array = parent.empty() ? std::string() : status_among(parent);
    s.to_be_made = s.status.empty() && !of_array.empty() && !is_over(of_array);
    co_return s;
}

task<> batch_backend::terminate(context& ctx, json::object request)
{
    try {
        co_await post(ctx, "/v1/terminatejob", std::move(request), nature::repeatable);
    } catch (const fatal& f) {
        // It may be known a moment later, and one that has gone is stopped.
        const std::string_view why = f.what();
        const bool unknown = why.find("not found") != why.npos || why.find("not exist") != why.npos;
        if (f.code() != "ClientException" || !unknown)
            throw;
    }
}

task<> batch_backend::cancel(context& ctx, const job_id& id)
{
    // Those of an array have no turn yet.
    std::optional<request_gate::pass> turn;
    if (what().array) {
        auto mine = co_await service_.gate.enter(request_gate::urgency::urgent);
        turn.emplace(std::move(mine));
    }
    watch_.expect_end();
    const std::string text(id.value());
    const json::object request{{"jobId", text}, {"reason", stop_reason}};
    auto now = co_await state_of(ctx, text);
    if (is_over(now.status))
        co_return;
    if (!now.status.empty() && !has_started(now.status)) {
        co_await post(ctx, "/v1/canceljob", request, nature::repeatable);
        now = co_await state_of(ctx, text);
    }
    if (!now.status.empty()) {
        watch_.note_seen();
        // CancelJob leaves alone, without an error, what has started meanwhile.
        if (has_started(now.status))
            co_await terminate(ctx, request);
        co_return;
    }
    // AWS Batch takes such a request for a job that it does not know without a word: so it is repeated until the job
    // is shown, or was not for so long that there is none.
    co_await terminate(ctx, request);
    if (now.to_be_made || !watch_.note_miss())
        throw failure("AWS Batch was told to stop it, and does not show it (yet)", "not_shown");
}

task<std::optional<int>> batch_backend::look_for_exit_code(context& ctx, std::string id, std::string name)
{
    listing asked{.queue = what().queue, .name = name};
    asked.array_id = parent_of(id);
    const auto all = co_await list(ctx, std::move(asked));
    for (const listed_job& j : all) {
        if (j.id == id && j.exit_code && *j.exit_code != 0)
            co_return j.exit_code;
    }
    co_return std::nullopt;
}

task<> batch_backend::logs(context& ctx, const job_id& id, job_result& ended)
{
    job_end end = watch_.end();
    if (ended.ended == job_result::state::failed && !end.exit_code_known) {
        const auto code = co_await look_for_exit_code(ctx, std::string(id.value()), end.name);
        if (code)
            set_exit_code(end, *code);
        ended = end.result;
    }
    if (!what().logs)
        co_return;
    if (!end.log_note.empty())
        ctx.log(end.log_note);
    if (end.log_stream.empty())
        co_return;
    job_log log(ctx);
    co_await copy_log(ctx, service_, end.log_group, end.log_stream, log);
    if (ended.ended == job_result::state::success)
        log.add_result(ended.output);
}

task<json::value> run_aws_batch(context& ctx)
{
    return run_remote_job(ctx, std::make_unique<batch_backend>(ctx));
}

} // namespace
} // namespace potoo::aws_batch

POTOO_OPERATOR("aws_batch", potoo::aws_batch::run_aws_batch,
               {.summary = "Runs a job on AWS Batch, watches it to its end, and stops it when the task is stopped.",
                .schema = R"({
      "type": "object", "additionalProperties": false,
      "required": ["job_queue", "job_definition"],
      "properties": {
        "job_queue": {"type": "string", "minLength": 1, "description": "Name or ARN of the job queue"},
        "job_definition": {"type": "string", "minLength": 1, "description": "Name, name:revision or ARN of the job definition"},
        "command": {"type": "array", "items": {"type": "string"}, "description": "Instead of the job definition's command"},
        "env": {"type": "object", "additionalProperties": {"type": ["string", "number", "boolean"]}, "description": "Environment variables by name, laid over the task's own `env`"},
        "vcpus": {"type": "number", "exclusiveMinimum": 0, "description": "Instead of the job definition's number of vCPUs"},
        "memory": {"type": "integer", "minimum": 1, "description": "Instead of the job definition's memory, in MiB"},
        "gpus": {"type": "integer", "minimum": 1, "description": "Instead of the job definition's number of GPUs"},
        "parameters": {"type": "object", "additionalProperties": {"type": ["string", "number", "boolean"]}, "description": "Values for the job definition's `Ref::name` placeholders"},
        "overrides": {"type": "object", "additionalProperties": true, "description": "Any field of `containerOverrides` as AWS names it; what is given above comes first", "properties": {
          "environment": {"type": "array", "description": "A list of name and value, as AWS takes it", "items": {"type": "object", "required": ["name", "value"]}},
          "resourceRequirements": {"type": "array", "description": "A list of type and value, as AWS takes it", "items": {"type": "object", "required": ["type", "value"]}}}},
        "retry_strategy": {"type": "object", "description": "AWS's own retries within one job, as `retryStrategy`: {attempts: 3, evaluateOnExit: […]}. The task's `retry` launches a new job."},
        "job_timeout": {"type": "string", "description": "AWS stops an attempt of the job after this long, at least 60s. Unlike the task's `timeout` it does not count the time in the queue."},
        "depends_on": {"type": "array", "items": {"type": ["string", "object"]}, "description": "Ids of jobs that must have ended well before, or objects as AWS takes them: {jobId, type}"},
        "tags": {"type": "object", "additionalProperties": {"type": ["string", "number", "boolean"]}, "description": "Tags of the job; potoo:token is added"},
        "options": {"type": "object", "description": "Any other field of SubmitJob as AWS names it: schedulingPriorityOverride, shareIdentifier, nodeOverrides, …"},
        "array": {"type": "boolean", "description": "Launch the items of the `foreach` together as array jobs. They have one command; an item is POTOO_ARRAY_FIRST + AWS_BATCH_JOB_ARRAY_INDEX. Default false."},
        "logs": {"type": "boolean", "description": "Copy the job's log from CloudWatch when it has ended. Its last line, if it is JSON, is the output's `result`. Default true."},
        "poll": {"type": "object", "additionalProperties": false, "description": "How often AWS is asked about the job",
          "properties": {
            "interval": {"type": "string", "description": "Between the first two looks. Default 3s."},
            "max_interval": {"type": "string", "description": "The interval never grows beyond. Default 30s."},
            "backoff": {"type": "number", "minimum": 1, "maximum": 1000, "description": "Factor on the interval from look to look. Default 1.5."}}},
        "request_timeout": {"type": "string", "description": "For one exchange with AWS. Default 30s."},
        "settle": {"type": "string", "description": "How long after a lost answer to SubmitJob the job may still appear in ListJobs. Default 10s."},
        "cancel_grace": {"type": "string", "description": "How long stopping the job may take. One whose end was not seen by then is marked `remote: unconfirmed`. Default 3m."},
        "connection": {"type": "string", "minLength": 1, "description": "Name of the connection (type aws_batch); without it, the one called aws_batch, if there is one, else what AWS's own tools use. Its settings, all optional: region, profile, access_key_id, secret_access_key, session_token, role_arn with role_session_name and external_id, endpoint_url, logs_endpoint_url, sts_endpoint_url; concurrency (64) and per_second (50) of submissions, poll_concurrency (8) and polls_per_second (10) of looks at 100 jobs each, logs_per_second (10), array_size (10000)."}
      }})",
                .example = R"(align:
  operator: aws_batch
  with:
    job_queue: prod
    job_definition: align:7
    command: [align, --threads, "4"]
    env: {SAMPLE: NA12878}
    vcpus: 4
    memory: 8192
    job_timeout: 2h
)"})
