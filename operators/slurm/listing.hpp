#pragma once
/// @file
/// One list of all jobs that answers for every attempt that waits for one, and for every one that looks for one.

#include "controller_clock.hpp"
#include "job_key.hpp"
#include "listing_scan.hpp"
#include "rest_service.hpp"

#include <potoo/backend.hpp>
#include <potoo/watcher.hpp>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace potoo::slurm {

class job_listing;

/// What a task says of how its jobs are looked after.
struct manners
{
    poll_pace pace;
    poll_pace pace_to_the_end; ///< once the job was told to stop
    duration request_timeout{60'000};
    duration settle{20'000};
    duration cancel_grace{60'000};
    bool logs = true;
    bool array = false;
};

/// The wait for one job. Every waiting attempt has one: what is needed seldom is in a block of its own. The context and
/// the listing must outlive it.
class job_watch final : public watch
{
  public:
    job_watch(context& ctx, job_listing& l, std::shared_ptr<const manners> m);
    ~job_watch() override;

    /// Gets ready to wait for that job, which must outlive the wait. @throws fatal when Slurm has no such ids
    void prepare(const job_id& id);

    /// It is asked about more often, and a job that is not there any more is a cancelled one.
    void expect_end() { remarks().told_to_stop = true; }

    /// Only after the wait has ended by a judgement.
    [[nodiscard]] job_result take_result();

    /// The job as it was listed at its end; null when it was not.
    [[nodiscard]] const listed_job* ended_as() const noexcept;

    [[nodiscard]] const manners& how() const noexcept { return *manners_; }

    [[nodiscard]] const std::shared_ptr<const manners>& shared_manners() const noexcept { return manners_; }

    [[nodiscard]] outside reach() const;

    [[nodiscard]] const poll_pace& pace() const noexcept override;

    bool judge(const json::value& job) override;

    /// The id has been given to another job: a controller that is killed may give one twice.
    [[nodiscard]] bool is_stranger(const listed_job& j) const;

    /// A stranger was listed where the job should be.
    void met_stranger() { remarks().met_stranger = true; }

    /// As `judge`, of a record. @param sure false: the record may be of other elements of the array alone
    bool judge_listed(const listed_job& j, bool sure);

    /// The first time may be a delay on the other side; the second time the job is lost.
    bool judge_missing() override;

    void disturbed(std::string_view why) override;

  private:
    friend class job_listing;

    using place_among_watches = std::multimap<job_key, job_watch*>::iterator;

    struct notes : detail::slab_allocated
    {
        bool told_to_stop = false;
        bool missed = false;
        bool met_stranger = false;
        std::string said; ///< last, of the job or of trouble in asking about it
        std::optional<job_result> result;
        std::optional<listed_job> record;
    };

    notes& remarks();
    void say(const std::string& what);

    context& context_;
    job_listing& listing_;
    std::shared_ptr<const manners> manners_;
    const job_id* id_ = nullptr;
    std::optional<place_among_watches> registered_;
    std::uint64_t since_ = 0; ///< the last call that had begun when the wait did
    std::uint64_t seen_ = 0;  ///< the last call that showed the job
    std::unique_ptr<notes> notes_;
};

/// Asks for the list, once for all; and singly about jobs that it does not show. Destroyed with the engine.
class job_listing final : public watcher
{
  public:
    job_listing(potoo::loop& l, rest_service& s);

    ~job_listing() override { stop(); }

    [[nodiscard]] rest_service& slurm() noexcept { return service_; }

    /// The job that was launched under `comment`; of an array the element.
    /// @throws failure
    [[nodiscard]] task<std::optional<job_id>> find(outside o, std::string comment, std::uint32_t element,
                                                   duration timeout);

    /// Whether the id, of an array the array's, is that of a job with this comment now, or was a moment ago.
    /// @throws failure
    [[nodiscard]] task<bool> is_job_of(outside o, std::uint64_t job, std::string comment, duration timeout);

    /// Lists that were asked for, and how many of them brought nothing new.
    [[nodiscard]] std::uint64_t lists() const noexcept { return lists_; }

    [[nodiscard]] std::uint64_t unchanged() const noexcept { return unchanged_; }

    /// Bytes of them.
    [[nodiscard]] std::uint64_t bytes() const noexcept { return bytes_; }

  protected:
    task<> look(page p) override;

  private:
    friend class job_watch;

    /// Somebody who looks for a job.
    struct search
    {
        std::uint32_t element;
        std::uint64_t since;
        std::optional<job_key> found;
    };

    class registration;

    void add(job_watch& w, job_key key);
    void remove(job_watch& w);

    /// Asks for the list. @param whole also when nothing has changed
    task<> list(outside o, bool whole, duration timeout);
    task<reply> list_once(outside o, std::uint64_t call, std::optional<std::int64_t> update_time, duration timeout,
                          bool& complete);
    task<> ask_about(outside o, std::uint64_t job, std::uint64_t call, duration timeout);
    task<bool> ask_for_job(outside o, std::uint64_t job, listing_scanner& scanner, duration timeout);
    task<> ask_about_missing(page p, outside o, duration timeout);

    /// What one call shows.
    struct sight
    {
        std::uint64_t call;
        std::vector<listed_job> cut; ///< records that do not tell all elements that they stand for
    };

    /// What was asked for a moment ago, for the elements of an array that are cancelled together.
    struct identity
    {
        std::string comment; ///< empty: there was no such job
        steady_time asked_at;
    };

    void see(const listed_job& j, sight& s);
    void see_watched(const listed_job& j, sight& s);
    void see_searched(const listed_job& j);
    void settle(const sight& s);
    void show(job_watch& w, const listed_job& j, bool sure, std::uint64_t call);
    [[nodiscard]] bool is_unlisted(const job_watch& w) const noexcept;
    [[nodiscard]] bool is_list_due(const job_watch& first) const;
    [[nodiscard]] bool must_be_whole() const;
    void heed(const reply& r);

    potoo::loop& loop_;
    rest_service& service_;
    controller_clock clock_;
    std::multimap<job_key, job_watch*> watches_;
    std::multimap<std::string, search*, std::less<>> searches_; ///< by comment
    std::map<std::uint64_t, identity> identities_;              ///< by job
    semaphore turn_{1};                                         ///< to list
    std::uint64_t calls_begun_ = 0;
    std::uint64_t last_whole_ = 0;  ///< the last call that brought the whole list
    std::uint64_t newest_wait_ = 0; ///< `since_` of the watch that came last
    steady_time newest_wait_at_ = steady_time::min();
    steady_time whole_at_ = steady_time::min();
    steady_time begun_at_ = steady_time::min();
    steady_clock::duration took_{};
    std::uint64_t lists_ = 0;
    std::uint64_t unchanged_ = 0;
    std::uint64_t bytes_ = 0;
};

/// What all attempts that speak to one slurmrestd as one user share.
struct cluster
{
    cluster(potoo::loop& l, settings s) : slurm(l, std::move(s)), listing(l, slurm) {}

    rest_service slurm;
    job_listing listing;
};

} // namespace potoo::slurm
