#include "job_files.hpp"
#include "listing.hpp"
#include "submission.hpp"

#include <potoo/backend.hpp>
#include <potoo/http_failure.hpp>
#include <potoo/job_log.hpp>
#include <potoo/operator.hpp>
#include <potoo/options.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace potoo::slurm {
namespace {

manners read_manners(context& ctx)
{
    const json::object& with = ctx.input();
    manners m;
    m.pace = poll_option(with);
    constexpr duration soon{1'000};
    m.pace_to_the_end = m.pace;
    m.pace_to_the_end.interval = std::min(m.pace.interval, soon);
    m.pace_to_the_end.max_interval = m.pace_to_the_end.interval;
    m.request_timeout = time_option(with, "request_timeout", m.request_timeout);
    m.settle = duration_option(with, "settle").value_or(m.settle);
    m.cancel_grace = time_option(with, "cancel_grace", m.cancel_grace);
    if (const json::value* logs = with.if_contains("logs"))
        m.logs = logs->as_bool();
    if (const json::value* array = with.if_contains("array"))
        m.array = array->as_bool();
    return m;
}

cluster& cluster_for(context& ctx)
{
    settings s = settings::read(ctx);
    const std::string key = s.key();
    return ctx.shared<cluster>(key, [&] { return std::make_unique<cluster>(ctx.loop(), std::move(s)); });
}

outside outside_of(context& ctx)
{
    return {ctx.loop(), ctx.http(), ctx.processes()};
}

/// What Slurm refuses for the moment: no more jobs (EAGAIN), being busy, or a controller in standby.
bool is_passing(std::int64_t number)
{
    constexpr std::array<std::int64_t, 5> passing{11, 2007, 2016, 2027, 2050};
    return std::find(passing.begin(), passing.end(), number) != passing.end();
}

/// Errors that say that the controller has looked at the job, and did not take it.
bool is_refusal(std::int64_t number)
{
    return (number >= 2000 && number < 3000) || (number >= 9000 && number < 10'000);
}

/// A job that Slurm took, even if it has something to say against it, has an id.
std::optional<std::uint64_t> accepted_job(const http_response& r)
{
    boost::system::error_code ec;
    const json::value v = json::parse(r.body, ec);
    const json::object* o = ec ? nullptr : v.if_object();
    const json::value* id = o ? o->if_contains("job_id") : nullptr;
    if (!id || !id->is_number())
        return std::nullopt;
    const auto n = id->to_number<std::int64_t>(ec);
    return ec || n <= 0 ? std::nullopt : std::optional(static_cast<std::uint64_t>(n));
}

[[noreturn]] void raise_submission(rest_service& s, const reply& r)
{
    const auto errors = errors_of(r.response);
    const auto number = number_of(errors);
    if (!number)
        launch_failure_of_status(r.method, r.url, r.response).raise();
    const std::string text = fmt::format("Slurm does not take the job: {} (its error {})", text_of(errors), *number);
    const std::string code = fmt::format("slurm_{}", *number);
    if (is_passing(*number))
        throw failure(text, code);
    if (*number == error_number::access_denied)
        throw fatal(fmt::format("{}; the user is {}", text, s.what().user), "forbidden");
    if (is_refusal(*number) || r.response.status == 400)
        throw fatal(text, code);
    throw unknown_outcome(s.trouble(r), code);
}

/// @param in_doubt the job may have been accepted, also when there is no token any more to ask with
task<rest_service::verdict> examine_submission(outside o, rest_service& s, const reply& r, bool in_doubt,
                                               duration timeout)
{
    try {
        const auto verdict = co_await s.examine(o, r, timeout);
        co_return verdict;
    } catch (const task_error& e) {
        if (!in_doubt)
            throw;
        throw unknown_outcome(fmt::format("{} {} brought no answer, and by now {}", r.method, r.url, e.what()),
                              e.code());
    }
}

task<std::uint64_t> post_job(outside o, rest_service& s, json::object submission, duration timeout)
{
    http_request asked;
    asked.method = "POST";
    asked.url = "/job/submit";
    asked.headers.push_back({"Content-Type", "application/json"});
    asked.body = json::serialize(submission);
    const wall_time sent = o.loop.wall_now();
    const auto r = co_await s.send(o, std::move(asked), timeout);
    if (r.error)
        launch_failure_of_exchange(r.method, r.url, r.error, r.detail).raise();
    if (const auto id = accepted_job(r.response))
        co_return *id;
    if (r.response.status == 200 && errors_of(r.response).empty())
        throw unknown_outcome(fmt::format("{} {} was answered without the job's id", r.method, r.url), "no_job_id");
    // slurmrestd answers the same to a refused token and to a connection to the controller that broke off.
    const bool in_doubt = r.response.status != 401 && s.token().may_have_been_good(r.token, sent, o.loop.wall_now());
    const auto verdict = co_await examine_submission(o, s, r, in_doubt, timeout);
    if (verdict == rest_service::verdict::refused && in_doubt)
        throw unknown_outcome(fmt::format("{} {} brought no answer, and by now {}", r.method, r.url, s.refusal(o)),
                              "unauthorized");
    if (verdict == rest_service::verdict::refused)
        throw fatal(s.refusal(o), "unauthorized");
    if (verdict == rest_service::verdict::forbidden)
        throw fatal(fmt::format("the user {} is not let in: {}", s.what().user, s.trouble(r)), "forbidden");
    if (verdict == rest_service::verdict::renewed)
        throw unknown_outcome(
            fmt::format("Slurm refused the token, which has been read again from {}", s.token().source().description()),
            "token_renewed");
    raise_submission(s, r);
}

void check_item(item_index item, const settings& s)
{
    if (item.value() < s.max_array)
        return;
    throw fatal(fmt::format("item {} is too far for an array job: Slurm takes elements up to {} (its MaxArraySize less "
                            "one). If the cluster's is larger (`scontrol show config`), say so as the connection's "
                            "`max_array`; else do without `array`",
                            item.value(), s.max_array - 1),
                "array_too_large");
}

task<std::vector<job_id>> post_array(context& ctx, rest_service& s, std::vector<item_index> items, duration timeout)
{
    const outside o = outside_of(ctx);
    json::object submission = submission_of(ctx, s.what().api_version, ctx.group_token().value(), array_text(items));
    const auto mine = co_await s.gate.enter(request_gate::urgency::normal);
    const auto id = co_await post_job(o, s, std::move(submission), timeout);
    std::vector<job_id> ids;
    ids.reserve(items.size());
    for (const item_index i : items)
        ids.emplace_back(to_text({id, i.value()}));
    co_return ids;
}

/// Slurm as a backend.
class slurm_backend final : public backend
{
  public:
    explicit slurm_backend(context& ctx)
        : cluster_(cluster_for(ctx)),
          watch_(ctx, cluster_.listing, ctx.shared_by_task<manners>([&] { return read_manners(ctx); }))
    {
        conceal_token(ctx);
    }

    task<job_id> submit(context& ctx, const launch_token& token) override;
    task<std::optional<job_id>> find(context& ctx, const launch_token& token) override;
    leaf& begin_wait(context& ctx, const job_id& id) override;
    job_result end_wait() override;
    task<> cancel(context& ctx, const job_id& id) override;
    task<> logs(context& ctx, const job_id& id, job_result& ended) override;

    [[nodiscard]] bool can_find() const noexcept override { return true; }

    [[nodiscard]] request_gate* gate() noexcept override { return &cluster_.slurm.gate; }

    [[nodiscard]] bool launches_together() const noexcept override { return how().array; }

    [[nodiscard]] duration settle_time() const noexcept override { return how().settle; }

    [[nodiscard]] duration cancel_grace() const noexcept override { return how().cancel_grace; }

  private:
    [[nodiscard]] const manners& how() const noexcept { return watch_.how(); }

    void conceal_token(context& ctx)
    {
        if (concealed_ == cluster_.slurm.token().generation())
            return;
        concealed_ = cluster_.slurm.token().generation();
        ctx.conceal(cluster_.slurm.token().latest());
    }

    cluster& cluster_;
    job_watch watch_;
    unsigned concealed_ = 0;
};

task<job_id> slurm_backend::submit(context& ctx, const launch_token& token)
{
    // Alone: the other items of its array go on.
    if (how().array)
        check_item(ctx.item(), cluster_.slurm.what());
    // So that it is masked in whatever is said from now on.
    const auto bearer = co_await cluster_.slurm.token().current(outside_of(ctx));
    conceal_token(ctx);
    if (how().array) {
        rest_service& s = cluster_.slurm;
        const duration timeout = how().request_timeout;
        const auto post = [&s, timeout](context& c, std::vector<item_index> items) {
            return post_array(c, s, std::move(items), timeout);
        };
        auto id = co_await s.arrays.launch(ctx, post);
        co_return id;
    }
    json::object submission = submission_of(ctx, cluster_.slurm.what().api_version, token.value(), {});
    const auto id = co_await post_job(outside_of(ctx), cluster_.slurm, std::move(submission), how().request_timeout);
    conceal_token(ctx);
    co_return job_id(to_text({id, no_element}));
}

task<std::optional<job_id>> slurm_backend::find(context& ctx, const launch_token& token)
{
    const bool array = how().array;
    auto found = co_await cluster_.listing.find(outside_of(ctx), array ? ctx.group_token().value() : token.value(),
                                                array ? ctx.item().value() : no_element, how().request_timeout);
    conceal_token(ctx);
    co_return found;
}

leaf& slurm_backend::begin_wait(context& ctx, const job_id& id)
{
    conceal_token(ctx);
    watch_.prepare(id);
    return watch_;
}

job_result slurm_backend::end_wait()
{
    watch_.await_resume();
    return watch_.take_result();
}

task<> slurm_backend::cancel(context& ctx, const job_id& id)
{
    const outside o = outside_of(ctx);
    const auto key = parse_job_key(id.value());
    if (!key)
        throw fatal(fmt::format("the journal's job id {} is none of Slurm's", id.value()), "bad_job_id");
    std::string comment = (how().array ? ctx.group_token() : ctx.token()).value();
    const bool own = co_await cluster_.listing.is_job_of(o, key->job, std::move(comment), how().request_timeout);
    conceal_token(ctx);
    // Gone, or its id has been given to another, which must not be cancelled: the wait that follows finds out.
    if (!own) {
        watch_.expect_end();
        co_return;
    }
    http_request asked;
    asked.method = "DELETE";
    asked.url = fmt::format("/job/{}", id.value());
    const auto r = co_await cluster_.slurm.send(o, std::move(asked), how().request_timeout);
    conceal_token(ctx);
    const auto errors = errors_of(r.response);
    const auto number = number_of(errors);
    // Gone, or ended: likewise.
    const bool too_late = number == error_number::no_such_job || number == error_number::already_done;
    if ((r.good() && errors.empty()) || (!r.error && too_late)) {
        watch_.expect_end();
        co_return;
    }
    const auto verdict = co_await cluster_.slurm.examine(o, r, how().request_timeout);
    cluster_.slurm.raise_repeatable(o, r, verdict);
}

task<> slurm_backend::logs(context& ctx, const job_id& id, job_result& ended)
{
    if (!how().logs)
        co_return;
    const listed_job* j = watch_.ended_as();
    if (!j) {
        if (ended.ended != job_result::state::cancelled)
            ctx.log(fmt::format("where the job {} wrote its output is not known any more", id.value()));
        co_return;
    }
    const std::string output = output_path(*j);
    const std::string error = error_path(*j);
    // One that never began has no file.
    if (j->batch_host.empty() && j->nodes.empty())
        co_return;
    job_log log(ctx);
    co_await read_job_file(ctx, log, output_stream::standard_output, output);
    if (!error.empty())
        co_await read_job_file(ctx, log, output_stream::standard_error, error);
    if (ended.ended == job_result::state::success)
        log.add_result(ended.output);
}

task<json::value> run_slurm(context& ctx)
{
    return run_remote_job(ctx, std::make_unique<slurm_backend>(ctx));
}

} // namespace
} // namespace potoo::slurm

POTOO_OPERATOR(
    "slurm", potoo::slurm::run_slurm,
    {.summary = "Runs a job on a Slurm cluster through slurmrestd, watches it to its end, and cancels it when "
                "the task is stopped.",
     .schema = R"({
      "type": "object", "additionalProperties": false,
      "oneOf": [{"required": ["script"]}, {"required": ["command"]}],
      "properties": {
        "script": {"type": "string", "minLength": 1, "description": "The batch script; run by /bin/sh unless it begins with #!. Lines with #SBATCH have no effect: slurmrestd does not read them."},
        "command": {"type": ["string", "array"], "minLength": 1, "minItems": 1, "items": {"type": ["string", "number", "boolean"]}, "description": "Instead of a script: a command line for /bin/sh, or a list of a program and its arguments, each taken as it is"},
        "partition": {"type": "string", "minLength": 1, "description": "Default: the cluster's"},
        "cpus": {"type": "integer", "minimum": 1, "description": "CPUs of the job's task"},
        "memory": {"type": ["string", "number"], "description": "Of each node: 512M, 2G, or a number of megabytes"},
        "time_limit": {"type": ["string", "number"], "description": "How long the job may run: 90m, 1h30m, as Slurm spells it (1-12:00:00), or a number of minutes. Slurm counts in minutes."},
        "env": {"type": "object", "additionalProperties": {"type": ["string", "number", "boolean"]}, "description": "Environment variables of the job, over the task's own `env`. PATH is /usr/local/bin:/usr/bin:/bin unless it is set."},
        "account": {"type": "string", "minLength": 1, "description": "The account that the job is charged to"},
        "qos": {"type": "string", "minLength": 1, "description": "Quality of service"},
        "working_directory": {"type": "string", "minLength": 1, "description": "Where the job runs. Default: the engine's current directory, as with sbatch."},
        "output": {"type": "string", "minLength": 1, "description": "The file for what the job writes, with Slurm's %j, %x, %A, %a; not absolute: in the working directory. Default slurm-%j.out, of an array slurm-%A_%a.out."},
        "options": {"type": "object", "description": "Any further field of slurmrestd's job description, such as {tasks: 4, constraint: gpu, standard_error: err-%j}; goes over the above"},
        "logs": {"type": "boolean", "description": "The output file is read, once the job has ended, into the task's log; JSON as its last line is the job's `result`. Needs a file system that the engine's machine shares. Default true."},
        "array": {"type": "boolean", "description": "Launches the items of a `foreach` as one array job. They must not differ but by SLURM_ARRAY_TASK_ID, which is the item's index. Default false."},
        "poll": {"type": "object", "additionalProperties": false, "description": "How often the list of jobs is asked for, for all that wait together",
          "properties": {
            "interval": {"type": "string", "description": "At first. Default 2s."},
            "max_interval": {"type": "string", "description": "The interval never grows beyond. Default 30s."},
            "backoff": {"type": "number", "minimum": 1, "maximum": 1000, "description": "Factor on the interval from look to look. Default 1.5."}}},
        "request_timeout": {"type": "string", "description": "For one exchange with slurmrestd, which itself tries for some ten seconds to reach a controller that is down. Default 1m."},
        "settle": {"type": "string", "description": "How long after a lost answer to a submission the job may still appear: only when it is not found after that is it submitted again. Default 20s."},
        "cancel_grace": {"type": "string", "description": "How long a cancellation may take. A job whose end was not confirmed by then is marked `remote: unconfirmed`, and cancelled again by the next start of an engine. Default 1m."},
        "connection": {"type": "string", "minLength": 1, "description": "Name of the connection (type slurm); without it, the one called slurm, if there is one. Its settings: url of slurmrestd (else SLURM_RESTD_URL or SLURMRESTD); user (else USER or LOGNAME); token, token_file or token_command (else SLURM_JWT); api_version, default v0.0.38; max_array, the cluster's MaxArraySize, default 1001; ca_file, certificate_file, key_file, verify_certificate; concurrency (default 16) and per_second of submissions, searches and cancellations; polls_per_second."}
      }})",
     .example = R"(align:
  operator: slurm
  with:
    command: [align, --threads, "8", /data/reads.fq]
    partition: main
    cpus: 8
    memory: 16G
    time_limit: 4h
    working_directory: /data/runs
)"})
