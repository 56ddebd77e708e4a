#include "cluster.hpp"
#include "json_lookup.hpp"
#include "manifest.hpp"

#include <potoo/backend.hpp>
#include <potoo/job_log.hpp>
#include <potoo/operator.hpp>
#include <potoo/options.hpp>
#include <potoo/wait.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace potoo::kubernetes {
namespace {

constexpr duration log_time{600'000};
constexpr int most_tries_for_pods = 5;
constexpr duration between_tries{1'000};
constexpr int most_tries_to_delete = 5;
/// What Kubernetes gives a container to end when it is told to, unless the pod says otherwise.
constexpr std::int64_t usual_grace_seconds = 30;

/// What a task says beside its Job.
struct job_options
{
    std::string name_space;
    poll_pace pace;
    duration request_timeout{30'000};
    duration settle{5'000};
    duration cancel_grace{90'000};
};

job_options read_options(const json::object& with)
{
    job_options o;
    if (const json::value* n = with.if_contains("namespace"))
        o.name_space = n->as_string();
    o.pace = poll_option(with);
    o.request_timeout = time_option(with, "request_timeout", o.request_timeout);
    o.settle = duration_option(with, "settle").value_or(o.settle);
    std::int64_t grace = usual_grace_seconds;
    if (const json::value* pod = with.if_contains("pod")) {
        if (const json::value* asked = find_at(*pod, "/terminationGracePeriodSeconds"); asked && asked->is_int64())
            grace = std::clamp<std::int64_t>(asked->get_int64(), 0, 86'400);
    }
    o.cancel_grace = duration_option(with, "cancel_grace").value_or(o.cancel_grace + std::chrono::seconds(grace));
    return o;
}

/// A namespace comes into URLs.
std::string checked_namespace(const std::string& given)
{
    const bool good = !given.empty() && given.size() <= 63 && std::all_of(given.begin(), given.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
    });
    if (!good)
        throw fatal(fmt::format("{:?} is no namespace: those are lower-case letters, digits and -", given));
    return given;
}

class job_backend final : public backend
{
  public:
    job_backend(context& ctx, cluster& c, std::shared_ptr<const job_options> options)
        : server_(c.server()), options_(std::move(options)),
          watcher_(c.watcher_of(
              checked_namespace(options_->name_space.empty() ? server_.name_space() : options_->name_space))),
          watch_(ctx, watcher_, options_->pace)
    {}

    task<job_id> submit(context& ctx, const launch_token& token) override;
    task<std::optional<job_id>> find(context& ctx, const launch_token& token) override;

    leaf& begin_wait(context&, const job_id& id) override
    {
        watch_.prepare(id);
        return watch_;
    }

    job_result end_wait() override
    {
        watch_.await_resume();
        return watch_.take_result();
    }

    task<> cancel(context& ctx, const job_id& id) override;
    task<> logs(context& ctx, const job_id& id, job_result& ended) override;

    [[nodiscard]] bool can_find() const noexcept override { return true; }

    [[nodiscard]] bool deduplicates() const noexcept override { return true; }

    [[nodiscard]] request_gate* gate() noexcept override { return &server_.gate(); }

    [[nodiscard]] duration settle_time() const noexcept override { return options_->settle; }

    [[nodiscard]] duration cancel_grace() const noexcept override { return options_->cancel_grace; }

  private:
    [[nodiscard]] const std::string& name_space() const noexcept
    {
        return options_->name_space.empty() ? server_.name_space() : options_->name_space;
    }

    [[nodiscard]] std::string jobs_path() const
    {
        return fmt::format("/apis/batch/v1/namespaces/{}/jobs", name_space());
    }

    task<boost::system::result<http_response>> exchange(context& ctx, http_request r);
    task<std::optional<json::value>> job_named(context& ctx, std::string name);
    task<json::array> pods_of(context& ctx, std::string name);
    task<> copy_log(context& ctx, std::string pod, std::string container, job_log& log);

    api_server& server_;
    std::shared_ptr<const job_options> options_;
    job_watcher& watcher_;
    job_watch watch_;
    std::uint64_t concealed_ = 0;
};

task<boost::system::result<http_response>> job_backend::exchange(context& ctx, http_request r)
{
    server_.conceal_from(ctx, concealed_);
    if (r.deadline == steady_time::max())
        r.deadline = ctx.now_steady() + options_->request_timeout;
    auto response = co_await server_.send(std::move(r));
    server_.conceal_from(ctx, concealed_);
    co_return response;
}

task<job_id> job_backend::submit(context& ctx, const launch_token& token)
{
    http_request r;
    r.method = "POST";
    r.url = jobs_path();
    r.headers.push_back({"Content-Type", "application/json"});
    r.body = json::serialize(job_manifest(ctx.input(), ctx.environment(), token.value(), name_space()));
    watch_.expect(token.value());
    auto response = co_await exchange(ctx, std::move(r));
    if (!response)
        server_.failure_of("POST", jobs_path(), response.error(), true).raise();
    if (is_good(response->status)) {
        const auto job = parsed(response->body);
        if (!job || text_at(*job, "/metadata/uid").empty())
            throw unknown_outcome("the API accepted the Job, and its answer shows none", "malformed_response");
        co_return id_of(*job);
    }
    if (response->status == 409 && response->body.find("AlreadyExists") != std::string::npos) {
        auto found = co_await find(ctx, token);
        if (found)
            co_return std::move(*found);
        throw failure(fmt::format("the Job {} was there, and has just been deleted", token.value()), "http_409");
    }
    server_.failure_of("POST", jobs_path(), *response, true).raise();
}

/// @return nothing when there is none
task<std::optional<json::value>> job_backend::job_named(context& ctx, std::string name)
{
    http_request r;
    const std::string path = fmt::format("{}/{}", jobs_path(), name);
    r.url = path;
    auto response = co_await exchange(ctx, std::move(r));
    if (!response)
        server_.failure_of("GET", path, response.error()).raise();
    if (response->status == 404)
        co_return std::nullopt;
    if (!is_good(response->status))
        server_.failure_of("GET", path, *response).raise();
    auto job = parsed(response->body);
    if (!job)
        server_.failure_of("GET", path, make_error_code(http_error::malformed)).raise();
    co_return job;
}

task<std::optional<job_id>> job_backend::find(context& ctx, const launch_token& token)
{
    auto job = co_await job_named(ctx, token.value());
    if (!job)
        co_return std::nullopt;
    if (text_at(*job, "/metadata/labels/potoo.dev~1token") != token.value())
        throw fatal(fmt::format("there is a Job {}/{} that somebody else made: it has no label {}", name_space(),
                                token.value(), token_label),
                    "name_taken");
    co_return id_of(*job);
}

task<> job_backend::cancel(context& ctx, const job_id& id)
{
    const auto place = job_place::of(id.value());
    if (!place)
        throw fatal(fmt::format("the journal's job id {:?} is not namespace/name/uid", id.value()));
    const std::string path = fmt::format("{}/{}", jobs_path(), place->name);
    for (int tries = 0;; ++tries) {
        auto job = co_await job_named(ctx, std::string(place->name));
        // One that has ended keeps its end; of one that is gone only its pods may be left.
        if (job && text_at(*job, "/metadata/uid") == place->uid && end_of_job(*job)) {
            watch_.keep_for_later(*job);
            co_return;
        }
        watch_.expect_end();
        if (!job || text_at(*job, "/metadata/uid") != place->uid)
            co_return;
        http_request r;
        r.method = "DELETE";
        r.url = path;
        r.headers.push_back({"Content-Type", "application/json"});
        const json::object as_seen{{"uid", json::string(place->uid)},
                                   {"resourceVersion", json::string(text_at(*job, "/metadata/resourceVersion"))}};
        r.body = json::serialize(json::object{{"apiVersion", "v1"},
                                              {"kind", "DeleteOptions"},
                                              {"propagationPolicy", "Background"},
                                              {"preconditions", as_seen}});
        auto response = co_await exchange(ctx, std::move(r));
        if (!response)
            server_.failure_of("DELETE", path, response.error()).raise_repeatable();
        if (is_good(response->status) || response->status == 404)
            co_return;
        // It has changed, and may have ended, since it was looked at.
        if (response->status != 409 || tries == most_tries_to_delete)
            server_.failure_of("DELETE", path, *response).raise_repeatable();
    }
}

task<json::array> job_backend::pods_of(context& ctx, std::string name)
{
    const std::string path =
        fmt::format("/api/v1/namespaces/{}/pods?labelSelector={}%3D{}", name_space(), token_label, name);
    for (int tries = 1;; ++tries) {
        try {
            auto list = co_await server_.get(path, ctx.now_steady() + options_->request_timeout);
            co_return array_at(list, "/items");
        } catch (const failure&) {
            if (tries == most_tries_for_pods)
                throw;
        }
        co_await sleep_for(between_tries * tries);
    }
}

task<> job_backend::copy_log(context& ctx, std::string pod, std::string container, job_log& log)
{
    const std::string path =
        fmt::format("/api/v1/namespaces/{}/pods/{}/log?container={}", name_space(), pod, container);
    http_request r;
    r.url = path;
    r.deadline = ctx.now_steady() + log_time;
    r.body_sink = [&log](std::string_view piece) {
        log.add(output_stream::standard_output, piece);
        return true;
    };
    auto response = co_await exchange(ctx, std::move(r));
    if (!response)
        server_.failure_of("GET", path, response.error()).raise();
    if (!is_good(response->status))
        server_.failure_of("GET", path, *response).raise();
}

task<> job_backend::logs(context& ctx, const job_id& id, job_result& ended)
{
    const auto place = job_place::of(id.value());
    if (!place || ended.ended == job_result::state::lost)
        co_return;
    auto pods = co_await pods_of(ctx, std::string(place->name));
    const auto where = decisive_of(pods, place->uid, ended.ended == job_result::state::success);
    if (!where.pod) {
        if (ended.ended != job_result::state::cancelled)
            ctx.log("the job has no pod any more: its exit code and its log are lost");
        co_return;
    }
    tell_of_pod(ended, where);
    job_log log(ctx);
    co_await copy_log(ctx, std::string(text_at(*where.pod, "/metadata/name")), std::string(where.container), log);
    log.add_result(ended.output);
}

task<json::value> run_kubernetes_job(context& ctx)
{
    auto options = ctx.shared_by_task<job_options>([&] { return read_options(ctx.input()); });
    const auto c = co_await cluster_of(ctx);
    auto backend = std::make_unique<job_backend>(ctx, c.get(), std::move(options));
    auto output = co_await run_remote_job(ctx, std::move(backend));
    co_return output;
}

} // namespace
} // namespace potoo::kubernetes

POTOO_OPERATOR("kubernetes_job", potoo::kubernetes::run_kubernetes_job,
               {.summary = "Runs a Kubernetes Job, watches it to its end, and deletes it when the task is stopped.",
                .schema = R"({
      "type": "object", "additionalProperties": false, "required": ["image"],
      "properties": {
        "image": {"type": "string", "minLength": 1, "description": "The container's image"},
        "command": {"type": ["string", "array"], "items": {"type": "string"}, "description": "A string is run by /bin/sh -c; a list is program and arguments. Default: the image's."},
        "args": {"type": "array", "items": {"type": "string"}, "description": "Arguments behind the command, or behind the image's own"},
        "env": {"type": "object", "additionalProperties": {"type": ["string", "number", "boolean"]}, "description": "Environment variables by name, laid over the task's env"},
        "namespace": {"type": "string", "minLength": 1, "description": "Default: that of the connection, of the kubeconfig's context or of the pod that potoo runs in, else default"},
        "resources": {"type": "object", "description": "{cpu: 500m, memory: 1Gi}: what the container gets, as request and limit; or {requests: …, limits: …} as in a container"},
        "service_account": {"type": "string", "minLength": 1, "description": "The pod's service account"},
        "node_selector": {"type": "object", "additionalProperties": {"type": "string"}, "description": "Labels that the node must have"},
        "labels": {"type": "object", "additionalProperties": {"type": ["string", "number", "boolean"]}, "description": "Labels of the Job and its pods"},
        "annotations": {"type": "object", "additionalProperties": {"type": ["string", "number", "boolean"]}, "description": "Annotations of the Job and its pods"},
        "backoff_limit": {"type": "integer", "minimum": 0, "description": "How often Kubernetes itself starts another pod after one that failed. Default 0: the task's retry is potoo's."},
        "ttl": {"type": "string", "description": "How long Kubernetes keeps the Job once it has ended. Longer than an engine may be down: of a Job that is gone nobody can tell how it ended. Default 1h."},
        "active_deadline": {"type": "string", "description": "Kubernetes ends the Job after so long, also when no engine runs. Default: never."},
        "container": {"type": "object", "description": "Any field of a container, such as volumeMounts or imagePullPolicy, laid over what the rest says"},
        "pod": {"type": "object", "description": "Any field of a pod's spec, such as volumes or tolerations, laid over what the rest says. Its containers come beside ours, which is called main; one of that name is laid over it."},
        "job": {"type": "object", "description": "Any field of a Job's spec, such as completions or parallelism, laid over what the rest says"},
        "poll": {"type": "object", "additionalProperties": false, "description": "How often Jobs are asked about where they cannot be watched",
          "properties": {
            "interval": {"type": "string", "description": "Between the first two looks. Default 2s."},
            "max_interval": {"type": "string", "description": "The interval never grows beyond. Default 30s."},
            "backoff": {"type": "number", "minimum": 1, "maximum": 1000, "description": "Factor on the interval from look to look. Default 1.5."}}},
        "request_timeout": {"type": "string", "description": "For one exchange with the API. Default 30s."},
        "settle": {"type": "string", "description": "How long after a lost answer the Job may still appear: only when it is not found after that is it created again. Default 5s."},
        "cancel_grace": {"type": "string", "description": "How long a cancellation may take until it is called unconfirmed. Default 90s more than the pod's terminationGracePeriodSeconds."},
        "connection": {"type": "string", "minLength": 1, "description": "Name of the connection (type kubernetes); without it, the one called kubernetes, else KUBECONFIG, else ~/.kube/config, else the service account of the pod that potoo runs in. Its settings, all optional: url, with token or token_file or certificate_file and key_file, and ca or ca_file, server_name, insecure_skip_tls_verify; or kubeconfig and context; namespace; concurrency, per_second, poll_concurrency, polls_per_second."}
      }})",
                .example = R"(train:
  operator: kubernetes_job
  with:
    image: registry.example/train:7
    command: [train, --epochs, "5"]
    env: {DATASET: "s3://data/set-1"}
    namespace: research
    resources: {cpu: "2", memory: 4Gi}
    ttl: 1d
    pod:
      tolerations: [{key: gpu, operator: Exists}]
)"})
