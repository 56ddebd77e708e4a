#include "job_watch.hpp"

#include <boost/json/monotonic_resource.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>
#include <utility>
#include <vector>

namespace potoo::aws_batch {
namespace {

constexpr int misses_of_a_lost_job = 3;

http_request question_about(std::span<watch* const> p)
{
    json::array ids;
    for (const watch* w : p) {
        if (w)
            ids.emplace_back(json::string(static_cast<const job_watch*>(w)->id()));
    }
    http_request r;
    r.method = "POST";
    r.url = "/v1/describejobs";
    r.headers = {{"Content-Type", "application/json"}};
    r.body = json::serialize(json::object{{"jobs", std::move(ids)}});
    return r;
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
    notes_->missed = 0;
    notes_->trouble.clear();
    notes_->end.reset();
}

const poll_pace& job_watch::pace() const noexcept
{
    return notes_ && notes_->told_to_stop ? what_->pace_to_the_end : what_->pace;
}

bool job_watch::judge(const json::value& job)
{
    if (notes_) {
        notes_->missed = 0;
        notes_->trouble.clear();
    }
    const auto* o = job.if_object();
    auto end = o ? end_of(*o) : std::nullopt;
    if (!end)
        return false;
    remarks().end = std::move(end);
    return true;
}

bool job_watch::judge_missing()
{
    if (++remarks().missed < misses_of_a_lost_job)
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
    const aws::outside o(first->attempt());
    http_request question = question_about(p);
    question.deadline = o.loop.now() + first->what().request_timeout;
    http_response answered;
    std::string trouble;
    std::string code;
    try {
        answered = co_await batch_.send(o, std::move(question), aws::service::nature::repeatable);
    } catch (const fatal& f) {
        trouble = f.what();
        code = f.code();
    }
    // That AWS does not tell of jobs, for whatever reason, says nothing of them: credentials may be put right.
    if (!trouble.empty())
        throw failure(trouble, code);
    spread(p, answered.body);
}

void job_watcher::spread(page p, std::string_view body)
{
    json::monotonic_resource memory(body.size());
    boost::system::error_code ec;
    const json::value v = json::parse(json::string_view(body.data(), body.size()), ec, &memory);
    const auto* o = ec ? nullptr : v.if_object();
    const auto* jobs = o ? o->if_contains("jobs") : nullptr;
    if (!jobs || !jobs->is_array())
        throw failure("AWS Batch answered DescribeJobs with no list of `jobs`", "malformed_response");
    std::unordered_map<std::string_view, const json::value*> by_id;
    by_id.reserve(jobs->get_array().size());
    for (const json::value& job : jobs->get_array()) {
        const auto* members = job.if_object();
        const auto* id = members ? members->if_contains("jobId") : nullptr;
        if (id && id->is_string())
            by_id.emplace(std::string_view(id->get_string()), &job);
    }
    for (watch* const& w : p) {
        if (!w)
            continue;
        const auto found = by_id.find(static_cast<const job_watch*>(w)->id());
        if (found == by_id.end())
            missing(*w);
        else
            answer(*w, *found->second);
    }
}

} // namespace potoo::aws_batch
