#include <potoo/watcher.hpp>

#include <potoo/error.hpp>
#include <potoo/wait.hpp>

#include <algorithm>
#include <cmath>
#include <deque>
#include <stdexcept>
#include <utility>
#include <vector>

namespace potoo {
namespace {

/// Due times are rounded up to multiples of this, so that one wake-up serves many.
constexpr duration finest_slot{16};
constexpr duration first_retry{500};
constexpr duration longest_retry{30'000};
constexpr double jitter = 0.1;

/// splitmix64 (Steele, Lea, Flood 2014): the same spread in every run of a watcher of that name.
class spread
{
  public:
    explicit spread(std::string_view seed) noexcept
    {
        for (const char c : seed)
            state_ = (state_ ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
    }

    /// In [1 - jitter, 1 + jitter).
    double next() noexcept
    {
        std::uint64_t z = (state_ += 0x9e3779b97f4a7c15u);
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
        z ^= z >> 31;
        return 1 - jitter + 2 * jitter * (static_cast<double>(z >> 11) * 0x1p-53);
    }

  private:
    std::uint64_t state_ = 0xcbf29ce484222325u;
};

duration scaled(duration d, double factor)
{
    return duration(static_cast<duration::rep>(std::ceil(static_cast<double>(d.count()) * factor)));
}

steady_time round_up(steady_time t, duration slot)
{
    const auto remainder = t.time_since_epoch() % slot;
    return remainder.count() == 0 ? t : t + (slot - remainder);
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

class watcher::service final : private execution
{
  public:
    service(watcher& owner, potoo::loop& l, const std::string& name, limits lim)
        : execution(l, l.intern(name)), owner_(owner), limits_(lim), allowed_(lim.concurrency), spread_(name)
    {
        if (lim.page == 0 || lim.concurrency == 0)
            throw std::invalid_argument("a watcher needs pages of at least one job, and at least one call at once");
        task_ = run();
        task_access<void>::start(task_, *this);
    }

    ~service() override
    {
        stop();
        for (watch* w : line_) {
            if (w)
                w->place_ = nullptr;
        }
    }

    void stop() noexcept { task_ = {}; }

    void begin(watch& w)
    {
        if (w.pace_.interval <= duration::zero())
            join(w);
        else
            arm(w, w.interval_);
    }

    void join(watch& w)
    {
        w.place_ = &line_.emplace_back(&w);
        changes_.increment();
    }

    template <class Judgement>
    void conclude(watch& w, Judgement judge)
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

    void throttle(steady_time until)
    {
        // Calls that were under way when the first was turned away do not count again.
        if (paused_until_ <= loop().now()) {
            allowed_ = std::max<std::size_t>(1, allowed_ / 2);
            successes_ = 0;
        }
        paused_until_ = std::max(paused_until_, until);
    }

    std::uint64_t calls = 0;
    std::uint64_t looks = 0;

    [[nodiscard]] std::size_t allowed() const noexcept { return allowed_; }

  private:
    /// The watches of one call. Their places are elements of this.
    class lease
    {
      public:
        explicit lease(service& s)
        {
            places_.reserve(s.limits_.page);
            while (places_.size() < s.limits_.page && s.someone_waits()) {
                watch*& place = places_.emplace_back(s.line_.front());
                place->place_ = &place;
                s.line_.pop_front();
            }
        }

        lease(const lease&) = delete;
        lease& operator=(const lease&) = delete;

        ~lease()
        {
            for (watch* w : places_) {
                if (w)
                    w->place_ = nullptr;
            }
        }

        [[nodiscard]] std::span<watch* const> view() const noexcept { return places_; }

        [[nodiscard]] watch* take(std::size_t i) noexcept
        {
            watch* w = std::exchange(places_[i], nullptr);
            if (w)
                w->place_ = nullptr;
            return w;
        }

      private:
        std::vector<watch*> places_;
    };

    class call_guard
    {
      public:
        explicit call_guard(service& s) noexcept : service_(s) { ++service_.active_; }

        call_guard(const call_guard&) = delete;
        call_guard& operator=(const call_guard&) = delete;

        ~call_guard()
        {
            --service_.active_;
            service_.changes_.increment();
        }

      private:
        service& service_;
    };

    // Ends only when it is destroyed.
    void on_end() noexcept override {}

    task<> run()
    {
        const auto body = [this](scope& s) { return serve(s); };
        co_await with_scope(body);
    }

    task<> serve(scope& s)
    {
        for (;;) {
            const std::uint64_t seen = changes_.value();
            if (loop().now() < paused_until_ && someone_waits()) {
                co_await sleep_until(paused_until_);
                continue;
            }
            for (std::size_t room = allowed_ - std::min(allowed_, active_); room > 0 && someone_waits(); --room)
                s.spawn(ask());
            if (changes_.value() != seen) {
                co_await yield_now();
                continue;
            }
            co_await changes_.reached(seen + 1);
        }
    }

    /// Drops the places at the front that were left.
    [[nodiscard]] bool someone_waits()
    {
        while (!line_.empty() && !line_.front())
            line_.pop_front();
        return !line_.empty();
    }

    task<> ask()
    {
        call_guard guard(*this);
        lease p(*this);
        ++calls;
        looks += p.view().size();
        call_end end;
        try {
            co_await owner_.look(p.view());
        } catch (...) {
            end = end_of(std::current_exception());
        }
        settle(p, end);
    }

    void settle(lease& p, const call_end& end)
    {
        if (end.what == call_end::kind::good)
            count_success();
        const bool throttled = end.what == call_end::kind::failed && loop().now() < paused_until_;
        // One spread for the page, so that it stays together.
        const double factor = spread_.next();
        for (std::size_t i = 0; i < p.view().size(); ++i) {
            watch* w = p.take(i);
            if (!w)
                continue;
            if (throttled)
                join(*w);
            else if (end.what == call_end::kind::good)
                look_again(*w, factor);
            else if (end.what == call_end::kind::failed)
                retry(*w, end.why, factor);
            else {
                w->error_ = end.error;
                w->complete();
            }
        }
    }

    void count_success()
    {
        if (allowed_ == limits_.concurrency || ++successes_ < allowed_)
            return;
        ++allowed_;
        successes_ = 0;
    }

    void look_again(watch& w, double factor)
    {
        w.failures_ = 0;
        if (w.interval_ <= duration::zero()) {
            join(w);
            return;
        }
        w.interval_ =
            std::max(w.interval_, std::min(w.pace_.max_interval, scaled(w.interval_, std::max(1.0, w.pace_.backoff))));
        arm(w, scaled(w.interval_, factor));
    }

    void retry(watch& w, const std::string& why, double factor)
    {
        ++w.failures_;
        const double growth = std::ldexp(1.0, static_cast<int>(std::min(w.failures_ - 1, 16u)));
        const duration delay = std::min(scaled(std::max(w.interval_, first_retry), growth), longest_retry);
        arm(w, scaled(std::max(delay, w.interval_), factor));
        try {
            w.disturbed(why);
        } catch (...) {
            loop().disarm(w);
            w.error_ = std::current_exception();
            w.complete();
        }
    }

    /// Where calls take many jobs, a longer interval is rounded more coarsely, so that pages fill.
    void arm(watch& w, duration delay)
    {
        const duration slot = limits_.page > 1 ? std::max(finest_slot, w.interval_ / 16) : finest_slot;
        const steady_time now = loop().now();
        const bool forever = delay >= steady_time::max() - now - 2 * slot;
        loop().arm(w, forever ? steady_time::max() : round_up(now + delay, slot));
    }

    void release(watch& w)
    {
        *std::exchange(w.place_, nullptr) = nullptr;
        w.complete();
    }

    watcher& owner_;
    limits limits_;
    std::deque<watch*> line_; ///< null where a watch has left
    std::size_t active_ = 0;
    std::size_t allowed_;
    std::size_t successes_ = 0;
    steady_time paused_until_ = steady_time::min();
    spread spread_;
    counter changes_; ///< of anything that may allow another call
    task<> task_;     ///< the last, as it uses the rest
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
    owner().loop().disarm(*this);
    if (place_)
        *std::exchange(place_, nullptr) = nullptr;
    return true;
}

void watch::on_due()
{
    watcher_->service_->join(*this);
}

watcher::watcher(potoo::loop& l, std::string name, limits lim)
    : service_(std::make_unique<service>(*this, l, name, lim))
{}

watcher::~watcher() = default;

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
    service_->conclude(w, [&] { return w.judge(job); });
}

void watcher::missing(watch& w)
{
    service_->conclude(w, [&] { return w.judge_missing(); });
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
