#pragma once
/// @file
/// The wait for one job, and the watcher that asks about a hundred of them by one DescribeJobs.

#include "job_end.hpp"

#include <potoo/aws.hpp>
#include <potoo/backend.hpp>
#include <potoo/watcher.hpp>

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace potoo::aws_batch {

/// The array of which that job is a child; empty when it is none.
[[nodiscard]] inline std::string_view parent_of(std::string_view id) noexcept
{
    const std::size_t colon = id.find(':');
    return colon == std::string_view::npos ? std::string_view() : id.substr(0, colon);
}

/// What attempts of one task have in common.
struct task_description
{
    std::string queue;
    poll_pace pace;
    poll_pace pace_to_the_end; ///< of a job that was told to stop
    duration request_timeout{30'000};
    duration settle{10'000};
    duration cancel_grace{180'000};
    bool array = false;
    bool logs = true;
};

/// Every waiting attempt has one: what is needed seldom is in a block of its own.
class job_watch final : public watch
{
  public:
    job_watch(context& ctx, watcher& asker, std::shared_ptr<const task_description> what)
        : watch(asker), context_(ctx), what_(std::move(what))
    {}

    /// Gets ready to wait for that job, which must outlive the wait.
    void prepare(const job_id& id);

    /// How the job ended, once the wait is over by a judgement.
    [[nodiscard]] const job_end& end() const noexcept { return *notes_->end; }

    /// It is asked about more often from now on.
    void expect_end() { remarks().told_to_stop = true; }

    [[nodiscard]] const task_description& what() const noexcept { return *what_; }

    [[nodiscard]] context& attempt() const noexcept { return context_; }

    [[nodiscard]] std::string_view id() const noexcept { return id_->value(); }

    [[nodiscard]] const poll_pace& pace() const noexcept override;
    bool judge(const json::value& job) override;

    /// A job that was just accepted may be missing for a while: it is lost when it was for a minute, and three times.
    bool judge_missing() override;

    /// The job was asked for and is not known. @return true when that was so for as long as makes a job lost
    bool note_miss();

    void note_seen() noexcept;

    void disturbed(std::string_view why) override;

  private:
    struct notes : detail::slab_allocated
    {
        bool told_to_stop = false;
        int missed = 0; ///< in a row
        steady_time missed_since{};
        std::string trouble; ///< said last
        std::optional<job_end> end;
    };

    notes& remarks();

    context& context_;
    std::shared_ptr<const task_description> what_;
    const job_id* id_ = nullptr;
    std::unique_ptr<notes> notes_;
};

class job_watcher final : public watcher
{
  public:
    job_watcher(potoo::loop& l, aws::service& batch, limits lim) : watcher(l, "aws_batch watcher", lim), batch_(batch)
    {}

    ~job_watcher() override { stop(); }

  protected:
    task<> look(page p) override;

  private:
    task<> ask(page p, aws::outside o, duration patience);
    task<std::string> describe(aws::outside o, json::array ids, duration patience);

    /// @return the places of children of arrays that are not told of
    std::vector<std::size_t> spread(page p, std::string_view body);

    /// @param body tells of their arrays
    void spread_unseen(page p, const std::vector<std::size_t>& unseen, std::string_view body);

    aws::service& batch_;
};

} // namespace potoo::aws_batch
