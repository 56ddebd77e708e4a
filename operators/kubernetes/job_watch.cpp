#include "job_watch.hpp"

#include "job_watcher.hpp"
#include "json_lookup.hpp"

#include <potoo/error.hpp>

#include <fmt/format.h>

#include <utility>

namespace potoo::kubernetes {
namespace {

/// The stream tells what happens; this finds what it has not told, and pods that do not start.
constexpr poll_pace beside_stream{
    .interval = duration{30'000}, .max_interval = duration{300'000}, .backoff = 2, .first = duration{30'000}};
/// Of a job that was launched in an earlier life: it may have ended before anybody watched.
constexpr poll_pace after_restart{
    .interval = duration{30'000}, .max_interval = duration{300'000}, .backoff = 2, .first = duration{250}};
constexpr poll_pace at_once{
    .interval = duration{2'000}, .max_interval = duration{30'000}, .backoff = 2, .first = duration{0}};
constexpr poll_pace to_the_end{
    .interval = duration{500}, .max_interval = duration{3'000}, .backoff = 1.3, .first = duration{250}};

} // namespace

job_watch::job_watch(context& ctx, job_watcher& w, const poll_pace& usual)
    : watch(w), context_(ctx), watcher_(w), usual_(usual)
{}

job_watch::~job_watch()
{
    leave();
}

void job_watch::leave()
{
    if (const auto known = std::exchange(known_, std::nullopt))
        watcher_.leave(*known);
}

job_watch::notes& job_watch::remarks()
{
    if (!notes_)
        notes_ = std::make_unique<notes>();
    return *notes_;
}

void job_watch::expect(std::string_view name)
{
    leave();
    remarks().name = name;
    notes_->early.reset();
    place_ = {{}, notes_->name, {}};
    launched_ = true;
    known_ = watcher_.enter(*this);
}

void job_watch::prepare(const job_id& id)
{
    const auto place = job_place::of(id.value());
    if (!place)
        throw fatal(fmt::format("the journal's job id {:?} is not namespace/name/uid", id.value()));
    if (known_ && place->name != place_.name)
        leave();
    place_ = *place;
    if (notes_) {
        notes_->gone = false;
        notes_->trouble.clear();
        notes_->result.reset();
        if (notes_->early && text_at(*notes_->early, "/metadata/uid") != place_.uid)
            notes_->early.reset();
    }
    if (!known_)
        known_ = watcher_.enter(*this);
    if (!watcher_.streams())
        tell(watcher_.refusal());
}

job_result job_watch::take_result()
{
    return std::move(*notes_->result);
}

const json::value* job_watch::seen_early() const noexcept
{
    return notes_ ? notes_->early.get() : nullptr;
}

void job_watch::keep_for_later(const json::value& job)
{
    // The event's memory goes with the event.
    remarks().early = std::make_unique<json::value>(job, json::storage_ptr());
}

const poll_pace& job_watch::pace() const noexcept
{
    if (told_to_stop())
        return to_the_end;
    if (seen_early())
        return at_once;
    if (!watcher_.streams())
        return usual_;
    return launched_ ? beside_stream : after_restart;
}

bool job_watch::judge(const json::value& job)
{
    if (notes_)
        notes_->trouble.clear();
    auto end = end_of_job(job);
    if (!end)
        return false;
    remarks().result = std::move(end);
    leave();
    return true;
}

bool job_watch::judge_missing()
{
    if (told_to_stop()) {
        notes_->gone = true;
        return false;
    }
    job_result& r = remarks().result.emplace();
    r.ended = job_result::state::lost;
    r.error = fmt::format("the job {}/{} is not there any more: somebody deleted it, or its ttl has passed since it "
                          "ended",
                          place_.name_space, place_.name);
    leave();
    return true;
}

bool job_watch::judge_stopped()
{
    job_result& r = remarks().result.emplace();
    r.ended = job_result::state::cancelled;
    r.error = fmt::format("the job {}/{} was deleted", place_.name_space, place_.name);
    leave();
    return true;
}

void job_watch::disturbed(std::string_view why)
{
    if (why == remarks().trouble)
        return;
    notes_->trouble = why;
    context_.log(fmt::format("cannot ask about the job {}/{}: {}; asking again", place_.name_space, place_.name, why));
}

void job_watch::tell(const std::string& trouble)
{
    if (trouble == remarks().told)
        return;
    notes_->told = trouble;
    context_.log(trouble);
}

} // namespace potoo::kubernetes
