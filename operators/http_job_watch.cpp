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

constexpr std::size_t most_rooms = 64;
constexpr std::size_t largest_room = std::size_t{64} * 1024;
/// Stands for the ids in a body that is prepared for all pages.
constexpr std::string_view ids_blank = "potooJobIdsStandHereB4D05A77";

bool is_gone(const http_response& r)
{
    return r.status == 404 || r.status == 410;
}

[[noreturn]] void raise_trouble(const http_request& asked, boost::system::error_code ec, std::string_view detail = {})
{
    failure_of_exchange(asked.method, asked.url, ec, detail).raise_repeatable();
}

job_watch* first_present(std::span<watch* const> p)
{
    const auto found = std::find_if(p.begin(), p.end(), [](const watch* w) { return w != nullptr; });
    return found == p.end() ? nullptr : static_cast<job_watch*>(*found);
}

/// As JSON writes it.
void append_quoted(std::string& out, std::string_view id)
{
    const bool plain = std::all_of(id.begin(), id.end(),
                                   [](unsigned char c) { return c > 0x20 && c < 0x7f && c != '"' && c != '\\'; });
    if (plain)
        out.append(1, '"').append(id).append(1, '"');
    else
        out.append(json::serialize(json::value(json::string(id))));
}

/// The state of each job, or an empty one. @return false when the list shows a job twice
bool put_in_place(const std::vector<job_id>& ids, const std::vector<scanned_job>& jobs,
                  std::vector<std::string_view>& states)
{
    // Services mostly answer in the order asked, and show all.
    const auto same = [](const job_id& id, const scanned_job& j) { return id.value() == j.id; };
    if (std::equal(ids.begin(), ids.end(), jobs.begin(), jobs.end(), same)) {
        std::transform(jobs.begin(), jobs.end(), states.begin(), [](const scanned_job& j) { return j.state; });
        return true;
    }
    std::unordered_map<std::string_view, std::string_view> by_id;
    by_id.reserve(jobs.size());
    for (const scanned_job& j : jobs) {
        if (!by_id.emplace(j.id, j.state).second)
            return false;
    }
    for (std::size_t i = 0; i < ids.size(); ++i) {
        if (const auto found = by_id.find(ids[i].value()); found != by_id.end())
            states[i] = found->second;
    }
    return true;
}

} // namespace

job_watch::job_watch(context& ctx, std::shared_ptr<const endpoint> e)
    : watch(e->asker), context_(ctx), endpoint_(std::move(e))
{}

job_watch::notes& job_watch::remarks()
{
    if (!notes_)
        notes_ = std::make_unique<notes>();
    return *notes_;
}

void job_watch::prepare(const job_id& id)
{
    id_ = &id;
    if (!notes_)
        return;
    notes_->missed = false;
    notes_->trouble.clear();
    notes_->result.reset();
}

job_result job_watch::take_result()
{
    return std::move(*notes_->result);
}

http_request job_watch::status_request() const
{
    http_request r = endpoint_->request_about(context_, *endpoint_->what->status, id());
    r.deadline = context_.loop().now() + endpoint_->what->request_timeout;
    return r;
}

const poll_pace& job_watch::pace() const noexcept
{
    return notes_ && notes_->told_to_stop ? endpoint_->what->pace_to_the_end : endpoint_->what->pace;
}

bool job_watch::judge_goes_on()
{
    if (notes_) {
        notes_->missed = false;
        notes_->trouble.clear();
    }
    return false;
}

bool job_watch::judge(const json::value& job)
{
    (void)judge_goes_on();
    const json::value text = json::string(id());
    const auto names = context_.names();
    bindings b(&names);
    b.set("id", text).set("job", job);
    if (const json::value* response = endpoint_->asker.judged_response())
        b.set("response", *response);
    const auto state = endpoint_->what->end_state(b);
    if (!state)
        return false;
    // The answer's memory goes with the answer.
    const json::value kept(job, json::storage_ptr());
    b.set("job", kept);
    remarks().result = endpoint_->what->result(*state, b, kept);
    return true;
}

bool job_watch::judge_missing()
{
    if (!std::exchange(remarks().missed, true))
        return false;
    job_result& r = remarks().result.emplace();
    r.ended = job_result::state::lost;
    r.error = fmt::format("the service does not know the job {} any more", id());
    if (endpoint_->what->status) {
        const http_request asked = status_request();
        r.error += fmt::format(" ({} {})", asked.method, without_query(asked.url));
    }
    return true;
}

void job_watch::disturbed(std::string_view why)
{
    if (why == remarks().trouble)
        return;
    remarks().trouble = why;
    context_.log(fmt::format("cannot ask about the job {}: {}; asking again", id(), why));
}

void status_watcher::pause(steady_time until)
{
    throttle(until);
    paused_until_ = std::max(paused_until_, until);
}

void status_watcher::check(const endpoint& e, const http_request& asked, const http_response& r)
{
    e.heed(loop_, asked.url, r);
    if (is_good(r))
        return;
    // That the service does not tell of a job, for whatever reason, says nothing of the job.
    auto f = failure_of_status(asked.method, asked.url, r);
    f.kind = failure_class::retryable;
    f.raise();
}

void status_watcher::give_back(http_response room)
{
    if (rooms_.size() < most_rooms && room.body.capacity() <= largest_room)
        rooms_.push_back(std::move(room));
}

task<> status_watcher::look(page p)
{
    return look_singly(p.front(), call_time());
}

task<> status_watcher::look_singly(watch* const& place, steady_time now)
{
    if (!place)
        co_return;
    const auto* w = static_cast<job_watch*>(place);
    bool answered = false;
    if (w->service().status) {
        const std::shared_ptr<const endpoint> e = w->shared_service();
        http_client& client = w->attempt().http();
        http_response room;
        if (!rooms_.empty()) {
            room = std::move(rooms_.back());
            rooms_.pop_back();
        }
        http_ask question(*e->status, w->id(), now, now + e->what->request_timeout, std::move(room));
        if (client.ask(question)) {
            co_await question;
            if (!place)
                co_return;
            auto& asked = static_cast<job_watch&>(*place);
            if (!question.error)
                judge_status(asked, question.response);
            else if (question.error != http_error::connection_lost)
                raise_trouble(asked.status_request(), question.error, client.last_error_detail());
            answered = !question.error;
            give_back(std::move(question.response));
        }
    }
    // On a connection that is new, or as the client sends what it cannot prepare.
    if (!answered)
        co_await look_in_full(place);
}

task<> status_watcher::look_in_full(watch* const& place)
{
    if (!place)
        co_return;
    const auto* w = static_cast<job_watch*>(place);
    const std::shared_ptr<const endpoint> e = w->shared_service();
    const http_request request = w->status_request();
    http_client& client = w->attempt().http();
    auto response = co_await client.send(request);
    if (!response)
        raise_trouble(request, response.error(), client.last_error_detail());
    if (!is_gone(*response))
        check(*e, request, *response);
    if (place)
        judge_status(static_cast<job_watch&>(*place), *response);
}

void status_watcher::judge_status(job_watch& w, const http_response& r)
{
    const description& d = *w.service().what;
    if (is_gone(r)) {
        missing(w);
        return;
    }
    if (!is_good(r))
        check(w.service(), w.status_request(), r);
    if (d.state_path && !d.needs_response) {
        const auto state = scanner_.state(r.body, *d.state_path);
        if (state && !d.is_end(*state)) {
            conclude(w, [&] { return w.judge_goes_on(); });
            return;
        }
    }
    judge_whole(w, r);
}

void status_watcher::judge_whole(job_watch& w, const http_response& r)
{
    if (w.service().what->needs_response) {
        const auto response = http_response_of_json_service(r);
        const json::value* job = response ? response->as_object().if_contains("body") : nullptr;
        if (!job || job->is_string())
            raise_trouble(w.status_request(), http_error::malformed);
        const judging under_way(*this, *response);
        answer(w, *job);
        return;
    }
    unsigned char room[2048];
    json::monotonic_resource memory(room, sizeof room);
    json::parse_options options;
    options.max_depth = deepest_json_body;
    boost::system::error_code ec;
    const json::value job = json::parse(r.body, ec, &memory, options);
    if (ec)
        raise_trouble(w.status_request(), http_error::malformed);
    answer(w, job);
}

batch_watcher::batch_watcher(potoo::loop& l, const std::string& name, batch_description b, limits lim)
    : status_watcher(l, name, lim), batch_(std::move(b)), at_once_(lim.concurrency),
      turns_(l, {.concurrency = lim.concurrency, .per_second = lim.per_second})
{}

http_request batch_watcher::render(const json::array& ids, const job_watch& first) const
{
    const json::value listed = ids;
    const auto names = first.attempt().names();
    bindings b(&names);
    b.set("ids", listed);
    return first.service().request(batch_.request, b);
}

void batch_watcher::prepare(const job_watch& first)
{
    prepared_tried_ = true;
    if (!batch_.request.takes_as_it_is("ids"))
        return;
    prepared_request p;
    p.request = render({json::string(ids_blank)}, first);
    const std::string body = std::exchange(p.request.body, {});
    const std::string list = fmt::format("[\"{}\"]", ids_blank);
    const auto holds_blank = [](std::string_view s) { return s.find(ids_blank) != std::string_view::npos; };
    const auto at = body.find(list);
    if (at == std::string::npos || holds_blank(p.request.url) ||
        std::any_of(p.request.headers.begin(), p.request.headers.end(),
                    [&](const auto& h) { return holds_blank(h.value); }))
        return;
    p.before = body.substr(0, at);
    p.after = body.substr(at + list.size());
    if (!holds_blank(p.after))
        prepared_ = std::move(p);
}

http_request batch_watcher::request_about(page p, const job_watch& first)
{
    if (!prepared_tried_)
        prepare(first);
    if (!prepared_) {
        json::array ids;
        for (const watch* w : p) {
            if (w)
                ids.push_back(json::string(static_cast<const job_watch*>(w)->id()));
        }
        return render(ids, first);
    }
    constexpr std::size_t usual_id = 40;
    http_request r = prepared_->request;
    r.body.reserve(prepared_->before.size() + p.size() * usual_id + prepared_->after.size());
    r.body.append(prepared_->before);
    char separator = '[';
    for (const watch* w : p) {
        if (!w)
            continue;
        r.body.push_back(separator);
        append_quoted(r.body, static_cast<const job_watch*>(w)->id());
        separator = ',';
    }
    r.body.push_back(']');
    r.body.append(prepared_->after);
    return r;
}

task<> batch_watcher::look(page p)
{
    auto absent = co_await look_together(p);
    std::vector<task<>> lanes;
    for (std::size_t n = std::min(absent.places.size(), at_once_); n > 0; --n)
        lanes.push_back(look_for_absent(absent));
    if (!lanes.empty())
        co_await all(std::move(lanes));
}

task<batch_watcher::absent_jobs> batch_watcher::look_together(page p)
{
    absent_jobs absent;
    // Behind single requests of other pages.
    const request_gate::pass turn = co_await turns_.enter(request_gate::urgency::normal);
    if (paused())
        throw failure("the service asked for a pause", "paused");
    const job_watch* first = first_present(p);
    if (!first)
        co_return absent;
    std::vector<job_id> ids(p.size());
    for (std::size_t i = 0; i < p.size(); ++i) {
        if (p[i])
            ids[i] = job_id(static_cast<job_watch*>(p[i])->id());
    }
    const std::shared_ptr<const endpoint> e = first->shared_service();
    http_request request = request_about(p, *first);
    request.deadline = loop_.now() + e->what->request_timeout;
    http_client& client = first->attempt().http();
    auto response = co_await client.send(request);
    if (!response)
        raise_trouble(request, response.error(), client.last_error_detail());
    check(*e, request, *response);
    const std::vector<bool> shown = spread_answer(p, ids, request, *response);
    for (std::size_t i = 0; i < shown.size(); ++i) {
        if (p[i] && !shown[i])
            absent.places.push_back(&p[i]);
    }
    co_return absent;
}

task<> batch_watcher::look_for_absent(absent_jobs& absent)
{
    while (absent.next < absent.places.size() && !paused()) {
        watch* const& place = *absent.places[absent.next++];
        if (place && !static_cast<job_watch*>(place)->service().what->status) {
            missing(*place);
            continue;
        }
        const request_gate::pass turn = co_await turns_.enter(request_gate::urgency::normal);
        if (!place || paused())
            continue;
        // Not in the listing and not to be had singly: that is twice.
        static_cast<job_watch&>(*place).note_missing();
        std::exception_ptr trouble;
        try {
            co_await look_singly(place, loop_.now());
        } catch (const cancelled&) {
            throw;
        } catch (...) {
            trouble = std::current_exception();
        }
        if (trouble && place)
            settle(static_cast<job_watch&>(*place), trouble);
    }
}

void batch_watcher::settle(job_watch& w, const std::exception_ptr& trouble)
{
    conclude(w, [&] {
        try {
            std::rethrow_exception(trouble);
        } catch (const failure& f) {
            w.disturbed(f.what());
        }
        return false;
    });
}

bool batch_watcher::spread_states(page p, const std::vector<job_id>& ids, const http_response& r,
                                  std::vector<bool>& shown)
{
    const member_path* state_path = nullptr;
    for (const watch* w : p) {
        if (!w)
            continue;
        const description& d = *static_cast<const job_watch*>(w)->service().what;
        if (d.needs_response || !d.state_path || (state_path && *state_path != *d.state_path))
            return false;
        state_path = &*d.state_path;
    }
    if (!batch_.items_path || !batch_.id_path || !state_path)
        return false;
    const auto* jobs = scanner_.jobs(r.body, *batch_.items_path, *batch_.id_path, *state_path);
    if (!jobs)
        return false;
    std::vector<std::string_view> states(p.size());
    if (!put_in_place(ids, *jobs, states))
        return false;
    for (std::size_t i = 0; i < p.size(); ++i) {
        if (p[i] && static_cast<job_watch*>(p[i])->service().what->is_end(states[i]))
            return false;
    }
    for (std::size_t i = 0; i < p.size(); ++i) {
        if (!p[i] || states[i].empty())
            continue;
        shown[i] = true;
        auto& w = static_cast<job_watch&>(*p[i]);
        conclude(w, [&] { return w.judge_goes_on(); });
    }
    return true;
}

std::vector<bool> batch_watcher::spread_answer(page p, const std::vector<job_id>& ids, const http_request& asked,
                                               const http_response& r)
{
    std::vector<bool> shown(p.size(), false);
    const job_watch* first = first_present(p);
    if (!first || spread_states(p, ids, r, shown))
        return shown;
    const auto response = http_response_of_json_service(r);
    if (!response)
        raise_trouble(asked, http_error::malformed);
    const auto names = first->attempt().names();
    bindings b(&names);
    b.set("response", *response);
    json::value room;
    const auto* items = batch_.items.view(b, room).if_array();
    if (!items)
        throw failure(fmt::format("`batch.items` ({}) yields no array", batch_.items.source()), "malformed_response");
    // Two attempts may watch the same job.
    std::unordered_multimap<std::string_view, std::size_t> positions;
    for (std::size_t i = 0; i < ids.size(); ++i)
        positions.emplace(ids[i].value(), i);
    const judging under_way(*this, *response);
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
            answer(*p[at->second], item);
        }
    }
    return shown;
}

} // namespace potoo::http_job
