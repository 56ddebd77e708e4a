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

namespace potoo {

class watcher;

/// How often a job is asked about. Looks of the same time are put together, and spread a little (±10 %) so that many
/// jobs that began together do not ask together for ever.
struct poll_pace
{
    duration interval{2'000};      ///< before the first look, and between the first two; 0 = as fast as the calls allow
    duration max_interval{30'000}; ///< the interval never grows beyond
    double backoff = 1.5;          ///< factor on the interval from one look to the next, ≥ 1
};

/// One job that an attempt waits for; an awaiter in the attempt's frame. `co_await` it: it ends when `judge` or
/// `judge_missing` said so.
class watch : public leaf, private timer_node
{
  public:
    watch(watcher& w, poll_pace pace) noexcept : watcher_(&w), pace_(pace), interval_(pace.interval) {}

    virtual ~watch();

    /// Throws `cancelled`; what `judge` threw; or what the watcher's `look` threw, unless that was a `failure`.
    void await_resume();

    /// The remote side has spoken of this job: @return true when the wait is over. What it throws ends the wait too.
    virtual bool judge(const json::value& job) = 0;

    /// The remote side does not know the job (any more): @return true when the wait is over.
    virtual bool judge_missing() = 0;

    /// A call about this job failed; it will be asked about again, ever later while that goes on. The default does
    /// nothing.
    virtual void disturbed(std::string_view why);

  private:
    friend class watcher;

    bool start() override;
    bool withdraw() noexcept override;
    void on_due() override;

    watcher* watcher_;
    poll_pace pace_;
    duration interval_;
    watch** place_ = nullptr; ///< in the line of those that are due, or in the page that is being asked about
    unsigned failures_ = 0;   ///< calls in a row that failed
    std::exception_ptr error_;
};

/// Derived classes say how one page of jobs is asked about. A job that is due joins the line; calls take it from there,
/// page by page, in order. Destroyed with the engine, after the attempts; calls under way are then abandoned.
class watcher
{
  public:
    struct limits
    {
        std::size_t page = 1;         ///< jobs a call
        std::size_t concurrency = 16; ///< calls at once
    };

    watcher(potoo::loop& l, std::string name, limits lim);
    virtual ~watcher();

    watcher(const watcher&) = delete;
    watcher& operator=(const watcher&) = delete;

    /// Calls made and jobs asked about since the start.
    [[nodiscard]] std::uint64_t calls() const noexcept;
    [[nodiscard]] std::uint64_t looks() const noexcept;

    /// Calls that may be made at once now: `limits::concurrency` unless the remote side asked for fewer.
    [[nodiscard]] std::size_t concurrency() const noexcept;

  protected:
    /// The jobs of one call. A place becomes null when the attempt no longer waits: look again after every `co_await`.
    using page = std::span<watch* const>;

    /// Asks about all of `p` and calls `answer` or `missing` for each that is there. Jobs that got no answer are asked
    /// about again. @throws failure when the call failed as a whole: all are asked again, later; anything else ends
    /// their waits
    [[nodiscard]] virtual task<> look(page p) = 0;

    /// For `look`: what the remote side said of one job.
    void answer(watch& w, const json::value& job);
    void missing(watch& w);

    /// For `look`: the remote side asks for fewer calls. Nothing is sent before `until`; after it half as many calls at
    /// once, and one more for every round of calls that succeeds. A failing call that said so counts as throttled, not
    /// as failed.
    void throttle(steady_time until);

    /// Abandons the calls under way. To be called first in the destructor of a derived class whose `look` uses its
    /// members.
    void stop() noexcept;

  private:
    friend class watch;
    class service;

    std::unique_ptr<service> service_;
};

} // namespace potoo
