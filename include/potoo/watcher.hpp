#pragma once
/// @file
/// Many waits, few calls: a watcher asks one remote system about all the jobs that attempts wait for, page by page.

#include <potoo/concurrency.hpp>
#include <potoo/execution.hpp>
#include <potoo/json.hpp>
#include <potoo/task.hpp>
#include <potoo/time.hpp>

#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace potoo {

class watcher;

namespace remote {
class watch_list;
class watcher_roll;
} // namespace remote

/// How a watcher is getting on.
struct watcher_report
{
    std::string name;
    std::uint64_t calls = 0;     ///< made since the start
    std::uint64_t looks = 0;     ///< jobs asked about
    std::uint64_t failures = 0;  ///< calls that failed
    std::uint64_t throttled = 0; ///< times that the remote side asked for fewer calls
    std::size_t waiting = 0;     ///< jobs that attempts wait for
    std::size_t under_way = 0;   ///< calls
    std::size_t allowed = 0;     ///< calls at once
    duration paused_for{0};      ///< no call before, since the remote side asked to be left alone
    duration stuck_for{0};       ///< calls are under way, and none has ended for so long
    std::string last_failure;    ///< of the last call, if it failed
};

/// How often a job is asked about. Looks come 3 to 8 % early, so that jobs that began together do not ask together for
/// ever, and up to 16 ms more, as looks of about the same time are put together. Where a call takes many jobs it may
/// be up to 16 % in all: more is put together, and a page is filled with jobs that are due soon.
struct poll_pace
{
    duration interval{2'000};      ///< between the first two looks; 0 = as fast as the calls allow; at most 49 days
    duration max_interval{30'000}; ///< the interval never grows beyond
    double backoff = 1.5;          ///< factor on the interval from one look to the next, ≥ 1
    duration first{250}; ///< before the first look, unless the interval is shorter; up to a third less in a page
};

/// One job that an attempt waits for. `co_await` it: it ends when `judge` or `judge_missing` said so. May be awaited
/// again.
class watch : public leaf
{
  public:
    explicit watch(watcher& w) noexcept : watcher_(&w) {}

    virtual ~watch();

    /// Throws `cancelled`; what `judge` threw; or what the watcher's `look` threw, unless that was a `failure`.
    void await_resume();

    /// Asked for before each look.
    [[nodiscard]] virtual const poll_pace& pace() const noexcept = 0;

    /// The remote side has spoken of this job: @return true when the wait is over. What it throws ends the wait too.
    virtual bool judge(const json::value& job) = 0;

    /// The remote side does not know the job (any more): @return true when the wait is over.
    virtual bool judge_missing() = 0;

    /// A call about this job failed; it will be asked about again, ever later while that goes on. Or it was throttled.
    /// The default does nothing.
    virtual void disturbed(std::string_view why);

  private:
    friend class watcher;
    friend class remote::watch_list;

    bool start() override;
    bool withdraw() noexcept override;

    std::uint8_t failures_ = 0;     ///< calls in a row that failed
    bool looked_ = false;           ///< a look has gone well: the interval is no longer that before the first
    bool along_ = false;            ///< in a page though it is not due
    std::uint32_t interval_ms_ = 0; ///< before the next look
    watch** place_ = nullptr;       ///< what points to it: among those not due, in the line, in a page asked about
    watcher* watcher_;
    std::exception_ptr error_;
};

/// Derived classes say how one page of jobs is asked about. A job that is due joins the line; calls take it from there,
/// page by page, in order, and fill a page with jobs that are due soon. Destroyed with the engine, after the attempts;
/// calls under way are then abandoned.
class watcher
{
  public:
    struct limits
    {
        std::size_t page = 1;         ///< jobs a call
        std::size_t concurrency = 16; ///< calls at once
        double per_second = 0;        ///< calls begun in any second, rounded up, ≥ 0.001; 0 = no limit
        /// A call says of every job how it is, at the same cost. Those that are not due go along: they are asked about
        /// again an interval later, so that all come together in time, and the interval does not grow by it.
        bool whole = false;
    };

    /// @throws std::invalid_argument for limits out of their range
    watcher(potoo::loop& l, std::string name, limits lim);
    virtual ~watcher();

    watcher(const watcher&) = delete;
    watcher& operator=(const watcher&) = delete;

    /// Calls made and jobs asked about since the start.
    [[nodiscard]] std::uint64_t calls() const noexcept;
    [[nodiscard]] std::uint64_t looks() const noexcept;

    /// Calls that may be made at once now: `limits::concurrency`, unless the remote side asked for fewer or has become
    /// slow: when most calls take five times as long as usual, and more than 200 ms, half as many are made, though no
    /// fewer than a quarter of the limit. Should they be no faster for it, what was before is restored.
    [[nodiscard]] std::size_t concurrency() const noexcept;

    [[nodiscard]] watcher_report report() const;

    /// The remote side asks for fewer calls: in the answer to one of them, or to another request. Nothing is sent
    /// before `until`; after it half as many calls at once, and one more for every round of calls that succeeds. A
    /// failing call that said so counts as throttled, not as failed.
    void throttle(steady_time until);

  protected:
    /// The jobs of one call. A place becomes null when the attempt no longer waits: look again after every `co_await`.
    using page = std::span<watch* const>;

    /// Asks about all of `p` and calls `answer`, `missing` or `conclude` for each that is there. Jobs that got no
    /// answer are asked about again. @throws failure when the call failed as a whole: all are asked again, later;
    /// anything else ends their waits
    [[nodiscard]] virtual task<> look(page p) = 0;

    /// For `look`: what the remote side said of one job.
    void answer(watch& w, const json::value& job);
    void missing(watch& w);

    /// For `look`: what was said of a job, where no `json::value` is made of it. `judge` is a callable that says
    /// whether the wait is over; what it throws ends the wait too.
    template <class Judge>
    void conclude(watch& w, Judge judge)
    {
        if (!w.place_)
            return;
        bool over = true;
        try {
            over = judge();
        } catch (...) {
            w.error_ = std::current_exception();
        }
        if (over)
            release(w);
    }

    /// For `look`, before its first wait: the time at which the call begins, read from the clock for several at once.
    [[nodiscard]] steady_time call_time() const noexcept;

    /// Abandons the calls under way. To be called first in the destructor of a derived class whose `look` uses its
    /// members.
    void stop() noexcept;

  private:
    friend class watch;
    friend class remote::watcher_roll;
    class service;

    void release(watch& w);

    std::unique_ptr<service> service_;
};

/// Of all watchers of that loop, in the order in which they were made. Those of one remote system, over several
/// connections, have the same name.
[[nodiscard]] std::vector<watcher_report> watcher_reports(const loop& l);

} // namespace potoo
