#include <potoo/watcher.hpp>

#include "engine/remote/call_pace.hpp"
#include "engine/remote/spread.hpp"
#include "engine/remote/watch_calendar.hpp"
#include "engine/remote/watch_list.hpp"

#include <potoo/error.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>
#include <vector>

namespace potoo {
namespace {

/// Looks are put together at multiples of this, so that one wake-up serves many.
constexpr duration finest_slot{16};
constexpr duration first_retry{500};
constexpr duration longest_retry{30'000};
/// Of its interval: as much earlier a job may be asked about to fill a page, and so are many-job looks put together.
constexpr int early_part = 16;
constexpr int first_early_part = 3;
constexpr int slot_part = 64;

duration scaled(duration d, double factor)
{
    return duration(static_cast<duration::rep>(static_cast<double>(d.count()) * factor));
}

std::uint32_t in_ms(duration d) noexcept
{
    constexpr duration::rep most = std::numeric_limits<std::uint32_t>::max();
    return static_cast<std::uint32_t>(std::clamp<duration::rep>(d.count(), 0, most));
}

/// How a call ended.
struct call_end
{
    enum class kind : std::uint8_t
    {
        good,
        failed, ///< to be repeated
        broken, ///< ends the waits
    };

    kind what = kind::good;
    std::string why;
    std::exception_ptr error;
};

call_end end_of(std::exception_ptr e)
{
    if (!e)
        return {};
    try {
        std::rethrow_exception(e);
    } catch (const failure& f) {
        return {call_end::kind::failed, f.what(), nullptr};
    } catch (const cancelled&) {
        // Nobody stops a look but a deadline of its own.
        return {call_end::kind::failed, "the call took too long", nullptr};
    } catch (...) {
        return {call_end::kind::broken, {}, std::move(e)};
    }
}

} // namespace

/// The watchers of a thread, which are those of its loops. Touched when one is made or destroyed, or reported on.
class remote::watcher_roll
{
  public:
    static std::vector<watcher*>& all()
    {
        static thread_local std::vector<watcher*> watchers;
        return watchers;
    }

    static bool runs_on(const watcher& w, const potoo::loop& l);
};

class watcher::service final : private timer_node, private ready_node
{
  public:
    service(watcher& owner, potoo::loop& l, const std::string& name, limits lim)
        : loop_(l), owner_(owner), limits_(lim), pace_(lim), spread_(name), name_(l.intern(name))
    {}

    ~service()
    {
        stop();
        loop_.disarm(*this);
        loop_.unschedule(*this);
    }

    void stop() noexcept { calls_made_.clear(); }

    void begin(watch& w)
    {
        const poll_pace& p = w.pace();
        w.failures_ = 0;
        w.error_ = nullptr;
        const duration first = std::clamp(p.first, duration::zero(), std::max(p.interval, duration::zero()));
        w.looked_ = false;
        w.interval_ms_ = in_ms(first);
        ++waiting_;
        if (p.interval <= duration::zero())
            join(w);
        else
            put(w, first, loop_.now());
        wake_for_next();
    }

    /// Its attempt waits no longer.
    void leave(watch& w) noexcept
    {
        *std::exchange(w.place_, nullptr) = nullptr;
        if (--waiting_ > 0)
            return;
        calendar_.clear();
        loop_.disarm(*this);
        armed_for_ = steady_time::max();
    }

    void release(watch& w)
    {
        if (!w.place_)
            return;
        leave(w);
        w.complete();
    }

    void throttle(steady_time until)
    {
        ++throttled_;
        pace_.throttle(loop_.now(), until);
    }

    [[nodiscard]] watcher_report report() const
    {
        const steady_time now = loop_.now();
        watcher_report r;
        r.name = *name_;
        r.calls = calls;
        r.looks = looks;
        r.failures = failures_;
        r.throttled = throttled_;
        r.waiting = waiting_;
        r.under_way = active_;
        r.allowed = pace_.allowed();
        r.last_failure = last_failure_;
        if (pace_.paused(now))
            r.paused_for = std::chrono::ceil<duration>(pace_.paused_until() - now);
        else if (active_ > 0)
            r.stuck_for = std::chrono::floor<duration>(now - moved_at_);
        return r;
    }

    [[nodiscard]] const potoo::loop& loop() const noexcept { return loop_; }

    [[nodiscard]] std::size_t allowed() const noexcept { return pace_.allowed(); }

    [[nodiscard]] steady_time call_time() const noexcept { return call_time_; }

    std::uint64_t calls = 0;
    std::uint64_t looks = 0;

  private:
    /// One of the calls that may be made at once; used for one page after another.
    class call final : private execution
    {
      public:
        explicit call(service& s) : execution(s.loop_, s.name_), service_(s) {}

        ~call() override
        {
            task_ = {};
            for (watch* w : places_) {
                if (w)
                    watch_list::place(*w, nullptr);
            }
        }

        /// Takes a page from the line and asks about it. It may have ended when this returns.
        void begin(steady_time now)
        {
            begun_ = now;
            service_.fill(places_, now);
            service_.looks += places_.size();
            task_ = service_.owner_.look(places_);
            task_access<void>::start(task_, *this);
        }

        [[nodiscard]] steady_time begun() const noexcept { return begun_; }

        [[nodiscard]] std::size_t size() const noexcept { return places_.size(); }

        [[nodiscard]] watch* take(std::size_t i) noexcept
        {
            watch* w = std::exchange(places_[i], nullptr);
            if (w)
                watch_list::place(*w, nullptr);
            return w;
        }

      private:
        using watch_list = remote::watch_list;

        void on_end() noexcept override
        {
            const call_end end = end_of(task_access<void>::result(task_).error());
            task_ = {};
            service_.ended(*this, end);
        }

        service& service_;
        std::vector<watch*> places_;
        steady_time begun_;
        task<> task_;
    };

    void on_due() override
    {
        armed_for_ = steady_time::max();
        pump(loop_.now());
    }

    void on_ready() override { pump(loop_.now()); }

    void join(watch& w)
    {
        line_.push(w);
        loop_.schedule(*this);
    }

    /// Begins the calls that may be begun now.
    void pump(steady_time now)
    {
        pumping_ = true;
        call_time_ = now;
        calendar_.take_due(now, line_);
        // No more at a time than run at once, so that answers that are there at once leave others their turn.
        for (std::size_t turns = pace_.allowed(); may_begin(now); --turns) {
            if (turns == 0) {
                loop_.schedule(*this);
                break;
            }
            pace_.call_begins(now);
            ++calls;
            if (active_ == 0)
                moved_at_ = now;
            call& c = free_call();
            c.begin(now);
        }
        pumping_ = false;
        wake_for_next();
    }

    [[nodiscard]] bool may_begin(steady_time now)
    {
        return active_ < pace_.allowed() && pace_.next_call() <= now && !line_.empty();
    }

    call& free_call()
    {
        ++active_;
        if (free_.empty())
            return *calls_made_.emplace_back(std::make_unique<call>(*this));
        call* c = free_.back();
        free_.pop_back();
        return *c;
    }

    void fill(std::vector<watch*>& places, steady_time now)
    {
        places.clear();
        while (places.size() < limits_.page) {
            watch* w = line_.pop();
            if (!w)
                break;
            places.push_back(w);
        }
        if (places.size() < limits_.page && !places.empty()) {
            // None is asked earlier than its own interval allows, however long those are that it would go with.
            const auto early = [](const watch& w) {
                return duration(w.interval_ms_) / (w.looked_ ? early_part : first_early_part);
            };
            const steady_time limit = limits_.whole ? steady_time::max() : now + early(*places.front());
            calendar_.take_early(limit, places, limits_.page, [&](watch& w, steady_time due) {
                const bool soon = due - now <= early(w);
                w.along_ = !soon && limits_.whole && w.looked_;
                return soon || w.along_;
            });
        }
        for (watch*& place : places)
            remote::watch_list::place(*place, &place);
    }

    void ended(call& c, const call_end& end) noexcept
    {
        --active_;
        const steady_time now = loop_.now();
        moved_at_ = now;
        note(end);
        settle(c, end, now);
        free_.push_back(&c);
        if (pumping_)
            loop_.schedule(*this);
        else
            pump(now);
    }

    void note(const call_end& end)
    {
        if (end.what == call_end::kind::good) {
            last_failure_.clear();
            return;
        }
        ++failures_;
        last_failure_ = end.what == call_end::kind::failed ? end.why : "the answer cannot be used";
    }

    void settle(call& c, const call_end& end, steady_time now)
    {
        if (end.what == call_end::kind::good)
            pace_.call_succeeded(c.begun(), now);
        const bool throttled = end.what == call_end::kind::failed && pace_.paused(now);
        // One spread for the page, so that it stays together.
        const double factor = spread_.next();
        for (std::size_t i = 0; i < c.size(); ++i) {
            watch* w = c.take(i);
            if (!w)
                continue;
            if (throttled)
                turn_away(*w, end.why);
            else if (end.what == call_end::kind::good)
                look_again(*w, factor, now);
            else if (end.what == call_end::kind::failed)
                retry(*w, end.why, factor, now);
            else
                give_up(*w, end.error);
        }
    }

    void turn_away(watch& w, const std::string& why)
    {
        w.along_ = false;
        line_.push(w);
        tell(w, why);
    }

    void give_up(watch& w, std::exception_ptr why)
    {
        w.error_ = std::move(why);
        --waiting_;
        w.complete();
    }

    void look_again(watch& w, double factor, steady_time now)
    {
        w.failures_ = 0;
        const bool along = std::exchange(w.along_, false);
        const poll_pace& p = w.pace();
        if (p.interval <= duration::zero()) {
            line_.push(w);
            return;
        }
        const duration before(w.interval_ms_);
        const double growth = along ? 1.0 : std::max(1.0, p.backoff);
        const duration interval = std::exchange(w.looked_, true)
                                      ? std::max(before, std::min(p.max_interval, scaled(before, growth)))
                                      : p.interval;
        w.interval_ms_ = in_ms(interval);
        put(w, scaled(interval, factor), now);
    }

    void retry(watch& w, const std::string& why, double factor, steady_time now)
    {
        constexpr std::uint8_t most_doublings = 17;
        // One that only went along was not due: its patience is not used up.
        if (!std::exchange(w.along_, false) || w.failures_ == 0)
            w.failures_ = std::min<std::uint8_t>(w.failures_ + 1, most_doublings);
        const duration interval = w.looked_ ? duration(w.interval_ms_) : w.pace().interval;
        const duration delay =
            std::min(scaled(std::max(interval, first_retry), std::ldexp(1.0, w.failures_ - 1)), longest_retry);
        put(w, scaled(std::max(delay, interval), factor), now);
        tell(w, why);
    }

    void tell(watch& w, const std::string& why)
    {
        try {
            w.disturbed(why);
        } catch (...) {
            w.error_ = std::current_exception();
            release(w);
        }
    }

    /// Where calls take many jobs, a longer time is rounded more coarsely, so that pages fill.
    void put(watch& w, duration delay, steady_time now)
    {
        const steady_clock::duration slot = limits_.page > 1 ? std::max(finest_slot, delay / slot_part) : finest_slot;
        steady_time due = now + delay;
        due -= due.time_since_epoch() % slot;
        calendar_.put(w, due > now ? due : due + slot);
    }

    void wake_for_next()
    {
        steady_time next = calendar_.next_due();
        if (active_ < pace_.allowed() && !line_.empty())
            next = std::min(next, pace_.next_call());
        if (next == armed_for_)
            return;
        armed_for_ = next;
        if (next == steady_time::max())
            loop_.disarm(*this);
        else
            loop_.arm(*this, next);
    }

    potoo::loop& loop_;
    watcher& owner_;
    limits limits_;
    remote::call_pace pace_;
    remote::spread spread_;
    const std::string* name_;
    remote::watch_list::store store_;
    remote::watch_calendar calendar_{store_};
    remote::watch_list line_{store_}; ///< those that are due
    std::size_t waiting_ = 0;         ///< in the calendar, the line or a page
    std::size_t active_ = 0;          ///< calls under way
    std::uint64_t failures_ = 0;
    std::uint64_t throttled_ = 0;
    steady_time moved_at_; ///< a call has ended, or the first of several has begun
    std::string last_failure_;
    steady_time armed_for_ = steady_time::max();
    steady_time call_time_;
    bool pumping_ = false;
    std::vector<call*> free_;
    std::vector<std::unique_ptr<call>> calls_made_; ///< the last, as they use the rest
};

watch::~watch()
{
    abandon();
}

void watch::await_resume()
{
    if (error_)
        std::rethrow_exception(error_);
    throw_if_cancelled();
}

void watch::disturbed(std::string_view) {}

bool watch::start()
{
    watcher_->service_->begin(*this);
    return true;
}

bool watch::withdraw() noexcept
{
    // Null when the watcher went down first.
    if (place_)
        watcher_->service_->leave(*this);
    return true;
}

watcher::watcher(potoo::loop& l, std::string name, limits lim)
    : service_(std::make_unique<service>(*this, l, name, lim))
{
    remote::watcher_roll::all().push_back(this);
}

watcher::~watcher()
{
    std::erase(remote::watcher_roll::all(), this);
}

bool remote::watcher_roll::runs_on(const watcher& w, const potoo::loop& l)
{
    return &w.service_->loop() == &l;
}

watcher_report watcher::report() const
{
    return service_->report();
}

std::vector<watcher_report> watcher_reports(const loop& l)
{
    std::vector<watcher_report> reports;
    for (const watcher* w : remote::watcher_roll::all()) {
        if (remote::watcher_roll::runs_on(*w, l))
            reports.push_back(w->report());
    }
    return reports;
}

std::uint64_t watcher::calls() const noexcept
{
    return service_->calls;
}

std::uint64_t watcher::looks() const noexcept
{
    return service_->looks;
}

std::size_t watcher::concurrency() const noexcept
{
    return service_->allowed();
}

void watcher::answer(watch& w, const json::value& job)
{
    conclude(w, [&] { return w.judge(job); });
}

void watcher::missing(watch& w)
{
    conclude(w, [&] { return w.judge_missing(); });
}

steady_time watcher::call_time() const noexcept
{
    return service_->call_time();
}

void watcher::release(watch& w)
{
    service_->release(w);
}

void watcher::throttle(steady_time until)
{
    service_->throttle(until);
}

void watcher::stop() noexcept
{
    service_->stop();
}

} // namespace potoo
