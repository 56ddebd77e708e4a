#include "job_watcher.hpp"

#include "json_lookup.hpp"
#include "manifest.hpp"

#include <potoo/error.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace potoo::kubernetes {
namespace {

/// Another attempt may come soon: the stream is kept so long for it.
constexpr duration linger{10'000};

std::string in_selector(const std::vector<std::string>& names)
{
    std::string list;
    for (const std::string& n : names)
        list += fmt::format("{}{}", list.empty() ? "" : ",", n);
    return fmt::format("labelSelector={}%20in%20({})", token_label, list);
}

/// Of those in the page that are still waited for and `which` holds for.
template <class Which>
std::vector<std::string> names_in(std::span<watch* const> p, Which which)
{
    std::vector<std::string> names;
    for (watch* w : p) {
        if (w && which(static_cast<job_watch&>(*w)))
            names.emplace_back(static_cast<job_watch&>(*w).name());
    }
    return names;
}

bool is_job_of(const job_watch& w, const json::value& job)
{
    return w.name() == text_at(job, "/metadata/name") && w.uid() == text_at(job, "/metadata/uid");
}

} // namespace

/// The stream's line of execution. Destroyed, it breaks the stream off.
class job_watcher::stream_execution final : public execution
{
  public:
    explicit stream_execution(job_watcher& w)
        : execution(w.loop_, w.loop_.intern("kubernetes watch of " + w.name_space_)), task_(w.stream())
    {}

    void start() { task_access<void>::start(task_, *this); }

    [[nodiscard]] bool ended() const noexcept { return ended_; }

  private:
    void on_end() noexcept override { ended_ = true; }

    task<> task_;
    bool ended_ = false;
};

job_watcher::job_watcher(api_server& s, std::string name_space, limits lim)
    : watcher(s.loop(), "kubernetes jobs of " + name_space, lim), server_(s), loop_(s.loop()),
      name_space_(std::move(name_space)), lines_([this](std::string_view line) { return take_line(line); })
{}

job_watcher::~job_watcher()
{
    stop();
    stream_.reset();
    loop_.disarm(*this);
}

std::string job_watcher::jobs_path() const
{
    return fmt::format("/apis/batch/v1/namespaces/{}/jobs", name_space_);
}

std::string job_watcher::pods_path() const
{
    return fmt::format("/api/v1/namespaces/{}/pods", name_space_);
}

job_index::iterator job_watcher::enter(job_watch& w)
{
    const auto where = known_.emplace(std::string(w.name()), &w);
    loop_.disarm(*this);
    if (!stream_ || stream_->ended())
        start_stream();
    return where;
}

void job_watcher::leave(job_index::iterator where)
{
    known_.erase(where);
    if (known_.empty())
        loop_.arm(*this, loop_.now() + linger);
}

void job_watcher::on_due()
{
    stream_.reset();
    version_.clear();
}

void job_watcher::start_stream()
{
    version_.clear();
    refusal_.clear();
    stream_ = std::make_unique<stream_execution>(*this);
    stream_->start();
}

task<json::value> job_watcher::ask(std::string path)
{
    http_request r;
    r.url = path;
    auto response = co_await server_.send(std::move(r));
    if (!response)
        raise_as_failure(server_.failure_of("GET", path, response.error()));
    if (const auto pause = asked_pause(*response, loop_.wall_now()))
        throttle(loop_.now() + *pause);
    if (!is_good(response->status))
        raise_as_failure(server_.failure_of("GET", path, *response));
    auto v = parsed(response->body);
    if (!v)
        raise_as_failure(server_.failure_of("GET", path, make_error_code(http_error::malformed)));
    co_return std::move(*v);
}

task<> job_watcher::look(page p)
{
    settle_early(p);
    co_await look_at_jobs(p);
    co_await look_for_stopped_pods(p);
    co_await look_for_stuck_pods(p);
}

void job_watcher::settle_early(page p)
{
    for (watch* w : p) {
        if (!w)
            continue;
        if (const json::value* early = static_cast<job_watch&>(*w).seen_early())
            answer(*w, *early);
    }
}

task<> job_watcher::look_at_jobs(page p)
{
    const auto names = names_in(p, [](const job_watch& w) { return !w.gone(); });
    if (names.empty())
        co_return;
    const auto jobs = co_await ask(fmt::format("{}?{}", jobs_path(), in_selector(names)));
    std::vector<bool> shown(p.size());
    for (const json::value& job : array_at(jobs, "/items")) {
        for (std::size_t i = 0; i < p.size(); ++i) {
            if (!p[i] || !is_job_of(static_cast<job_watch&>(*p[i]), job))
                continue;
            shown[i] = true;
            answer(*p[i], job);
        }
    }
    co_await look_for_absent(p, shown);
}

task<> job_watcher::look_for_absent(page p, const std::vector<bool>& shown)
{
    for (std::size_t i = 0; i < p.size(); ++i) {
        if (!p[i] || shown[i] || static_cast<job_watch&>(*p[i]).gone())
            continue;
        const std::string path = fmt::format("{}/{}", jobs_path(), static_cast<job_watch&>(*p[i]).name());
        http_request r;
        r.url = path;
        auto response = co_await server_.send(std::move(r));
        if (!response)
            raise_as_failure(server_.failure_of("GET", path, response.error()));
        if (!is_good(response->status) && response->status != 404)
            raise_as_failure(server_.failure_of("GET", path, *response));
        if (!p[i])
            continue;
        const auto job = parsed(is_good(response->status) ? std::string_view(response->body) : "{}");
        if (job && is_job_of(static_cast<job_watch&>(*p[i]), *job))
            answer(*p[i], *job);
        else if (job)
            missing(*p[i]);
    }
}

task<> job_watcher::look_for_stopped_pods(page p)
{
    const auto names = names_in(p, [](const job_watch& w) { return w.gone(); });
    if (names.empty())
        co_return;
    const auto pods = co_await ask(fmt::format("{}?{}", pods_path(), in_selector(names)));
    const auto label = fmt::format("/metadata/labels/{}", "potoo.dev~1token");
    for (watch* w : p) {
        if (!w || !static_cast<job_watch&>(*w).gone())
            continue;
        auto& mine = static_cast<job_watch&>(*w);
        const auto& all = array_at(pods, "/items");
        const bool runs = std::any_of(all.begin(), all.end(), [&](const json::value& pod) {
            return text_at(pod, label) == mine.name() && may_run(pod);
        });
        if (!runs)
            conclude(mine, [&] { return mine.judge_stopped(); });
    }
}

task<> job_watcher::look_for_stuck_pods(page p)
{
    const auto names = names_in(p, [](const job_watch& w) { return !w.told_to_stop(); });
    if (names.empty())
        co_return;
    json::value pods;
    try {
        auto answered =
            co_await ask(fmt::format("{}?{}&fieldSelector=status.phase%3DPending", pods_path(), in_selector(names)));
        pods = std::move(answered);
    } catch (const failure& e) {
        // The Jobs have answered: that is what counts.
        tell_all(e.what());
        co_return;
    }
    const std::string label = "/metadata/labels/potoo.dev~1token";
    for (const json::value& pod : array_at(pods, "/items")) {
        const std::string trouble = start_trouble(pod);
        for (watch* w : p) {
            if (w && !trouble.empty() && static_cast<job_watch&>(*w).name() == text_at(pod, label))
                static_cast<job_watch&>(*w).tell(trouble);
        }
    }
}

} // namespace potoo::kubernetes
