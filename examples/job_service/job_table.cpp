#include "job_table.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace job_service {

namespace {

constexpr std::string_view id_prefix = "job-";

std::string quoted_time(std::chrono::system_clock::time_point time)
{
    const auto since_epoch = std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count();
    return fmt::format("\"{:%Y-%m-%dT%H:%M:%S}.{:03}Z\"", fmt::gmtime(static_cast<std::time_t>(since_epoch / 1000)),
                       since_epoch % 1000);
}

std::string render(const job& subject, job_state state)
{
    const bool ended = is_terminal(state);
    const bool started = state != job_state::queued && subject.started_at != std::chrono::system_clock::time_point{};
    return fmt::format(
        R"({{"id":"{}","token":{},"state":"{}","cancel_requested":{},"exit_code":{},"result":{},)"
        R"("error":{},"submitted_at":{},"started_at":{},"ended_at":{}}})",
        subject.id, subject.request.token.empty() ? "null" : quoted(subject.request.token), name_of(state),
        subject.cancel_requested, ended && subject.exit_code ? std::to_string(*subject.exit_code) : "null",
        ended ? subject.result : "null", ended ? subject.error : "null", quoted_time(subject.submitted_at),
        started ? quoted_time(subject.started_at) : "null", ended ? quoted_time(subject.ended_at) : "null");
}

} // namespace

std::string_view name_of(job_state state)
{
    return job_state_names[static_cast<std::size_t>(state)];
}

std::optional<job_state> job_state_named(std::string_view name)
{
    const auto found = std::ranges::find(job_state_names, name);
    if (found == job_state_names.end())
        return std::nullopt;
    return static_cast<job_state>(found - job_state_names.begin());
}

bool is_terminal(job_state state)
{
    return state != job_state::queued && state != job_state::running;
}

const std::string& status_of(job& subject)
{
    if (subject.rendered.empty())
        subject.rendered = render(subject, subject.state);
    return subject.rendered;
}

std::string stale_status_of(const job& subject)
{
    return render(subject, subject.previous_state);
}

void wake_watchers(job& subject)
{
    for (auto* watcher : subject.watchers)
        watcher->cancel();
}

job_ptr job_table::accept(job_request request)
{
    auto subject = std::make_shared<job>();
    subject->number = first_number_ + jobs_.size();
    subject->id = fmt::format("{}{}", id_prefix, subject->number);
    subject->request = std::move(request);
    subject->submitted_at = std::chrono::system_clock::now();
    jobs_.push_back(subject);
    ++accepted_;
    ++counts_[static_cast<std::size_t>(job_state::queued)];
    if (const auto& token = subject->request.token; !token.empty()) {
        by_token_[token].push_back(subject);
        ++accepted_per_token_[token];
    }
    return subject;
}

void job_table::forget(const job_ptr& subject)
{
    subject->forgotten = true;
    jobs_[subject->number - first_number_] = nullptr;
    --counts_[static_cast<std::size_t>(subject->state)];
    if (const auto same_token = by_token_.find(subject->request.token); same_token != by_token_.end()) {
        std::erase(same_token->second, subject);
        if (same_token->second.empty())
            by_token_.erase(same_token);
    }
    wake_watchers(*subject);
}

void job_table::clear()
{
    for (const auto& subject : all())
        forget(subject);
    first_number_ += jobs_.size();
    jobs_.clear();
    accepted_per_token_.clear();
    accepted_ = 0;
}

void job_table::change_state(job& subject, job_state state)
{
    if (!subject.forgotten) {
        --counts_[static_cast<std::size_t>(subject.state)];
        ++counts_[static_cast<std::size_t>(state)];
    }
    subject.previous_state = subject.state;
    subject.state = state;
    subject.rendered.clear();
    wake_watchers(subject);
}

std::optional<std::uint64_t> job_table::number_of(std::string_view id)
{
    if (!id.starts_with(id_prefix))
        return std::nullopt;
    id.remove_prefix(id_prefix.size());
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(id.data(), id.data() + id.size(), number);
    if (error != std::errc{} || end != id.data() + id.size() || id.front() == '0')
        return std::nullopt;
    return number;
}

job_ptr job_table::find(std::string_view id) const
{
    const auto number = number_of(id);
    if (!number || *number < first_number_ || *number - first_number_ >= jobs_.size())
        return nullptr;
    return jobs_[*number - first_number_];
}

std::vector<job_ptr> job_table::with_token(std::string_view token) const
{
    const auto found = by_token_.find(std::string(token));
    return found == by_token_.end() ? std::vector<job_ptr>{} : found->second;
}

job_table::page job_table::list(const filter& wanted) const
{
    page result;
    const auto take = [&](const job_ptr& subject) {
        if (!subject || subject->number <= wanted.after || (wanted.state && subject->state != *wanted.state))
            return true;
        result.more = result.jobs.size() == wanted.limit;
        if (!result.more)
            result.jobs.push_back(subject);
        return !result.more;
    };
    if (wanted.token) {
        const auto candidates = with_token(*wanted.token);
        std::ranges::all_of(candidates, take);
    } else {
        const auto skipped = wanted.after < first_number_ ? 0 : wanted.after - first_number_ + 1;
        std::all_of(jobs_.begin() + static_cast<std::ptrdiff_t>(std::min<std::size_t>(skipped, jobs_.size())),
                    jobs_.end(), take);
    }
    return result;
}

std::vector<job_ptr> job_table::all() const
{
    std::vector<job_ptr> known;
    std::ranges::copy_if(jobs_, std::back_inserter(known), [](const job_ptr& subject) { return subject != nullptr; });
    return known;
}

} // namespace job_service
