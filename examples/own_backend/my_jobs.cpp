// A backend of one's own: jobs of the job service in ../job_service, whose protocol is that of many: POST a job, ask
// about it by its id, DELETE it. docs/how-to/write-a-backend.md goes through this file.

#include <potoo/backend.hpp>
#include <potoo/connection.hpp>
#include <potoo/http.hpp>
#include <potoo/http_failure.hpp>
#include <potoo/job_log.hpp>
#include <potoo/operator.hpp>
#include <potoo/process.hpp>
#include <potoo/watcher.hpp>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace json = potoo::json;
using potoo::task;

namespace {

// 1. What the service says, read so that nothing it says can hurt.

std::string text_in(const json::value& v, std::string_view name)
{
    const json::object* o = v.if_object();
    const json::value* found = o ? o->if_contains(name) : nullptr;
    return found && found->is_string() ? std::string(found->get_string()) : std::string();
}

json::value parse(const potoo::http_response& r)
{
    boost::system::error_code ec;
    json::value v = json::parse(r.body, ec);
    return ec ? json::value() : v;
}

// 2. The wait for one job: what its state means.

class job_watch final : public potoo::watch
{
  public:
    job_watch(potoo::context& ctx, potoo::watcher& w) : watch(w), context_(ctx) {}

    void prepare(const potoo::job_id& id)
    {
        id_ = &id;
        missed_ = false;
    }

    std::string_view id() const { return id_->value(); }

    potoo::job_result take_result() { return std::move(result_); }

    const potoo::poll_pace& pace() const noexcept override
    {
        static constexpr potoo::poll_pace usual{.interval = potoo::duration(500),
                                                .max_interval = potoo::duration(5'000)};
        return usual;
    }

    bool judge(const json::value& job) override
    {
        using state = potoo::job_result::state;
        const std::string now = text_in(job, "state");
        missed_ = false;
        result_ = {};
        if (now == "SUCCEEDED")
            result_.output = json::object{{"id", id()}, {"state", now}, {"exit_code", 0}};
        else if (now == "CANCELLED")
            result_.ended = state::cancelled;
        else if (now == "FAILED")
            note_failure(job);
        else
            return false; // Still under way.
        return true;
    }

    bool judge_missing() override
    {
        // Once may be a service that is behind with its bookkeeping.
        if (!std::exchange(missed_, true))
            return false;
        result_ = {};
        result_.ended = potoo::job_result::state::lost;
        return true;
    }

    void disturbed(std::string_view why) override { context_.log("cannot ask about the job: " + std::string(why)); }

  private:
    void note_failure(const json::value& job)
    {
        result_.ended = potoo::job_result::state::failed;
        const json::value* error = job.get_object().if_contains("error");
        result_.error = error ? text_in(*error, "message") : std::string();
        const json::value* code = error && error->is_object() ? error->get_object().if_contains("exit_code") : nullptr;
        if (code && code->is_int64())
            result_.code = "exit_" + std::to_string(code->get_int64()); // `retry: {on: [exit_7]}` can name it.
    }

    potoo::context& context_;
    const potoo::job_id* id_ = nullptr;
    bool missed_ = false;
    potoo::job_result result_;
};

// 3. One watcher asks about all jobs that attempts wait for, many in a request.

class job_watcher final : public potoo::watcher
{
  public:
    job_watcher(potoo::loop& l, potoo::http_client& http, std::string url, limits lim)
        : watcher(l, "my_job watcher of " + url, lim), loop_(l), http_(http), url_(std::move(url))
    {}

    ~job_watcher() override { stop(); }

  protected:
    task<> look(page p) override
    {
        json::array ids;
        for (const potoo::watch* w : p) {
            if (w) // Null: the attempt no longer waits.
                ids.emplace_back(static_cast<const job_watch*>(w)->id());
        }
        potoo::http_request asked;
        asked.method = "POST";
        asked.url = url_ + "/jobs/query";
        asked.headers.push_back({"Content-Type", "application/json"});
        asked.body = json::serialize(json::object{{"ids", std::move(ids)}});
        asked.deadline = loop_.now() + potoo::duration(10'000);
        const std::string url = asked.url;
        auto response = co_await http_.send(std::move(asked));
        if (!response)
            trouble(potoo::failure_of_exchange("POST", url, response.error(), http_.last_error_detail()));
        if (const auto pause = potoo::asked_pause(*response, loop_.wall_now()))
            throttle(loop_.now() + *pause);
        if (response->status != 200)
            trouble(potoo::failure_of_status("POST", url, *response));
        spread(p, parse(*response));
    }

  private:
    // That the service does not answer ends no job: all are asked about again.
    [[noreturn]] static void trouble(const potoo::http_failure& f) { throw potoo::failure(f.message, f.code); }

    void spread(page p, const json::value& answered)
    {
        const json::object* o = answered.if_object();
        const json::value* jobs = o ? o->if_contains("jobs") : nullptr;
        if (!jobs || !jobs->is_array())
            throw potoo::failure("the service's answer has no `jobs`", "malformed_response");
        std::map<std::string, const json::value*> by_id;
        for (const json::value& job : jobs->get_array())
            by_id.emplace(text_in(job, "id"), &job);
        for (potoo::watch* w : p) {
            if (!w)
                continue;
            const auto found = by_id.find(std::string(static_cast<job_watch*>(w)->id()));
            if (found == by_id.end())
                missing(*w);
            else
                answer(*w, *found->second);
        }
    }

    potoo::loop& loop_;
    potoo::http_client& http_;
    std::string url_;
};

// 4. The service as all attempts share it.

struct service
{
    service(potoo::context& ctx, std::string url, potoo::request_gate::limits requests, potoo::watcher::limits polls)
        : url(std::move(url)), gate(ctx.loop(), requests), asker(ctx.loop(), ctx.http(), this->url, polls)
    {}

    std::string url;
    potoo::request_gate gate;
    job_watcher asker;
};

service& service_of(potoo::context& ctx)
{
    potoo::connection_reader connection(ctx, "my_job");
    auto url = connection.text("url");
    if (const json::value* own = ctx.input().if_contains("url"))
        url = std::string(own->as_string());
    if (!url)
        throw potoo::fatal("where is the service? Give `url`, or a connection called my_job with a `url`", "no_url");
    potoo::request_gate::limits requests;
    potoo::watcher::limits polls{.page = 100, .concurrency = 4};
    connection.read_limits(requests, polls);
    connection.finish();
    return ctx.shared<service>("my_job " + *url, [&] { return std::make_unique<service>(ctx, *url, requests, polls); });
}

// 5. The backend: launch, find, wait, cancel, logs.

class my_backend final : public potoo::backend
{
  public:
    explicit my_backend(potoo::context& ctx) : service_(service_of(ctx)), watch_(ctx, service_.asker) {}

    task<potoo::job_id> submit(potoo::context& ctx, const potoo::launch_token& token) override
    {
        json::object job{{"command", ctx.input().at("command")}, {"token", token.value()}};
        const std::string url = service_.url + "/jobs";
        auto response = co_await send(ctx, "POST", url, json::serialize(job));
        if (!response)
            potoo::launch_failure_of_exchange("POST", url, response.error(), ctx.http().last_error_detail()).raise();
        if (response->status != 201 && response->status != 200)
            potoo::launch_failure_of_status("POST", url, *response).raise();
        const std::string id = text_in(parse(*response), "id");
        if (id.empty()) // There is a job now. Which, `find` says.
            throw potoo::unknown_outcome("the service accepted the job and did not give its id", "no_job_id");
        co_return potoo::job_id(id);
    }

    task<std::optional<potoo::job_id>> find(potoo::context& ctx, const potoo::launch_token& token) override
    {
        const std::string url = service_.url + "/jobs?token=" + token.value();
        auto response = co_await send(ctx, "GET", url);
        if (!response)
            potoo::failure_of_exchange("GET", url, response.error()).raise_repeatable();
        if (response->status != 200)
            potoo::failure_of_status("GET", url, *response).raise_repeatable();
        const json::value found = parse(*response);
        const json::value* jobs = found.is_object() ? found.get_object().if_contains("jobs") : nullptr;
        if (!jobs || !jobs->is_array())
            throw potoo::failure("the service's answer has no `jobs`", "malformed_response");
        if (jobs->get_array().empty())
            co_return std::nullopt;
        co_return potoo::job_id(text_in(jobs->get_array().front(), "id"));
    }

    potoo::leaf& begin_wait(potoo::context&, const potoo::job_id& id) override
    {
        watch_.prepare(id);
        return watch_;
    }

    potoo::job_result end_wait() override
    {
        watch_.await_resume(); // Throws what ended the wait instead of the job's end.
        return watch_.take_result();
    }

    task<> cancel(potoo::context& ctx, const potoo::job_id& id) override
    {
        const std::string url = service_.url + "/jobs/" + std::string(id.value());
        auto response = co_await send(ctx, "DELETE", url);
        if (!response)
            potoo::failure_of_exchange("DELETE", url, response.error()).raise_repeatable();
        // Ended before, or gone: the wait that follows finds out.
        const bool too_late = response->status == 404 || response->status == 409;
        if (response->status / 100 != 2 && !too_late)
            potoo::failure_of_status("DELETE", url, *response).raise_repeatable();
    }

    task<> logs(potoo::context& ctx, const potoo::job_id& id, potoo::job_result& ended) override
    {
        potoo::job_log log(ctx);
        potoo::http_request asked;
        asked.url = service_.url + "/jobs/" + std::string(id.value()) + "/log";
        asked.deadline = ctx.now_steady() + potoo::duration(60'000);
        asked.body_sink = [&](std::string_view piece) {
            log.add(potoo::output_stream::standard_output, piece);
            return true;
        };
        const std::string url = asked.url;
        auto response = co_await ctx.http().send(std::move(asked));
        if (!response)
            potoo::failure_of_exchange("GET", url, response.error()).raise_repeatable();
        if (response->status != 200)
            potoo::failure_of_status("GET", url, *response).raise_repeatable();
        log.add_result(ended.output); // JSON in its last line becomes `result` of the output.
    }

    bool can_find() const noexcept override { return true; }

    potoo::request_gate* gate() noexcept override { return &service_.gate; }

  private:
    task<boost::system::result<potoo::http_response>> send(potoo::context& ctx, std::string method, std::string url,
                                                           std::string body = {})
    {
        potoo::http_request asked;
        asked.method = std::move(method);
        asked.url = std::move(url);
        asked.body = std::move(body);
        if (!asked.body.empty())
            asked.headers.push_back({"Content-Type", "application/json"});
        asked.deadline = ctx.now_steady() + potoo::duration(10'000);
        auto response = co_await ctx.http().send(std::move(asked));
        // Whoever asks to be left alone is left alone, by everybody.
        const auto pause = response ? potoo::asked_pause(*response, ctx.loop().wall_now()) : std::nullopt;
        if (pause) {
            service_.gate.throttle(ctx.now_steady() + *pause);
            service_.asker.throttle(ctx.now_steady() + *pause);
        }
        co_return response;
    }

    service& service_;
    job_watch watch_;
};

// 6. The operator. It returns the driver's task and is no coroutine itself: a waiting attempt then keeps one frame
// less.

task<json::value> my_job(potoo::context& ctx)
{
    return potoo::run_remote_job(ctx, std::make_unique<my_backend>(ctx));
}

} // namespace

POTOO_OPERATOR("my_job", my_job,
               {.summary = "Runs a command on the example job service.",
                .schema = R"({
      "type": "object", "additionalProperties": false, "required": ["command"],
      "properties": {
        "command": {"type": ["string", "array"], "items": {"type": "string"}, "description": "A line for the shell, or program and arguments"},
        "url": {"type": "string", "description": "Where the service is; else the connection's"},
        "connection": {"type": "string", "description": "Name of the connection (type my_job): url, concurrency, per_second, poll_concurrency, polls_per_second"}
      }})",
                .example = "add:\n  operator: my_job\n  with: {command: 'echo $((40 + 2))'}\n"})
