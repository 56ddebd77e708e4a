#include <potoo/context.hpp>
#include <potoo/http.hpp>
#include <potoo/http_failure.hpp>
#include <potoo/http_json.hpp>
#include <potoo/json_members.hpp>
#include <potoo/operator.hpp>
#include <potoo/options.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>

namespace {

using namespace potoo;

constexpr duration usual_request_timeout{30'000};
constexpr duration usual_poll_interval{300'000};
constexpr duration first_pause{1'000};
constexpr int most_tries = 3;

/// Members of `poll` that are no part of the request.
const std::array<std::string, 5> of_response{"state", "success", "failure", "output", "error"};

struct options
{
    duration silence = duration::max(); ///< `heartbeat`
    duration request_timeout = usual_request_timeout;
    duration poll_interval = usual_poll_interval;
    bool idempotent = false;
    bool holds_slot = false;
    std::optional<value_template> start;
    std::optional<value_template> cancel;
    std::optional<value_template> poll;
};

bool flag_in(const json::object& with, std::string_view name)
{
    const json::value* v = with.if_contains(name);
    return v && v->as_bool();
}

options read_options(context& ctx)
{
    const json::object& with = ctx.input();
    options o;
    o.silence = duration_option(with, "heartbeat").value_or(duration::max());
    if (o.silence == duration::zero())
        throw fatal("`heartbeat` must be longer than nothing");
    o.request_timeout = time_option(with, "request_timeout", usual_request_timeout);
    o.poll_interval = time_option(with, "poll_interval", usual_poll_interval);
    o.idempotent = flag_in(with, "idempotent");
    o.holds_slot = flag_in(with, "holds_slot");
    o.start = ctx.late("start");
    o.cancel = ctx.late("cancel");
    o.poll = ctx.late("poll");
    return o;
}

/// @param states those that count; nothing = the `usual` one
bool is_among(const std::optional<json::value>& states, const json::value& state, std::string_view usual)
{
    if (!states)
        return state.is_string() && std::string_view(state.get_string()) == usual;
    const json::array* list = states->if_array();
    if (!list)
        throw fatal(fmt::format("`poll` names states by a list, not {}", json::serialize(*states)));
    return std::find(list->begin(), list->end(), state) != list->end();
}

bool is_good(unsigned status)
{
    return status >= 200 && status <= 299;
}

/// What was started elsewhere, and how one speaks of it. Lives as long as its last user: the clean-up comes after the
/// operator's coroutine.
class delegate
{
  public:
    delegate(context& ctx, options what, const open_callback& asked)
        : context_(ctx), what_(std::move(what)), token_(asked.token()),
          callback_(json::object{{"token", asked.token()}, {"url", asked.url()}})
    {}

    /// Sends `start` once, as far as that can be known.
    task<> start();

    /// Asks until it is over. @return {good, output | error}
    task<json::value> reconcile();

    /// @throws failure when it is not known to have been told
    task<> cancel();

    [[nodiscard]] const options& what() const noexcept { return what_; }

  private:
    [[nodiscard]] json::value render(const value_template& t, const json::value* response) const;
    [[nodiscard]] http_request request(const value_template& t, std::string_view place) const;
    [[nodiscard]] std::optional<json::value> part_of_poll(std::string_view name, const json::value& response) const;
    [[nodiscard]] bool is_watched() const;
    task<json::value> send_start(bool was_tried);
    task<json::value> try_to_start();
    task<std::optional<json::value>> look();

    context& context_;
    options what_;
    std::string token_;
    json::value callback_;
    json::value started_; ///< the response to `start`: {status, body}
};

/// @param response null = there is none yet
json::value delegate::render(const value_template& t, const json::value* response) const
{
    const auto names = context_.names();
    bindings b(&names);
    b.set("callback", callback_).set("started", started_);
    const json::value nothing;
    b.set("response", response ? *response : nothing);
    try {
        return t.render(b);
    } catch (const expression_error& e) {
        throw fatal(e.what(), "expression");
    }
}

http_request delegate::request(const value_template& t, std::string_view place) const
{
    const json::value rendered = render(t.without(of_response), nullptr);
    if (!rendered.is_object())
        throw fatal(fmt::format("`{}` must be a map", place));
    http_request r = read_http_request(rendered.get_object(), place);
    r.deadline = context_.now_steady() + what_.request_timeout;
    return r;
}

std::optional<json::value> delegate::part_of_poll(std::string_view name, const json::value& response) const
{
    const auto part = what_.poll->member(name);
    return part ? std::optional(render(*part, &response)) : std::nullopt;
}

/// Something tells when nothing comes any more.
bool delegate::is_watched() const
{
    return what_.silence != duration::max() || what_.poll || context_.deadline() != steady_time::max();
}

task<> delegate::start()
{
    const bool was_tried = context_.recorded("start_intent").has_value();
    if (!was_tried)
        co_await context_.record("start_intent", json::string(token_));
    auto work = send_start(was_tried);
    started_ = co_await context_.step("start", std::move(work));
}

task<json::value> delegate::send_start(bool was_tried)
{
    std::string why = "the engine stopped while the request was on its way";
    if (!was_tried || what_.idempotent) {
        duration pause = first_pause;
        for (int tries = 1;; ++tries, pause *= 2) {
            try {
                auto response = co_await try_to_start();
                co_return response;
            } catch (const unknown_outcome& e) {
                why = e.what();
            }
            if (!what_.idempotent || tries == most_tries)
                break;
            co_await sleep_for(pause);
        }
    }
    if (!is_watched())
        throw unknown_outcome(fmt::format("whether it was started is not known ({}), and nothing would tell if it was "
                                          "not: give the task a `timeout`, a `heartbeat` or a `poll`, or say that "
                                          "`start` is `idempotent`",
                                          why),
                              "start_unknown");
    context_.log(fmt::format("whether it was started is not known ({}); it is waited for as if it was", why));
    co_return json::value();
}

task<json::value> delegate::try_to_start()
{
    http_request asked = request(*what_.start, "start");
    const std::string method = asked.method;
    const std::string url = asked.url;
    auto response = co_await context_.http().send(std::move(asked));
    if (!response)
        launch_failure_of_exchange(method, url, response.error(), context_.http().last_error_detail()).raise();
    if (!is_good(response->status))
        launch_failure_of_status(method, url, *response).raise();
    const auto value = http_response_of_json_service(*response);
    co_return json::object{{"status", response->status}, {"body", value ? value->at("body") : json::value()}};
}

task<json::value> delegate::reconcile()
{
    std::string trouble;
    for (;;) {
        co_await sleep_for(what_.poll_interval);
        try {
            auto over = co_await look();
            if (over)
                co_return std::move(*over);
            trouble.clear();
        } catch (const failure& e) {
            // The next look may tell more; the heartbeat or the timeout ends what never does.
            if (trouble != e.what())
                context_.log(fmt::format("`poll`: {}", e.what()));
            trouble = e.what();
        }
    }
}

/// @return nothing while it goes on
task<std::optional<json::value>> delegate::look()
{
    http_request asked = request(*what_.poll, "poll");
    const std::string method = asked.method;
    const std::string url = asked.url;
    auto response = co_await context_.http().send(std::move(asked));
    if (!response)
        failure_of_exchange(method, url, response.error(), context_.http().last_error_detail()).raise_repeatable();
    if (!is_good(response->status))
        throw failure(failure_of_status(method, url, *response).message);
    const auto value = http_response_of_json_service(*response);
    if (!value)
        throw failure(fmt::format("{} {} answered what cannot be read", method, without_query(url)));
    const json::value state = part_of_poll("state", *value).value_or(json::value());
    const bool good = is_among(part_of_poll("success", *value), state, "success");
    if (!good && !is_among(part_of_poll("failure", *value), state, "failed"))
        co_return std::nullopt;
    const char* wanted = good ? "output" : "error";
    co_return json::object{{"good", good}, {wanted, part_of_poll(wanted, *value).value_or(value->at("body"))}};
}

task<> delegate::cancel()
{
    duration pause = first_pause;
    for (int tries = 1;; ++tries, pause *= 2) {
        try {
            http_request asked = request(*what_.cancel, "cancel");
            const std::string method = asked.method;
            const std::string url = asked.url;
            auto response = co_await context_.http().send(std::move(asked));
            if (!response)
                failure_of_exchange(method, url, response.error(), context_.http().last_error_detail())
                    .raise_repeatable();
            // Gone, or over, or never there.
            const bool too_late = response->status == 404 || response->status == 409 || response->status == 410;
            if (is_good(response->status) || too_late)
                co_return;
            failure_of_status(method, url, *response).raise_repeatable();
        } catch (const failure&) {
            if (tries == most_tries)
                throw;
        }
        co_await sleep_for(pause);
    }
}

task<> cancel_delegate(std::shared_ptr<delegate> d)
{
    co_await d->cancel();
}

failure failure_of(const json::value& error)
{
    std::string message = error.is_string() ? std::string(error.get_string()) : text_in(error, "message");
    if (message.empty())
        message = "`poll` found that it failed: " + json::serialize(error).substr(0, 1000);
    return failure(message, text_in(error, "code"));
}

/// Whichever tells first: the callback, or a look.
task<json::value> answer_or_find(context& ctx, open_callback asked, std::shared_ptr<delegate> d)
{
    auto looks = d->reconcile();
    auto answer = co_await any(ctx.completion(asked, d->what().silence), ctx.step("poll", std::move(looks)));
    if (answer.index() == 0)
        co_return std::get<0>(std::move(answer));
    const json::object found = std::get<1>(answer).as_object();
    if (!found.at("good").as_bool())
        throw failure_of(found.at("error"));
    co_return found.at("output");
}

task<json::value> run_callback(context& ctx)
{
    options what = read_options(ctx);
    json::value about;
    if (const json::value* message = ctx.input().if_contains("message"))
        about = json::object{{"message", *message}};
    const open_callback asked = co_await ctx.callback("callback", std::move(about));
    const auto d = std::make_shared<delegate>(ctx, std::move(what), asked);
    if (d->what().cancel)
        ctx.on_cancel(cancel_delegate(d));
    if (d->what().start)
        co_await d->start();
    else
        ctx.log("waits for its callback; `potoo approve` lists it with its URL");
    if (!d->what().holds_slot)
        ctx.release_slot();
    json::value answer;
    if (d->what().poll)
        answer = co_await answer_or_find(ctx, asked, d);
    else
        answer = co_await ctx.completion(asked, d->what().silence);
    co_return answer;
}

} // namespace

// One request, as it stands in the schema.
#define POTOO_REQUEST(about)                                                                                           \
    R"({"type": "object", "required": ["url"], "additionalProperties": false, "description": ")" about                 \
    R"(", "properties": {)" POTOO_HTTP_REQUEST_PROPERTIES "}}"

POTOO_OPERATOR("callback", run_callback,
               {.summary = "Starts something elsewhere, or nothing, and waits until its end is delivered to the "
                           "callback's URL.",
                .schema = R"({
      "type": "object", "additionalProperties": false,
      "properties": {
        "start": )" POTOO_REQUEST(
                    "The request that starts it; tell it `callback.url`. Without it the task only waits.") R"(,
        "message": {"type": "string", "description": "What is waited for, for people"},
        "heartbeat": {"type": "string", "description": "After so long without a delivery, of the state `running` at least, the task fails with the code `heartbeat_missed`. A restart of the engine begins it anew. Default: none."},
        "poll": {"type": "object", "required": ["url", "state"], "additionalProperties": false,
          "description": "A request that asks about it every `poll_interval`, for deliveries that are lost",
          "properties": {)" POTOO_HTTP_REQUEST_PROPERTIES R"(,
            "state": {"description": "From the `response`: its state"},
            "success": {"type": "array", "items": {"type": "string"}, "description": "States in which it has ended well. Default [success]."},
            "failure": {"type": "array", "items": {"type": "string"}, "description": "States in which it has failed. Default [failed]. In any other it goes on."},
            "output": {"description": "From the `response`: the task's output. Default: the response's body."},
            "error": {"description": "From the `response`: why it failed; text, or an object with `message` and perhaps `code`"}}},
        "poll_interval": {"type": "string", "description": "Between two looks by `poll`. Default 5m."},
        "cancel": )" POTOO_REQUEST("The request that stops it, sent when the task is cancelled or times out") R"(,
        "idempotent": {"type": "boolean", "description": "Sending `start` twice with the same `callback.token` starts one thing, so that it is sent again when its answer is lost. Default false."},
        "holds_slot": {"type": "boolean", "description": "While it waits it counts in its pool and in `max_active`. Default false."},
        "request_timeout": {"type": "string", "description": "For one exchange. Default 30s."}
      }})",
                .example = R"(render:
  operator: callback
  timeout: 6h
  with:
    start:
      method: POST
      url: "https://render.example/jobs"
      body: {scene: bridge, reply_to: "${{ callback.url }}"}
    heartbeat: 5m
    cancel: {method: DELETE, url: "https://render.example/jobs/${{ started.body.id }}"}
)",
                .late = "start poll cancel",
                .late_names = "callback started response"})
