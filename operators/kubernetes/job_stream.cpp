// The stream of a `job_watcher`.

#include "job_watcher.hpp"
#include "json_lookup.hpp"
#include "manifest.hpp"

#include <potoo/error.hpp>
#include <potoo/wait.hpp>

#include <boost/json/monotonic_resource.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <unordered_set>
#include <utility>

namespace potoo::kubernetes {
namespace {

/// How long the API lets a stream last, and how long we do.
constexpr duration stream_time{240'000};
constexpr duration stream_slack{15'000};
constexpr duration first_pause{500};
constexpr duration longest_pause{30'000};
/// A stream that was refused may be allowed later.
constexpr duration refused_pause{300'000};
/// A stream that ended sooner without a word is not opened again at once.
constexpr duration shortest_stream{1'000};
/// After so many failures in a row what has happened is found out by a listing.
constexpr int failures_until_listing = 3;
constexpr int page_size = 100;

/// The API does not do this, or not for us.
bool is_refusal(const http_response& r)
{
    return r.status == 403 || r.status == 404 || r.status == 405;
}

/// The stream may not be opened.
class refused : public failure
{
    using failure::failure;
};

} // namespace

std::vector<job_watch*> job_watcher::watches_of(std::string_view name, std::string_view uid)
{
    std::vector<job_watch*> all;
    const auto [begin, end] = known_.equal_range(name);
    for (auto at = begin; at != end; ++at) {
        if (at->second->uid().empty() || at->second->uid() == uid)
            all.push_back(at->second);
    }
    return all;
}

void job_watcher::tell_all(const std::string& trouble)
{
    for (const auto& [name, w] : known_) {
        if (w->waits())
            w->disturbed(trouble);
    }
}

task<> job_watcher::stream()
{
    int troubles = 0;
    for (;;) {
        std::string trouble;
        std::string refusal;
        heard_ = false;
        const steady_time begun = loop_.now();
        try {
            if (version_.empty())
                co_await list();
            co_await follow();
        } catch (const refused& e) {
            refusal =
                fmt::format("the Jobs of {} cannot be watched and are asked about instead: {}", name_space_, e.what());
        } catch (const std::exception& e) {
            trouble = e.what();
        }
        troubles = trouble.empty() || heard_ ? 0 : troubles;
        refusal_ = std::move(refusal);
        duration pause{0};
        if (!refusal_.empty()) {
            for (const auto& [name, w] : known_)
                w->tell(refusal_);
            pause = refused_pause;
        } else if (!trouble.empty()) {
            // The first time it is mostly a connection that has grown old.
            if (++troubles > 1)
                tell_all(trouble);
            if (troubles >= failures_until_listing)
                version_.clear();
            pause = std::min(first_pause * (1 << std::min(troubles - 1, 10)), longest_pause);
        } else if (!heard_ && loop_.now() - begun < shortest_stream) {
            pause = shortest_stream;
        }
        co_await sleep_for(pause);
    }
}

task<> job_watcher::list()
{
    std::unordered_set<std::string> seen;
    std::unordered_set<std::string> pages;
    std::string next;
    std::string version;
    do {
        std::string path = fmt::format("{}?labelSelector={}&limit={}", jobs_path(), token_label, page_size);
        if (!next.empty())
            path += "&continue=" + next;
        auto page_of_jobs = co_await ask(std::move(path));
        for (const json::value& job : array_at(page_of_jobs, "/items")) {
            const std::string_view name = text_at(job, "/metadata/name");
            if (watches_of(name, text_at(job, "/metadata/uid")).empty())
                continue;
            seen.emplace(name);
            take_job(job);
        }
        next = text_at(page_of_jobs, "/metadata/continue");
        if (!next.empty() && !pages.insert(next).second)
            throw failure("the API's listing of Jobs leads back to a page that it has shown", "malformed_response");
        version = text_at(page_of_jobs, "/metadata/resourceVersion");
    } while (!next.empty());
    if (version.empty())
        throw failure("the API's listing of Jobs has no resourceVersion", "malformed_response");
    co_await check_absent(seen);
    version_ = std::move(version);
}

task<> job_watcher::check_absent(const std::unordered_set<std::string>& seen)
{
    std::vector<std::pair<std::string, std::string>> absent;
    for (const auto& [name, w] : known_) {
        if (w->waits() && !seen.contains(name))
            absent.emplace_back(name, w->uid());
    }
    for (const auto& [name, uid] : absent) {
        http_request r;
        r.url = fmt::format("{}/{}", jobs_path(), name);
        auto response = co_await server_.send(std::move(r));
        if (!response || (!is_good(response->status) && response->status != 404))
            continue;
        const auto job = parsed(is_good(response->status) ? std::string_view(response->body) : "{}");
        if (!job)
            continue;
        const bool there = text_at(*job, "/metadata/uid") == uid;
        for (job_watch* w : watches_of(name, uid)) {
            if (there)
                answer(*w, *job);
            else
                missing(*w);
        }
    }
}

task<> job_watcher::follow()
{
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(stream_time).count();
    const std::string path =
        fmt::format("{}?watch=1&allowWatchBookmarks=true&labelSelector={}&resourceVersion={}&timeoutSeconds={}",
                    jobs_path(), token_label, version_, seconds);
    http_request r;
    r.url = path;
    r.deadline = loop_.now() + stream_time + stream_slack;
    lines_ = line_splitter([this](std::string_view line) { return take_line(line); });
    r.body_sink = [this](std::string_view piece) { return lines_.add(piece); };
    complaint_.clear();
    auto response = co_await server_.send(std::move(r));
    if (!response) {
        // An event may have ended it: nothing is wrong when that told only that its place is forgotten.
        if (response.error() == http_error::stopped && version_.empty() && complaint_.empty())
            co_return;
        if (!complaint_.empty())
            throw failure(complaint_);
        raise_as_failure(server_.failure_of("GET", path, response.error()));
    }
    if (response->status == 410) {
        version_.clear();
        co_return;
    }
    if (is_refusal(*response))
        throw refused(server_.failure_of("GET", path, *response).message);
    if (!is_good(response->status))
        raise_as_failure(server_.failure_of("GET", path, *response));
}

bool job_watcher::take_line(std::string_view line)
{
    unsigned char room[8192];
    json::monotonic_resource memory(room, sizeof room);
    const auto event = parsed(line, &memory);
    if (!event || !event->is_object()) {
        complaint_ = "an event of the API's watch is not JSON";
        version_.clear();
        return false;
    }
    heard_ = true;
    refusal_.clear();
    return take_event(*event);
}

bool job_watcher::take_event(const json::value& event)
{
    const std::string_view type = text_at(event, "/type");
    const json::value* object = find_at(event, "/object");
    if (!object)
        return true;
    if (type == "ERROR") {
        version_.clear();
        const json::value* code = find_at(*object, "/code");
        if (!code || *code != 410)
            complaint_ = fmt::format("the API's watch ended: {}", text_at(*object, "/message"));
        return false;
    }
    if (type == "ADDED" || type == "MODIFIED")
        take_job(*object);
    else if (type == "DELETED")
        take_deleted(*object);
    if (const std::string_view version = text_at(*object, "/metadata/resourceVersion"); !version.empty())
        version_ = version;
    return true;
}

void job_watcher::take_job(const json::value& job)
{
    for (job_watch* w : watches_of(text_at(job, "/metadata/name"), text_at(job, "/metadata/uid"))) {
        if (w->waits())
            answer(*w, job);
        else if (end_of_job(job))
            w->keep_for_later(job);
    }
}

void job_watcher::take_deleted(const json::value& job)
{
    for (job_watch* w : watches_of(text_at(job, "/metadata/name"), text_at(job, "/metadata/uid"))) {
        if (!w->waits())
            continue;
        if (!w->told_to_stop() && end_of_job(job))
            answer(*w, job);
        else
            missing(*w);
    }
}

} // namespace potoo::kubernetes
