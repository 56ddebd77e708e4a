#pragma once
/// @file
/// The wait for one job of an HTTP service, and the watchers that ask about such jobs singly or many at once.

#include "http_job_endpoint.hpp"
#include "http_job_scan.hpp"

#include <potoo/backend.hpp>
#include <potoo/http.hpp>
#include <potoo/request_gate.hpp>
#include <potoo/watcher.hpp>

#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace potoo::http_job {

/// Every waiting attempt has one: what is needed seldom is in a block of its own. The context must outlive it.
class job_watch final : public watch
{
  public:
    job_watch(context& ctx, std::shared_ptr<const endpoint> e);

    /// Gets ready to wait for that job, which must outlive the wait.
    void prepare(const job_id& id);

    /// Only after the wait has ended by a judgement.
    [[nodiscard]] job_result take_result();

    /// It is asked about more often from now on.
    void expect_end() { remarks().told_to_stop = true; }

    [[nodiscard]] const endpoint& service() const noexcept { return *endpoint_; }

    [[nodiscard]] const std::shared_ptr<const endpoint>& shared_service() const noexcept { return endpoint_; }

    [[nodiscard]] context& attempt() const noexcept { return context_; }

    [[nodiscard]] std::string_view id() const noexcept { return id_->value(); }

    /// The request about this job alone.
    [[nodiscard]] http_request status_request() const;

    [[nodiscard]] const poll_pace& pace() const noexcept override;

    bool judge(const json::value& job) override;

    /// As `judge` for a job whose state is known not to be an end.
    bool judge_goes_on();

    /// The first time may be a delay on the other side; the second time the job is lost.
    bool judge_missing() override;

    void disturbed(std::string_view why) override;

    /// It is not among the others: not to be had singly either, it is lost.
    void note_missing() { remarks().missed = true; }

  private:
    struct notes : detail::slab_allocated
    {
        bool told_to_stop = false;
        bool missed = false;
        std::string trouble; ///< said last
        std::optional<job_result> result;
    };

    notes& remarks();

    context& context_;
    std::shared_ptr<const endpoint> endpoint_;
    const job_id* id_ = nullptr;
    std::unique_ptr<notes> notes_;
};

/// Asks about each job by a request of its own.
class status_watcher : public watcher
{
  public:
    status_watcher(potoo::loop& l, const std::string& name, limits lim) : watcher(l, name, lim), loop_(l) {}

    ~status_watcher() override { stop(); }

    /// Nothing is asked before `until`. As `throttle`, and what a look has still to send is held back too.
    void pause(steady_time until);

    /// The whole response of the job that is being judged, for expressions that mention it; null when it is not read.
    [[nodiscard]] const json::value* judged_response() const noexcept { return judged_response_; }

  protected:
    /// While it lives, that response is the one that is judged.
    class judging
    {
      public:
        judging(status_watcher& w, const json::value& response) : watcher_(w) { w.judged_response_ = &response; }

        judging(const judging&) = delete;
        judging& operator=(const judging&) = delete;

        ~judging() { watcher_.judged_response_ = nullptr; }

      private:
        status_watcher& watcher_;
    };

    task<> look(page p) override;

    /// Asks about the job at `place`, if it is still wanted. @param now the time at which it does
    task<> look_singly(watch* const& place, steady_time now);

    [[nodiscard]] bool paused() const { return loop_.now() < paused_until_; }

    /// @throws failure unless the response is a good one; respects what it says of the pace
    void check(const endpoint& e, const http_request& asked, const http_response& r);

    potoo::loop& loop_;
    answer_scanner scanner_;

  private:
    task<> look_in_full(watch* const& place);
    void judge_status(job_watch& w, const http_response& r);
    void judge_whole(job_watch& w, const http_response& r);
    void give_back(http_response room);

    const json::value* judged_response_ = nullptr;
    steady_time paused_until_ = steady_time::min();
    std::vector<http_response> rooms_; ///< their memory serves the next answers
};

/// Asks about many jobs by one request, and singly about those that the answer does not show.
class batch_watcher final : public status_watcher
{
  public:
    batch_watcher(potoo::loop& l, const std::string& name, batch_description b, limits lim);

    ~batch_watcher() override { stop(); }

  private:
    /// The request where the ids come in as one list of the body.
    struct prepared_request
    {
        http_request request; ///< without body
        std::string before;   ///< of the body
        std::string after;
    };

    /// What the answer about a page did not show.
    struct absent_jobs
    {
        std::vector<watch* const*> places;
        std::size_t next = 0; ///< to be asked about
    };

    task<> look(page p) override;
    task<absent_jobs> look_together(page p);

    /// Asks about one after another; several of these share the work.
    task<> look_for_absent(absent_jobs& absent);

    /// What went wrong with one job concerns no other.
    void settle(job_watch& w, const std::exception_ptr& trouble);

    [[nodiscard]] http_request request_about(page p, const job_watch& first);
    [[nodiscard]] http_request render(const json::array& ids, const job_watch& first) const;
    void prepare(const job_watch& first);

    /// Finds each job of the answer among those asked about. @return which were there
    std::vector<bool> spread_answer(page p, const std::vector<job_id>& ids, const http_request& asked,
                                    const http_response& r);

    /// The same, reading no more than ids and states. @return false when that does not do; then nothing was judged
    [[nodiscard]] bool spread_states(page p, const std::vector<job_id>& ids, const http_response& r,
                                     std::vector<bool>& shown);

    batch_description batch_;
    std::size_t at_once_;
    request_gate turns_; ///< of all requests: those about one job count as those about many
    bool prepared_tried_ = false;
    std::optional<prepared_request> prepared_;
};

} // namespace potoo::http_job
