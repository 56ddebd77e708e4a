#include "job_watch.hpp"

#include <boost/json/monotonic_resource.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <unordered_map>
#include <utility>
#include <vector>

namespace potoo::aws_batch {
namespace {

constexpr int misses_of_a_lost_job = 3;
/// SubmitJob's answer may be that far ahead of what DescribeJobs knows.
constexpr duration time_of_a_lost_job{60'000};

/// An answer of DescribeJobs.
class told_jobs
{
  public:
    /// @throws failure when it is no such answer
    explicit told_jobs(std::string_view body) : memory_(body.size())
    {
        boost::system::error_code ec;
        all_ = json::parse(json::string_view(body.data(), body.size()), ec, &memory_);
        const auto* o = ec ? nullptr : all_.if_object();
        const auto* jobs = o ? o->if_contains("jobs") : nullptr;
        if (!jobs || !jobs->is_array())
            throw failure("AWS Batch answered DescribeJobs with no list of `jobs`", "malformed_response");
        by_id_.reserve(jobs->get_array().size());
        for (const json::value& job : jobs->get_array()) {
            const auto* members = job.if_object();
            const auto* id = members ? members->if_contains("jobId") : nullptr;
            if (id && id->is_string())
                by_id_.emplace(std::string_view(id->get_string()), &job);
        }
    }

    /// @return null when it is not told of
    [[nodiscard]] const json::value* find(std::string_view id) const
    {
        const auto found = by_id_.find(id);
        return found == by_id_.end() ? nullptr : found->second;
    }

  private:
    json::monotonic_resource memory_;
    json::value all_ = json::value(json::storage_ptr(&memory_));
    std::unordered_map<std::string_view, const json::value*> by_id_;
};

bool goes_on(const json::value& job)
{
    const json::value* status = job.as_object().if_contains("status");
    return status && status->is_string() && !is_over(status->get_string());
}

std::string_view id_of(const watch& w)
{
    return static_cast<const job_watch&>(w).id();
}

} // namespace

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
    notes_->trouble.clear();
    notes_->end.reset();
}

const poll_pace& job_watch::pace() const noexcept
{
    return notes_ && notes_->told_to_stop ? what_->pace_to_the_end : what_->pace;
}

bool job_watch::judge(const json::value& job)
{
    note_seen();
    if (notes_)
        notes_->trouble.clear();
    const auto* o = job.if_object();
    auto end = o ? end_of(*o) : std::nullopt;
    if (!end)
        return false;
    remarks().end = std::move(end);
    return true;
}

bool job_watch::note_miss()
{
    notes& n = remarks();
    const steady_time now = context_.now_steady();
    if (n.missed++ == 0)
        n.missed_since = now;
    return n.missed >= misses_of_a_lost_job && now >= n.missed_since + time_of_a_lost_job;
}

void job_watch::note_seen() noexcept
{
    if (notes_)
        notes_->missed = 0;
}

bool job_watch::judge_missing()
{
    if (!note_miss())
        return false;
    job_end& e = remarks().end.emplace();
    e.result.ended = job_result::state::lost;
    e.result.error = fmt::format("AWS Batch does not know the job {} any more", id());
    return true;
}

void job_watch::disturbed(std::string_view why)
{
    if (why == remarks().trouble)
        return;
    remarks().trouble = why;
    context_.log(fmt::format("cannot ask about the job {}: {}; asking again", id(), why));
}

task<> job_watcher::look(page p)
{
    const auto present = std::find_if(p.begin(), p.end(), [](const watch* w) { return w != nullptr; });
    if (present == p.end())
        co_return;
    const auto* first = static_cast<const job_watch*>(*present);
    // The call goes on for the others when this attempt ends meanwhile.
    context& any = first->attempt();
    const aws::outside o(any.http(), any.processes(), any.loop());
    std::string trouble;
    std::string code;
    try {
        co_await ask(p, o, first->what().request_timeout);
        co_return;
    } catch (const task_error& e) {
        trouble = e.what();
        code = e.code();
    }
    for (const watch* w : p) {
        if (w)
            batch_.conceal_in(static_cast<const job_watch*>(w)->attempt());
    }
    // That AWS does not tell of jobs, for whatever reason, says nothing of them: credentials may be put right.
    throw failure(trouble, code);
}

task<> job_watcher::ask(page p, aws::outside o, duration patience)
{
    json::array ids;
    for (const watch* w : p) {
        if (w)
            ids.emplace_back(json::string(id_of(*w)));
    }
    auto body = co_await describe(o, std::move(ids), patience);
    const std::vector<std::size_t> unseen = spread(p, body);
    std::set<std::string_view> parents;
    for (const std::size_t i : unseen) {
        if (p[i])
            parents.insert(parent_of(id_of(*p[i])));
    }
    if (parents.empty())
        co_return;
    json::array arrays;
    for (const std::string_view id : parents)
        arrays.emplace_back(json::string(id));
    body = co_await describe(o, std::move(arrays), patience);
    spread_unseen(p, unseen, body);
}

task<std::string> job_watcher::describe(aws::outside o, json::array ids, duration patience)
{
    http_request r;
    r.method = "POST";
    r.url = "/v1/describejobs";
    r.headers = {{"Content-Type", "application/json"}};
    r.body = json::serialize(json::object{{"jobs", std::move(ids)}});
    r.deadline = o.loop.now() + patience;
    auto answered = co_await batch_.send(o, std::move(r), aws::service::nature::repeatable);
    co_return std::move(answered.body);
}

std::vector<std::size_t> job_watcher::spread(page p, std::string_view body)
{
    const told_jobs told(body);
    std::vector<std::size_t> unseen;
    for (std::size_t i = 0; i < p.size(); ++i) {
        if (!p[i])
            continue;
        if (const json::value* job = told.find(id_of(*p[i])))
            answer(*p[i], *job);
        else if (parent_of(id_of(*p[i])).empty())
            missing(*p[i]);
        else
            unseen.push_back(i);
    }
    return unseen;
}

void job_watcher::spread_unseen(page p, const std::vector<std::size_t>& unseen, std::string_view body)
{
    const told_jobs told(body);
    for (const std::size_t i : unseen) {
        if (!p[i])
            continue;
        // The children of an array are made when it leaves SUBMITTED, and one by one.
        const json::value* array = told.find(parent_of(id_of(*p[i])));
        if (array && goes_on(*array))
            answer(*p[i], *array);
        else
            missing(*p[i]);
    }
}

} // namespace potoo::aws_batch
