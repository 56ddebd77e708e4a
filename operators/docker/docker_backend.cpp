#include "docker_backend.hpp"

#include "docker_json.hpp"
#include "docker_log.hpp"

#include <potoo/connection.hpp>

#include <fmt/format.h>

#include <chrono>
#include <cstdlib>

namespace potoo::docker {
namespace {

constexpr std::size_t containers_in_a_listing = 10'000;
constexpr std::size_t requests_at_once = 32;
constexpr std::size_t looks_at_once = 8;
constexpr duration time_for_a_log{600'000};
constexpr duration time_to_end{60'000};
/// What is known of a container's end before the container is removed.
constexpr const char* end_fact = "container_end";

std::string key_of(const engine_address& a, const request_gate::limits& r, const watcher::limits& p)
{
    const http_options& o = a.options;
    return fmt::format("docker {}\n{}\n{}\n{}\n{} {} {} {} {}", a.base, o.ca_file, o.certificate_file, o.key_file,
                       o.verify_certificate, r.concurrency, r.per_second, p.concurrency, p.per_second);
}

engine& engine_for(context& ctx)
{
    connection_reader c(ctx, "docker");
    engine_address where = read_address(c, [](const char* name) { return std::getenv(name); });
    request_gate::limits requests{.concurrency = requests_at_once};
    watcher::limits polls{.page = containers_in_a_listing, .concurrency = looks_at_once, .whole = true};
    c.read_limits(requests, polls);
    c.finish();
    const std::string key = key_of(where, requests, polls);
    return ctx.shared<engine>(key,
                              [&] { return std::make_unique<engine>(ctx.loop(), std::move(where), requests, polls); });
}

std::string_view name_of(job_result::state s)
{
    switch (s) {
    case job_result::state::success:
        return "success";
    case job_result::state::failed:
        return "failed";
    case job_result::state::cancelled:
        return "cancelled";
    case job_result::state::lost:
        return "lost";
    }
    return "?";
}

json::value as_fact(const job_result& r)
{
    return json::object{{"ended", name_of(r.ended)},
                        {"output", r.output},
                        {"error", r.error},
                        {"code", r.code},
                        {"retryable", r.retryable}};
}

job_result from_fact(const json::value& v)
{
    using state = job_result::state;
    const json::object& o = v.as_object();
    job_result r;
    for (const state s : {state::success, state::failed, state::cancelled, state::lost}) {
        if (o.at("ended") == json::string(name_of(s)))
            r.ended = s;
    }
    r.output = o.at("output");
    r.error = std::string(o.at("error").as_string());
    r.code = std::string(o.at("code").as_string());
    r.retryable = o.at("retryable").as_bool();
    return r;
}

} // namespace

container_backend::container_backend(context& ctx)
    : engine_(engine_for(ctx)),
      options_(ctx.shared_by_task<container_options>([&] { return read_options(ctx.input()); })),
      watch_(ctx, engine_.asker)
{
    if (const auto known = ctx.recorded(end_fact))
        known_end_ = from_fact(*known);
}

duration container_backend::cancel_grace() const noexcept
{
    return options_->stop_grace + time_to_end;
}

task<engine_answer> container_backend::send(context& ctx, engine_request r)
{
    auto a = co_await engine_.client.send(ctx.http(), ctx.loop(), std::move(r));
    const auto pause = a.got ? asked_pause(*a.got, ctx.loop().wall_now()) : std::nullopt;
    if (pause) {
        engine_.gate.throttle(ctx.now_steady() + *pause);
        engine_.asker.throttle(ctx.now_steady() + *pause);
    }
    co_return a;
}

task<engine_answer> container_backend::start(context& ctx, std::string id)
{
    engine_request r{.method = "POST",
                     .target = fmt::format("/containers/{}/start", id),
                     .timeout = options_->request_timeout,
                     .purpose = fmt::format("start the container {}", id)};
    return send(ctx, std::move(r));
}

task<engine_answer> container_backend::remove(context& ctx, std::string id)
{
    engine_request r{.method = "DELETE",
                     .target = fmt::format("/containers/{}?force=1&v=1", id),
                     .timeout = options_->request_timeout,
                     .purpose = fmt::format("remove the container {}", id)};
    return send(ctx, std::move(r));
}

/// What the engine could not do of what was asked, as it says when it makes the container.
void container_backend::warn(context& ctx, const json::object& made)
{
    const json::value* warnings = made.if_contains("Warnings");
    if (!warnings || !warnings->is_array())
        return;
    for (const json::value& w : warnings->get_array())
        ctx.log(fmt::format("the Docker engine warns: {}",
                            w.is_string() ? std::string(w.get_string()) : json::serialize(w)));
}

/// @return the new container's id; empty when there is one of that name
task<std::string> container_backend::create(context& ctx, const launch_token& token)
{
    engine_request r{.method = "POST",
                     .target = fmt::format("/containers/create?name={}", token.value()),
                     .body = options_->body_for(ctx, ctx.environment()),
                     .timeout = options_->request_timeout,
                     .purpose = fmt::format("create a container of {}", options_->image)};
    const auto a = co_await send(ctx, std::move(r));
    const std::string said = a.message();
    if (a.status() == 409 || (a.status() == 500 && said.find("already in use") != std::string::npos))
        co_return std::string();
    if (a.status() == 404 && (said.find("o such image") != std::string::npos)) {
        engine_.images.forget(options_->image);
        auto f = a.trouble();
        // Somebody removed it since it was looked for.
        f.kind = options_->pull == pull_policy::never ? failure_class::fatal : failure_class::retryable;
        f.code = "no_such_image";
        f.raise();
    }
    if (a.refused())
        a.trouble().raise();
    if (a.status() != 201)
        a.launch_trouble().raise();
    json::value made;
    std::string id;
    try {
        made = a.body();
        id = made.is_object() ? text_in(made.get_object(), "Id") : std::string();
    } catch (const failure&) {
        id.clear();
    }
    if (id.empty())
        throw unknown_outcome("the Docker engine made a container, and its answer does not say which", "no_job_id");
    warn(ctx, made.get_object());
    co_return id;
}

task<job_id> container_backend::submit(context& ctx, const launch_token& token)
{
    const std::string id = co_await create(ctx, token);
    if (id.empty()) {
        auto ours = co_await find(ctx, token);
        if (ours)
            co_return std::move(*ours);
        throw failure(
            fmt::format("the Docker engine says that there is a container {}, and does not find it", token.value()),
            "name_in_use");
    }
    const auto started = co_await start(ctx, id);
    if (started.status() == 204 || started.status() == 304)
        co_return job_id(id);
    if (!started.refused()) {
        auto f = started.launch_trouble();
        // The container is there, and whether it runs `find` finds out.
        f.kind = failure_class::unknown_outcome;
        f.raise();
    }
    const auto removed = co_await remove(ctx, id);
    if (removed.status() != 204 && removed.status() != 404)
        throw unknown_outcome(removed.trouble().message, "cannot_start");
    auto f = started.trouble();
    f.code = "cannot_start";
    f.raise();
}

task<std::optional<job_id>> container_backend::find(context& ctx, const launch_token& token)
{
    engine_request r{.method = "GET",
                     .target = fmt::format("/containers/{}/json", token.value()),
                     .timeout = options_->request_timeout,
                     .purpose = fmt::format("look for the container {}", token.value())};
    const auto a = co_await send(ctx, std::move(r));
    if (a.status() == 404)
        co_return std::nullopt;
    if (a.status() != 200)
        a.trouble().raise_repeatable();
    const json::value found = a.body();
    const std::string id = found.is_object() ? text_in(found.get_object(), "Id") : std::string();
    const json::value* labels = object_in(found, "Config").if_contains("Labels");
    const json::object* known = labels ? labels->if_object() : nullptr;
    if (!known || text_in(*known, token_label) != token.value())
        throw fatal(fmt::format("the container {} is not this task's: it has no label {} with its name", token.value(),
                                token_label),
                    "name_in_use");
    const json::object& state = object_in(found, "State");
    const bool begun = text_in(state, "Status") != "created" || !text_in(state, "Error").empty();
    if (begun || ctx.stop_requested() != cancel_reason::none)
        co_return job_id(id);
    const auto started = co_await start(ctx, id);
    if (started.status() == 204 || started.status() == 304)
        co_return job_id(id);
    if (!started.refused())
        started.trouble().raise_repeatable();
    // Whoever submits it again is told why.
    const auto removed = co_await remove(ctx, id);
    if (removed.status() != 204 && removed.status() != 404)
        removed.trouble().raise_repeatable();
    co_return std::nullopt;
}

leaf& container_backend::begin_wait(context&, const job_id& id)
{
    watch_.prepare(id);
    if (known_end_)
        return over_;
    return watch_;
}

job_result container_backend::end_wait()
{
    if (known_end_)
        return *known_end_;
    watch_.await_resume();
    return watch_.take_result();
}

task<> container_backend::cancel(context& ctx, const job_id& id)
{
    watch_.expect_end();
    if (known_end_)
        co_return;
    const auto seconds = std::chrono::ceil<std::chrono::seconds>(options_->stop_grace);
    engine_request r{.method = "POST",
                     .target = fmt::format("/containers/{}/stop?t={}", id.value(), seconds.count()),
                     .timeout = options_->request_timeout + seconds,
                     .purpose = fmt::format("stop the container {}", id.value())};
    const auto a = co_await send(ctx, std::move(r));
    if (a.status() == 204) {
        watch_.note_stopped();
        co_return;
    }
    // It has ended, has not begun, or is gone: the wait that follows finds out.
    const bool too_late = a.status() == 304 || a.status() == 404 || a.status() == 409;
    if (!too_late)
        a.trouble().raise_repeatable();
}

task<> container_backend::copy_log(context& ctx, std::string id, job_log& log)
{
    log_frames frames(watch_.has_terminal(),
                      [&](output_stream stream, std::string_view piece) { log.add(stream, piece); });
    bool broken = false;
    engine_request r{.method = "GET",
                     .target = fmt::format("/containers/{}/logs?stdout=1&stderr=1", id),
                     .timeout = time_for_a_log,
                     .sink =
                         [&](std::string_view piece) {
                             broken = !frames.put(piece);
                             return !broken;
                         },
                     .purpose = fmt::format("read the log of the container {}", id)};
    const auto a = co_await send(ctx, std::move(r));
    if (broken)
        throw failure("the Docker engine's answer is no log: its frames are not what they should be",
                      "malformed_response");
    // Some log drivers keep nothing that could be read.
    const std::string said = a.message();
    if (a.status() == 501 || said.find("does not support reading") != std::string::npos)
        ctx.log(fmt::format("the log of the container stays where its log driver put it: {}", said));
    else if (a.status() != 200)
        a.trouble().raise_repeatable();
}

/// A container that stays is in nobody's way: that is no failure of the task.
task<> container_backend::clear_away(context& ctx, std::string id)
{
    const auto a = co_await remove(ctx, id);
    // 409: somebody is removing it.
    if (a.status() != 204 && a.status() != 404 && a.status() != 409)
        ctx.log(a.trouble().message);
}

task<> container_backend::logs(context& ctx, const job_id& id, job_result& ended)
{
    const std::string container(id.value());
    if (ended.ended == job_result::state::lost)
        co_return;
    if (!known_end_) {
        job_log log(ctx);
        co_await copy_log(ctx, container, log);
        log.add_result(ended.output);
    }
    if (!options_->remove)
        co_return;
    // With the container its end goes: a replay has only this. One that was told to stop needs none.
    if (!known_end_ && !watch_.told_to_stop())
        co_await ctx.record(end_fact, as_fact(ended));
    co_await clear_away(ctx, container);
}

} // namespace potoo::docker
