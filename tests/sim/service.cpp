#include "service.hpp"

#include "random_source.hpp"

#include <algorithm>
#include <stdexcept>

namespace potoo::sim {
namespace {

http_response answer(unsigned status, json::value body)
{
    http_response r;
    r.status = status;
    r.headers.push_back({"Content-Type", "application/json"});
    r.body = json::serialize(body);
    return r;
}

http_response problem(unsigned status, const char* title)
{
    return answer(status, json::object{{"status", status}, {"title", title}});
}

duration drawn(std::uint64_t bits, duration low, duration high)
{
    const auto room = static_cast<std::uint64_t>((high - low).count()) + 1;
    return low + duration(static_cast<duration::rep>(bits % room));
}

} // namespace

const char* job::state(steady_time t) const noexcept
{
    if (t < starts && t < ends)
        return "QUEUED";
    if (t < ends)
        return "RUNNING";
    return cancelled ? "CANCELLED" : fails ? "FAILED" : "SUCCEEDED";
}

http_response service::handle(const http_request& r, steady_time now, const treatment& t)
{
    const std::string path = r.url.substr(r.url.find("/jobs"));
    if (r.method == "POST" && path == "/jobs")
        return submit(r, now, t);
    if (r.method == "POST" && path == "/jobs/query")
        return query(r, now, t);
    constexpr std::string_view by_token = "/jobs?token=";
    if (path.starts_with(by_token))
        return search(path.substr(by_token.size()), now);
    std::string id = path.substr(path.rfind("jobs/") + 5);
    if (r.method == "DELETE")
        return cancel(id, now);
    if (const auto log = id.find("/log"); log != std::string::npos) {
        const job* j = find(id.substr(0, log));
        http_response text;
        text.status = j ? 200 : 404;
        text.body = "the log of " + id + "\n";
        return text;
    }
    return status(id, now, t);
}

job* service::find(const std::string& id)
{
    const auto found = by_id_.find(id);
    return found == by_id_.end() || jobs_[found->second].forgotten ? nullptr : &jobs_[found->second];
}

json::object service::shown(const job& j, steady_time t) const
{
    t = std::max(t, j.accepted);
    const std::string_view state = j.state(t);
    json::object o{{"id", j.id}, {"token", j.token}, {"state", state}, {"result", nullptr}, {"error", nullptr}};
    if (state == "SUCCEEDED")
        o["result"] = j.result;
    if (state == "FAILED")
        o["error"] = {{"message", "it did not work"}, {"exit_code", 3}};
    return o;
}

http_response service::submit(const http_request& r, steady_time now, const treatment& t)
{
    const auto header = std::find_if(r.headers.begin(), r.headers.end(),
                                     [](const http_header& h) { return h.name == "Idempotency-Key"; });
    if (header == r.headers.end())
        throw std::logic_error("a job was submitted without a token");
    if (plan_.deduplicates) {
        const auto known =
            std::find_if(jobs_.begin(), jobs_.end(), [&](const job& j) { return j.token == header->value; });
        if (known != jobs_.end())
            return known->forgotten ? problem(409, "there was such a job") : answer(200, shown(*known, now));
    }
    const json::value body = json::parse(r.body);
    work_name work;
    work.dag = body.at("dag").as_string();
    work.task = body.at("task").to_number<std::uint32_t>();
    work.item = body.at("item").to_number<std::uint32_t>();
    const job& j = accept(header->value, std::move(work), now, t);
    return answer(201, shown(j, now));
}

job& service::accept(std::string token, work_name work, steady_time now, const treatment& t)
{
    // What becomes of it depends on nothing but the seed and how often this work was accepted before.
    const std::uint32_t before = accepted_[work]++;
    std::uint64_t fate = mix(mix(seed_, work.dag), (std::uint64_t{work.task} << 32) | work.item);
    fate = mix(fate, before);
    job j;
    j.id = plan_.name + "-" + std::to_string(jobs_.size() + 1);
    j.token = std::move(token);
    j.accepted = now;
    j.visible = t.visible;
    j.starts = now + drawn(mix(fate, 1), duration(0), plan_.longest_queue);
    j.ends = j.starts + drawn(mix(fate, 2), plan_.shortest_job, plan_.longest_job);
    j.fails = fraction_of(mix(fate, 3)) < plan_.failing_jobs;
    j.result = json::object{{"task", work.task}, {"item", work.item}, {"value", mix(fate, 4) % 1'000'000}};
    j.work = std::move(work);
    by_id_.emplace(j.id, jobs_.size());
    trace_.note("{} accepts {} as {}: t{}[{}], ends in {}", plan_.name, j.token, j.id, j.work.task, j.work.item,
                format_duration(std::chrono::floor<duration>(j.ends - now)));
    jobs_.push_back(std::move(j));
    if (on_accept_)
        on_accept_(jobs_.back());
    return jobs_.back();
}

http_response service::search(const std::string& token, steady_time now) const
{
    json::array found;
    for (const job& j : jobs_) {
        if (j.token == token && !j.forgotten && j.visible <= now)
            found.push_back(shown(j, now));
    }
    return answer(200, json::object{{"jobs", std::move(found)}});
}

http_response service::query(const http_request& r, steady_time now, const treatment& t)
{
    json::array found;
    const json::value body = json::parse(r.body);
    for (const json::value& id : body.at("ids").as_array()) {
        const job* j = find(std::string(id.as_string()));
        if (j && !(t.deny && found.empty()))
            found.push_back(shown(*j, now - t.behind));
    }
    return answer(200, json::object{{"jobs", std::move(found)}});
}

http_response service::status(const std::string& id, steady_time now, const treatment& t)
{
    job* j = find(id);
    if (!j)
        return problem(404, "no such job");
    // Jobs of a service that lists are denied by the listing; a second time would be the truth.
    if (t.deny && !plan_.batch && !std::exchange(j->denied, true))
        return problem(404, "no such job yet");
    return answer(200, shown(*j, now - t.behind));
}

http_response service::cancel(const std::string& id, steady_time now)
{
    job* j = find(id);
    if (!j)
        return problem(404, "no such job");
    if (now >= j->ends)
        return problem(j->cancelled ? 200 : 409, "it has ended");
    if (j->cancel_asked == steady_time::max()) {
        j->cancel_asked = now;
        const steady_time gone = now + drawn(mix(seed_, j->token), duration(0), plan_.longest_cancel);
        if (gone < j->ends) {
            j->ends = gone;
            j->cancelled = true;
        }
        trace_.note("{} is cancelling {}", plan_.name, id);
    }
    return answer(202, shown(*j, now));
}

bool service::forget_one(steady_time now, std::uint64_t which)
{
    std::vector<job*> active;
    for (job& j : jobs_) {
        if (j.active(now))
            active.push_back(&j);
    }
    if (active.empty())
        return false;
    job& j = *active[which % active.size()];
    j.forgotten = true;
    trace_.note("{} forgets {}", plan_.name, j.id);
    return true;
}

} // namespace potoo::sim
