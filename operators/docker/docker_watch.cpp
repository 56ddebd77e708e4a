#include "docker_watch.hpp"

#include "docker_json.hpp"

#include <potoo/concurrency.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <unordered_set>
#include <utility>

namespace potoo::docker {
namespace {

constexpr poll_pace usual_pace{
    .interval = duration{500}, .max_interval = duration{5'000}, .backoff = 1.5, .first = duration{150}};
constexpr poll_pace pace_to_the_end{
    .interval = duration{200}, .max_interval = duration{1'000}, .backoff = 1.5, .first = duration{50}};
/// Those that run, whatever else they are doing. Every engine knows these two states.
constexpr std::string_view running =
    R"(/containers/json?filters=%7B%22label%22%3A%5B%22potoo.token%22%5D%2C%22status%22%3A%5B%22running%22%2C%22paused%22%5D%7D)";

std::int64_t exit_code_of(const json::object& state)
{
    const json::value* v = state.if_contains("ExitCode");
    return v && v->is_int64() ? v->get_int64() : 0;
}

bool is_set(const json::object& o, std::string_view name)
{
    const json::value* v = o.if_contains(name);
    return v && v->is_bool() && v->get_bool();
}

json::object output_of(const json::value& container, const json::object& state)
{
    const json::object& all = container.get_object();
    const std::string name = text_in(all, "Name");
    return {{"id", text_in(all, "Id")},
            {"name", name.starts_with('/') ? name.substr(1) : name},
            {"image", text_in(object_in(container, "Config"), "Image")},
            {"state", text_in(state, "Status")},
            {"exit_code", exit_code_of(state)},
            {"started_at", text_in(state, "StartedAt")},
            {"finished_at", text_in(state, "FinishedAt")}};
}

/// Whoever answers without a state is not the engine, or not well: that says nothing of the container.
json::value inspected_in(const engine_answer& a)
{
    json::value v = a.body();
    if (text_in(object_in(v, "State"), "Status").empty())
        throw failure(fmt::format("cannot {}: the answer of {} says nothing of its state", a.purpose, a.whereby),
                      "malformed_response");
    return v;
}

job_result failed(std::string error, std::string code, bool retryable)
{
    job_result r;
    r.ended = job_result::state::failed;
    r.error = std::move(error);
    r.code = std::move(code);
    r.retryable = retryable;
    return r;
}

} // namespace

std::optional<job_result> end_of_container(const json::value& inspected, bool told_to_stop, bool stopped)
{
    const json::object& state = object_in(inspected, "State");
    const std::string status = text_in(state, "Status");
    const std::string error = text_in(state, "Error");
    const std::int64_t code = exit_code_of(state);
    job_result cancelled;
    cancelled.ended = job_result::state::cancelled;
    if (status == "created" && told_to_stop)
        return cancelled;
    if (status == "created" && !error.empty())
        return failed("the container could not be started: " + error, "cannot_start", true);
    if (status != "exited" && status != "dead")
        return std::nullopt;
    if (stopped)
        return cancelled;
    if (is_set(state, "OOMKilled") && code != 0)
        return failed("the container was killed because it needed more memory than it may have", "oom_killed", true);
    if (status == "dead")
        return failed("the container is dead: " + error, "dead", true);
    if (code != 0)
        return failed(fmt::format("the container ended with exit code {}{}{}", code, error.empty() ? "" : ": ", error),
                      fmt::format("exit_{}", code), true);
    job_result r;
    r.output = output_of(inspected, state);
    return r;
}

container_watch::container_watch(context& ctx, container_watcher& w) : watch(w), context_(ctx) {}

void container_watch::prepare(const job_id& id)
{
    id_ = &id;
    missed_ = false;
    trouble_.clear();
    result_.reset();
}

const poll_pace& container_watch::pace() const noexcept
{
    return told_to_stop_ ? pace_to_the_end : usual_pace;
}

bool container_watch::judge_goes_on() noexcept
{
    missed_ = false;
    trouble_.clear();
    return false;
}

bool container_watch::judge(const json::value& inspected)
{
    auto end = end_of_container(inspected, told_to_stop_, stopped_);
    if (!end)
        return judge_goes_on();
    terminal_ = is_set(object_in(inspected, "Config"), "Tty");
    result_ = std::make_unique<job_result>(std::move(*end));
    return true;
}

bool container_watch::judge_missing()
{
    if (!std::exchange(missed_, true))
        return false;
    result_ = std::make_unique<job_result>();
    result_->ended = job_result::state::lost;
    result_->error = fmt::format("the Docker engine does not know the container {} any more", id());
    return true;
}

void container_watch::disturbed(std::string_view why)
{
    if (why == trouble_)
        return;
    trouble_ = why;
    context_.log(fmt::format("{}; asking again", why));
}

container_watcher::container_watcher(potoo::loop& l, engine_client& e, limits lim)
    : watcher(l, "docker watcher of " + e.where().shown, lim), loop_(l), engine_(e), at_once_(lim.concurrency)
{}

task<> container_watcher::look(page p)
{
    if (p.size() == 1) {
        co_await look_singly(p.front());
        co_return;
    }
    absent rest = co_await look_together(p);
    std::vector<task<>> lanes;
    for (std::size_t n = std::min(rest.places.size(), at_once_); n > 0; --n)
        lanes.push_back(look_for(rest));
    if (!lanes.empty())
        co_await all(std::move(lanes));
}

void container_watcher::heed(const engine_answer& a)
{
    if (!a.got)
        return;
    if (const auto pause = asked_pause(*a.got, loop_.wall_now()))
        throttle(loop_.now() + *pause);
}

task<container_watcher::absent> container_watcher::look_together(page p)
{
    const auto first = std::find_if(p.begin(), p.end(), [](const watch* w) { return w != nullptr; });
    http_client& http = static_cast<container_watch*>(*first)->attempt().http();
    engine_request r{.method = "GET", .target = std::string(running), .purpose = "list the containers"};
    const auto a = co_await engine_.send(http, loop_, std::move(r));
    heed(a);
    if (a.status() != 200)
        throw failure(a.trouble().message, a.trouble().code);
    const json::value listing = a.body();
    std::unordered_set<std::string_view> running_now;
    if (const json::array* containers = listing.if_array()) {
        for (const json::value& c : *containers) {
            const json::value* id = c.is_object() ? c.get_object().if_contains("Id") : nullptr;
            if (id && id->is_string())
                running_now.insert(id->get_string());
        }
    }
    absent rest;
    for (watch* const& place : p) {
        auto* w = static_cast<container_watch*>(place);
        if (w && running_now.contains(w->id()))
            conclude(*w, [&] { return w->judge_goes_on(); });
        else if (w)
            rest.places.push_back(&place);
    }
    co_return rest;
}

task<> container_watcher::look_for(absent& a)
{
    while (a.next < a.places.size()) {
        watch* const& place = *a.places[a.next++];
        if (!place)
            continue;
        std::string trouble;
        try {
            co_await look_singly(place);
        } catch (const failure& f) {
            trouble = f.what();
        }
        if (!trouble.empty() && place)
            disturb(*place, trouble);
    }
}

/// What cannot be told of one container says nothing of the others.
void container_watcher::disturb(watch& w, std::string_view why)
{
    conclude(w, [&] {
        w.disturbed(why);
        return false;
    });
}

task<> container_watcher::look_singly(watch* const& place)
{
    const auto& w = static_cast<const container_watch&>(*place);
    engine_request r{.method = "GET",
                     .target = fmt::format("/containers/{}/json", w.id()),
                     .purpose = fmt::format("ask about the container {}", w.id())};
    const auto a = co_await engine_.send(w.attempt().http(), loop_, std::move(r));
    heed(a);
    if (a.status() == 404 && place)
        missing(*place);
    else if (a.status() == 200 && place)
        answer(*place, inspected_in(a));
    else if (a.status() != 200 && a.status() != 404)
        throw failure(a.trouble().message, a.trouble().code);
}

} // namespace potoo::docker
