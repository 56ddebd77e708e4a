#include "listing.hpp"

#include <potoo/concurrency.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

namespace potoo::slurm {
namespace {

/// The list comes at most so often, measured by what it takes to make it.
constexpr int times_its_own_duration = 4;
/// And by how long ago the last wait began, as each wait's own looks come ever more seldom.
constexpr int part_of_age = 4;
/// Whatever the controller says of changes.
constexpr duration longest_between_whole_lists{30'000};
/// Single questions at a time, and of one look.
constexpr std::size_t single_calls = 4;
constexpr std::size_t single_calls_of_a_look = 64;
/// A controller that is killed is not back, and has not given ids anew, in less.
constexpr duration moment{1'000};

job_watch* first_present(std::span<watch* const> p)
{
    const auto found = std::find_if(p.begin(), p.end(), [](const watch* w) { return w != nullptr; });
    return found == p.end() ? nullptr : static_cast<job_watch*>(*found);
}

bool says_unknown_job(const reply& r)
{
    if (r.error)
        return false;
    if (r.response.status == 404)
        return true;
    const auto errors = errors_of(r.response);
    if (number_of(errors) == error_number::no_such_job)
        return true;
    // Where no part of an array is left to tell of.
    return r.response.status == 400 && std::any_of(errors.begin(), errors.end(), [](const slurm_error& e) {
               return e.text.find("Unable to find JobId") != std::string::npos;
           });
}

void raise_if_no_list(const reply& r)
{
    if (r.good() || r.error == http_error::stopped)
        throw failure(fmt::format("{} answered with something that is no list of jobs", r.url), "malformed_response");
}

} // namespace

/// While it lives, calls look for that job too.
class job_listing::registration
{
  public:
    registration(job_listing& l, const std::string& comment, search& s)
        : listing_(l), place_(l.searches_.emplace(comment, &s))
    {}

    registration(const registration&) = delete;
    registration& operator=(const registration&) = delete;

    ~registration() { listing_.searches_.erase(place_); }

  private:
    job_listing& listing_;
    std::multimap<std::string, search*, std::less<>>::iterator place_;
};

job_listing::job_listing(potoo::loop& l, rest_service& s)
    : watcher(l, "slurm watcher of " + s.what().url, s.what().polls), loop_(l), service_(s)
{}

void job_listing::add(job_watch& w, job_key key)
{
    w.registered_ = watches_.emplace(key, &w);
    w.since_ = newest_wait_ = calls_begun_;
    w.seen_ = 0;
    newest_wait_at_ = loop_.now();
}

void job_listing::remove(job_watch& w)
{
    if (w.registered_)
        watches_.erase(*w.registered_);
    w.registered_.reset();
}

task<> job_listing::look(page p)
{
    const job_watch* first = first_present(p);
    if (!first)
        co_return;
    const std::shared_ptr<const manners> how = first->shared_manners();
    const outside o = first->reach();
    if (is_list_due(*first)) {
        co_await turn_.acquire();
        const slot_guard mine(turn_);
        co_await list(o, must_be_whole(), how->request_timeout);
    }
    co_await ask_about_missing(p, o, how->request_timeout);
}

/// The list answers for all that wait, so that those who are due a moment later need not ask for it again.
bool job_listing::is_list_due(const job_watch& first) const
{
    if (begun_at_ == steady_time::min())
        return true;
    const poll_pace& pace = first.pace();
    const steady_clock::duration shortest = pace.interval * 3 / 4;
    const steady_clock::duration longest = std::max(shortest, steady_clock::duration(pace.max_interval * 3 / 4));
    const steady_clock::duration gap = std::clamp((loop_.now() - newest_wait_at_) / part_of_age, shortest, longest);
    return loop_.now() - begun_at_ >= std::max(gap, took_ * times_its_own_duration);
}

/// "Nothing new" is no answer for somebody who does not know what was before.
bool job_listing::must_be_whole() const
{
    return whole_at_ == steady_time::min() || newest_wait_ >= last_whole_ ||
           loop_.now() - whole_at_ >= longest_between_whole_lists;
}

task<> job_listing::list(outside o, bool whole, duration timeout)
{
    const steady_time begun = loop_.now();
    begun_at_ = begun;
    for (bool again = true;;) {
        const std::uint64_t call = ++calls_begun_;
        const auto since = whole ? std::nullopt : clock_.at_least(loop_.now());
        bool complete = false;
        auto r = co_await list_once(o, call, since, timeout, complete);
        took_ = loop_.now() - begun;
        if (!r.error && r.response.status == 304) {
            ++unchanged_;
            co_return;
        }
        if (complete) {
            last_whole_ = call;
            whole_at_ = begun;
            co_return;
        }
        raise_if_no_list(r);
        heed(r);
        const auto verdict = co_await service_.examine(o, r, timeout);
        if (verdict != rest_service::verdict::renewed || !std::exchange(again, false))
            service_.raise_repeatable(o, r, verdict);
    }
}

task<reply> job_listing::list_once(outside o, std::uint64_t call, std::optional<std::int64_t> update_time,
                                   duration timeout, bool& complete)
{
    ++lists_;
    std::int64_t stamp = 0;
    sight s{call, {}};
    listing_scanner scanner([&](const listed_job& j) {
        stamp = std::max(stamp, j.stamp);
        see(j, s);
    });
    http_request asked;
    asked.url = update_time ? fmt::format("/jobs?update_time={}", *update_time) : "/jobs";
    asked.body_sink = [&](std::string_view piece) {
        bytes_ += piece.size();
        return scanner.add(piece);
    };
    auto r = co_await service_.send(o, std::move(asked), timeout);
    if (r.good()) {
        complete = scanner.finish();
        if (complete)
            settle(s);
        clock_.heard_of(std::max(stamp, scanner.made_at()), loop_.now());
    }
    co_return r;
}

void job_listing::heed(const reply& r)
{
    if (r.error)
        return;
    if (const auto pause = asked_pause(r.response, loop_.wall_now()))
        throttle(loop_.now() + *pause);
}

/// The last whole list that began after the wait did not show it, nor has a single question since.
bool job_listing::is_unlisted(const job_watch& w) const noexcept
{
    return w.since_ < last_whole_ && w.seen_ < last_whole_;
}

task<> job_listing::ask_about_missing(page p, outside o, duration timeout)
{
    std::set<std::uint64_t> jobs;
    for (const watch* place : p) {
        const auto* w = static_cast<const job_watch*>(place);
        if (w && w->registered_ && is_unlisted(*w) && jobs.size() < single_calls_of_a_look)
            jobs.insert((*w->registered_)->first.job);
    }
    while (!jobs.empty()) {
        const std::uint64_t call = ++calls_begun_;
        const std::set<std::uint64_t> asked(
            jobs.begin(), std::next(jobs.begin(), static_cast<std::ptrdiff_t>(std::min(jobs.size(), single_calls))));
        std::vector<task<>> questions;
        for (const std::uint64_t job : asked) {
            jobs.erase(job);
            questions.push_back(ask_about(o, job, call, timeout));
        }
        co_await all(std::move(questions));
        for (watch* place : p) {
            const auto* w = static_cast<const job_watch*>(place);
            if (w && w->registered_ && w->seen_ < call && asked.contains((*w->registered_)->first.job))
                missing(*place);
        }
    }
}

/// @return false when Slurm knows no such job @throws failure when it does not say
task<bool> job_listing::ask_for_job(outside o, std::uint64_t job, listing_scanner& scanner, duration timeout)
{
    http_request asked;
    asked.url = fmt::format("/job/{}", job);
    asked.body_sink = [&](std::string_view piece) { return scanner.add(piece); };
    auto r = co_await service_.send(o, std::move(asked), timeout);
    if (r.good() && scanner.finish())
        co_return true;
    raise_if_no_list(r);
    if (says_unknown_job(r))
        co_return false;
    heed(r);
    const auto verdict = co_await service_.examine(o, r, timeout);
    service_.raise_repeatable(o, r, verdict);
}

/// Of an array all elements: those that have not begun cannot be asked about alone.
task<> job_listing::ask_about(outside o, std::uint64_t job, std::uint64_t call, duration timeout)
{
    sight s{call, {}};
    listing_scanner scanner([&](const listed_job& j) { see(j, s); });
    const bool known = co_await ask_for_job(o, job, scanner, timeout);
    if (known)
        settle(s);
}

task<bool> job_listing::is_job_of(outside o, std::uint64_t job, std::string comment, duration timeout)
{
    const steady_time now = loop_.now();
    std::erase_if(identities_, [&](const auto& i) { return now - i.second.asked_at >= moment; });
    if (const auto asked = identities_.find(job); asked != identities_.end())
        co_return asked->second.comment == comment;
    identity found{{}, now};
    listing_scanner scanner([&](const listed_job& j) { found.comment = j.comment; });
    const bool known = co_await ask_for_job(o, job, scanner, timeout);
    const bool own = known && found.comment == comment;
    identities_.insert_or_assign(job, std::move(found));
    co_return own;
}

void job_listing::see(const listed_job& j, sight& s)
{
    if (!searches_.empty())
        see_searched(j);
    if (!watches_.empty())
        see_watched(j, s);
}

void job_listing::show(job_watch& w, const listed_job& j, bool sure, std::uint64_t call)
{
    // Then the job itself is not listed, and is asked about alone before it is lost.
    if (w.is_stranger(j)) {
        w.met_stranger();
        return;
    }
    w.seen_ = std::max(w.seen_, call);
    conclude(w, [&] { return w.judge_listed(j, sure); });
}

void job_listing::see_watched(const listed_job& j, sight& s)
{
    const bool together = j.array_id != 0 && j.element == no_element;
    const std::uint64_t job = j.array_id != 0 ? j.array_id : j.id;
    if (!together) {
        const auto [begin, end] = watches_.equal_range(job_key{job, j.array_id != 0 ? j.element : no_element});
        for (auto at = begin; at != end; ++at)
            show(*at->second, j, true, s.call);
        return;
    }
    bool cut = false;
    for (auto at = watches_.lower_bound(job_key{job, 0}); at != watches_.end() && at->first.job == job; ++at) {
        const membership m = holds(j.elements, at->first.element);
        cut |= m == membership::unsure;
        if (m == membership::yes)
            show(*at->second, j, true, s.call);
    }
    if (cut)
        s.cut.push_back(j);
}

/// Elements that have no record of their own are among those that were cut off. Of one that was told to stop after the
/// call began, the call says nothing.
void job_listing::settle(const sight& s)
{
    for (const listed_job& j : s.cut) {
        auto at = watches_.lower_bound(job_key{j.array_id, 0});
        for (; at != watches_.end() && at->first.job == j.array_id; ++at) {
            const bool asked_before = at->second->since_ < s.call;
            if (asked_before && at->second->seen_ < s.call &&
                holds(j.elements, at->first.element) == membership::unsure)
                show(*at->second, j, false, s.call);
        }
    }
}

void job_listing::see_searched(const listed_job& j)
{
    const auto [begin, end] = searches_.equal_range(j.comment);
    for (auto at = begin; at != end; ++at) {
        search& s = *at->second;
        const bool whole_job = s.element == no_element && j.array_id == 0;
        const bool element =
            s.element != no_element && j.array_id != 0 &&
            (j.element == s.element || (j.element == no_element && holds(j.elements, s.element) != membership::no));
        if (!whole_job && !element)
            continue;
        const job_key key{whole_job ? j.id : j.array_id, s.element};
        if (!s.found || key < *s.found)
            s.found = key;
    }
}

task<std::optional<job_id>> job_listing::find(outside o, std::string comment, std::uint32_t element, duration timeout)
{
    search s{element, calls_begun_, std::nullopt};
    const registration mine(*this, comment, s);
    co_await turn_.acquire();
    const slot_guard turn(turn_);
    // Somebody else's list may have answered meanwhile.
    if (s.since >= last_whole_)
        co_await list(o, true, timeout);
    if (!s.found)
        co_return std::nullopt;
    co_return job_id(to_text(*s.found));
}

} // namespace potoo::slurm
