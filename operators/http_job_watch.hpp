#pragma once
/// @file
/// The wait for one job of an HTTP service, and the watchers that ask about such jobs singly or many at once.

#include "http_job_description.hpp"

#include <potoo/http.hpp>
#include <potoo/watcher.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace potoo::http_job {

/// How long the service asks to be left alone; nothing when it does not.
[[nodiscard]] std::optional<duration> asked_pause(const http_response& r, wall_time now);

/// Context and description must outlive it.
class job_watch final : public watch
{
  public:
    job_watch(watcher& w, context& ctx, const description& d, const job_id& id, poll_pace pace);

    [[nodiscard]] const job_result& result() const noexcept { return *result_; }

    bool judge(const json::value& job) override;

    /// The first time may be a delay on the other side; the second time the job is lost.
    bool judge_missing() override;

    void disturbed(std::string_view why) override;

  private:
    friend class status_watcher;
    friend class batch_watcher;

    context& context_;
    const description& description_;
    json::value id_;
    std::optional<http_request> status_;    ///< rendered once
    const json::value* response_ = nullptr; ///< while `judge` runs, if an expression mentions it
    bool needs_response_;
    bool missed_ = false;
    std::string last_trouble_;
    std::optional<job_result> result_;
};

/// Asks about each job by a request of its own.
class status_watcher : public watcher
{
  public:
    status_watcher(potoo::loop& l, const std::string& name);

    ~status_watcher() override { stop(); }

  protected:
    status_watcher(potoo::loop& l, const std::string& name, limits lim);

    task<> look(page p) override;

    /// Asks about the job at `place`, if it is still wanted.
    task<> look_singly(watch* const& place);

    /// @throws failure or fatal unless the response is a good one; respects what it says of the pace
    void check(potoo::loop& l, const std::string& url, const http_response& r);

  private:
    void judge_status(job_watch& w, const std::string& url, const http_response& r);
};

/// Asks about many jobs by one request, and singly about those that the answer does not show.
class batch_watcher final : public status_watcher
{
  public:
    batch_watcher(potoo::loop& l, const std::string& name, batch_description b);

    ~batch_watcher() override { stop(); }

  private:
    task<> look(page p) override;

    /// Finds each job of the answer among those asked about. @return which were there
    std::vector<bool> spread_answer(page p, const std::vector<std::string>& ids, const std::string& url,
                                    const http_response& r);

    task<> look_for_absent(watch* const& place);

    batch_description batch_;
};

/// The watcher that this job shares with those that are asked about in the same way.
[[nodiscard]] watcher& watcher_for(context& ctx, const description& d);

} // namespace potoo::http_job
