#include "http_job_watch.hpp"

#include <potoo/http_failure.hpp>
#include <potoo/http_json.hpp>

#include <boost/json/monotonic_resource.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>
#include <utility>

namespace potoo::http_job {
namespace {

constexpr std::size_t single_calls = 64;
constexpr std::size_t batch_calls = 8;
constexpr std::size_t deepest = 100;
constexpr duration usual_pause{1'000};
constexpr duration longest_pause{3'600'000};

bool is_gone(const http_response& r)
{
    return r.status == 404 || r.status == 410;
}

bool is_good(const http_response& r)
{
    return r.status >= 200 && r.status <= 299;
}

/// A request that only asks may be repeated, whatever its method: so its failures are those of a GET.
constexpr const char* asking = "GET";

[[noreturn]] void raise_malformed(const std::string& url)
{
    failure_of_exchange(asking, url, http_error::malformed).raise();
}

job_watch* first_present(std::span<watch* const> p)
{
    const auto found = std::find_if(p.begin(), p.end(), [](const watch* w) { return w != nullptr; });
    return found == p.end() ? nullptr : static_cast<job_watch*>(*found);
}

} // namespace

std::optional<duration> asked_pause(const http_response& r, wall_time now)
{
    if (r.status != 429 && r.status != 503)
        return std::nullopt;
    const auto named = r.retry_after(now);
    if (!named)
        return r.status == 429 ? std::optional(usual_pause) : std::nullopt;
    return std::clamp(*named, duration::zero(), longest_pause);
}

job_watch::job_watch(watcher& w, context& ctx, const description& d, const job_id& id, poll_pace pace)
    : watch(w, pace), context_(ctx), description_(d), id_(json::string(id.value())),
      needs_response_(d.state.mentions("response") || (d.output && d.output->mentions("response")) ||
                      (d.error && d.error->mentions("response")))
{
    if (!d.status)
        return;
    const auto names = ctx.names();
    bindings b(&names);
    b.set("id", id_);
    status_ = d.request(*d.status, b);
}

bool job_watch::judge(const json::value& job)
{
    missed_ = false;
    last_trouble_.clear();
    const auto names = context_.names();
    bindings b(&names);
    b.set("id", id_).set("job", job);
    if (response_)
        b.set("response", *response_);
    const auto state = description_.end_state(b);
    if (!state)
        return false;
    // The answer's memory goes with the answer.
    const json::value kept(job, json::storage_ptr());
    b.set("job", kept);
    result_ = description_.result(*state, b, kept);
    return true;
}

bool job_watch::judge_missing()
{
    if (!std::exchange(missed_, true))
        return false;
    result_.emplace();
    result_->ended = job_result::state::lost;
    result_->error = fmt::format("the service does not know the job {} any more", std::string_view(id_.get_string()));
    return true;
}

void job_watch::disturbed(std::string_view why)
{
    if (why == last_trouble_)
        return;
    last_trouble_ = why;
    context_.log(fmt::format("cannot ask about the job {}: {}; asking again", std::string_view(id_.get_string()), why));
}

status_watcher::status_watcher(potoo::loop& l, const std::string& name)
    : status_watcher(l, name, {.page = 1, .concurrency = single_calls})
{}

status_watcher::status_watcher(potoo::loop& l, const std::string& name, limits lim) : watcher(l, name, lim) {}

void status_watcher::check(potoo::loop& l, const std::string& url, const http_response& r)
{
    if (const auto pause = asked_pause(r, l.wall_now()))
        throttle(l.now() + *pause);
    if (!is_good(r))
        failure_of_status(asking, url, r).raise();
}

task<> status_watcher::look(page p)
{
    co_await look_singly(p.front());
}

task<> status_watcher::look_singly(watch* const& place)
{
    if (!place)
        co_return;
    auto* w = static_cast<job_watch*>(place);
    potoo::loop& l = w->context_.loop();
    http_request request = *w->status_;
    const std::string url = request.url;
    request.deadline = l.now() + w->description_.request_timeout;
    http_client& client = w->context_.http();
    auto response = co_await client.send(std::move(request));
    if (!response)
        failure_of_exchange(asking, url, response.error(), client.last_error_detail()).raise();
    if (!is_gone(*response))
        check(l, url, *response);
    if (!place)
        co_return;
    if (is_gone(*response))
        missing(*place);
    else
        judge_status(static_cast<job_watch&>(*place), url, *response);
}

void status_watcher::judge_status(job_watch& w, const std::string& url, const http_response& r)
{
    if (w.needs_response_) {
        const auto response = http_response_of_json_service(r);
        const json::value* job = response ? response->as_object().if_contains("body") : nullptr;
        if (!job || job->is_string())
            raise_malformed(url);
        w.response_ = &*response;
        answer(w, *job);
        w.response_ = nullptr;
        return;
    }
    unsigned char room[2048];
    json::monotonic_resource memory(room, sizeof room);
    json::parse_options options;
    options.max_depth = deepest;
    boost::system::error_code ec;
    const json::value job = json::parse(r.body, ec, &memory, options);
    if (ec)
        raise_malformed(url);
    answer(w, job);
}

batch_watcher::batch_watcher(potoo::loop& l, const std::string& name, batch_description b)
    : status_watcher(l, name, {.page = b.limit, .concurrency = batch_calls}), batch_(std::move(b))
{}

task<> batch_watcher::look(page p)
{
    job_watch* first = first_present(p);
    if (!first)
        co_return;
    potoo::loop& l = first->context_.loop();
    std::vector<std::string> ids(p.size());
    json::array listed;
    for (std::size_t i = 0; i < p.size(); ++i) {
        if (!p[i])
            continue;
        const json::value& id = static_cast<job_watch*>(p[i])->id_;
        ids[i] = std::string_view(id.get_string());
        listed.push_back(id);
    }
    const json::value ids_value = std::move(listed);
    const auto names = first->context_.names();
    bindings b(&names);
    b.set("ids", ids_value);
    http_request request = first->description_.request(batch_.request, b);
    request.deadline = l.now() + first->description_.request_timeout;
    const std::string url = request.url;
    http_client& client = first->context_.http();
    auto response = co_await client.send(std::move(request));
    if (!response)
        failure_of_exchange(asking, url, response.error(), client.last_error_detail()).raise();
    check(l, url, *response);
    const std::vector<bool> shown = spread_answer(p, ids, url, *response);
    std::vector<task<>> absent;
    for (std::size_t i = 0; i < shown.size(); ++i) {
        if (p[i] && !shown[i])
            absent.push_back(look_for_absent(p[i]));
    }
    if (!absent.empty())
        co_await all(std::move(absent));
}

task<> batch_watcher::look_for_absent(watch* const& place)
{
    if (!place)
        co_return;
    auto& w = static_cast<job_watch&>(*place);
    if (!w.status_) {
        missing(w);
        co_return;
    }
    // Not in the listing and not to be had singly: that is twice.
    w.missed_ = true;
    co_await look_singly(place);
}

std::vector<bool> batch_watcher::spread_answer(page p, const std::vector<std::string>& ids, const std::string& url,
                                               const http_response& r)
{
    std::vector<bool> shown(p.size(), false);
    const job_watch* first = first_present(p);
    if (!first)
        return shown;
    const auto response = http_response_of_json_service(r);
    if (!response)
        raise_malformed(url);
    const auto names = first->context_.names();
    bindings b(&names);
    b.set("response", *response);
    json::value room;
    const auto* items = batch_.items.view(b, room).if_array();
    if (!items)
        throw failure(fmt::format("`batch.items` ({}) yields no array", batch_.items.source()), "malformed_response");
    // Two attempts may watch the same job.
    std::unordered_multimap<std::string_view, std::size_t> positions;
    for (std::size_t i = 0; i < ids.size(); ++i)
        positions.emplace(ids[i], i);
    for (const json::value& item : *items) {
        // Every answer may end attempts' waits, but none is destroyed before this returns.
        bindings of_item(&b);
        of_item.set("job", item);
        json::value id_room;
        const auto id = id_text(batch_.id.view(of_item, id_room), batch_.id.name());
        const auto [begin, end] = positions.equal_range(id ? std::string_view(*id) : std::string_view());
        for (auto at = begin; at != end; ++at) {
            if (!p[at->second])
                continue;
            shown[at->second] = true;
            auto& w = static_cast<job_watch&>(*p[at->second]);
            w.response_ = &*response;
            answer(w, item);
        }
    }
    for (watch* w : p) {
        if (w)
            static_cast<job_watch*>(w)->response_ = nullptr;
    }
    return shown;
}

watcher& watcher_for(context& ctx, const description& d)
{
    potoo::loop& l = ctx.loop();
    if (!d.batch) {
        const json::value id = "id";
        const auto names = ctx.names();
        bindings b(&names);
        b.set("id", id);
        const std::string origin = origin_of(d.request(*d.status, b).url);
        return ctx.shared<status_watcher>(
            "http_job " + origin, [&] { return std::make_unique<status_watcher>(l, "http_job watcher of " + origin); });
    }
    // Tasks are asked about together if they would ask the same of any jobs.
    const json::value ids = json::array{"id", "another"};
    const auto names = ctx.names();
    bindings b(&names);
    b.set("ids", ids);
    const http_request sample = d.request(d.batch->request, b);
    const std::string origin = origin_of(sample.url);
    std::string key =
        fmt::format("http_job {}\n{}\n{}\n{}\n{}\n{}\n{}", sample.method, sample.url, sample.body,
                    d.batch->request.source(), d.batch->items.source(), d.batch->id.source(), d.batch->limit);
    for (const auto& h : sample.headers)
        key += fmt::format("\n{}: {}", h.name, h.value);
    return ctx.shared<batch_watcher>(
        key, [&] { return std::make_unique<batch_watcher>(l, "http_job watcher of " + origin, *d.batch); });
}

} // namespace potoo::http_job
