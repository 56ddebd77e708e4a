#include "engine/server/events/event_feed.hpp"

#include "engine/server/events/event_text.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <stdexcept>
#include <utility>

namespace potoo::server {

/// Has the feed go on: in the next turn of the loop, at the time of the next round, and when a notice is due.
class event_feed::pump final : private ready_node
{
  public:
    explicit pump(event_feed& feed)
        : feed_(feed), round_(feed, &event_feed::step), notices_(feed, &event_feed::tell_what_is_due)
    {}

    pump(const pump&) = delete;
    pump& operator=(const pump&) = delete;

    ~pump()
    {
        feed_.loop_.unschedule(*this);
        feed_.loop_.disarm(round_);
        feed_.loop_.disarm(notices_);
    }

    void go_on() { feed_.loop_.schedule(*this); }

    void go_on_at(steady_time t) { feed_.loop_.arm(round_, t); }

    void look_at_notices_at(steady_time t)
    {
        if (!notices_.armed())
            feed_.loop_.arm(notices_, t);
    }

    [[nodiscard]] bool is_coming() const noexcept { return queued() || round_.armed(); }

  private:
    class alarm final : public timer_node
    {
      public:
        alarm(event_feed& feed, void (event_feed::*ring)()) : feed_(feed), ring_(ring) {}

      private:
        void on_due() override { (feed_.*ring_)(); }

        event_feed& feed_;
        void (event_feed::*ring_)();
    };

    void on_ready() override { feed_.step(); }

    event_feed& feed_;
    alarm round_;
    alarm notices_;
};

event_feed::event_feed(potoo::loop& l, journal::reader& journal, feed_limits limits)
    : loop_(l), journal_(journal), limits_(limits), source_(journal), window_(limits.window_bytes),
      gate_(limits.pause_of_notices), pump_(std::make_unique<pump>(*this))
{}

event_feed::~event_feed() = default;

void event_feed::journal_grown()
{
    if (subscribers_.empty())
        return;
    grown_ = true;
    request_round();
}

void event_feed::tell(const run_notice& notice)
{
    if (subscribers_.empty())
        return;
    if (auto e = gate_.pass(notice, loop_.now(), loop_.wall_now())) {
        open_.push_back(std::move(*e));
        request_round();
    }
    pump_->look_at_notices_at(loop_.now() + limits_.pause_of_notices);
}

void event_feed::pool_resized(std::string_view pool, std::uint32_t slots)
{
    if (subscribers_.empty())
        return;
    open_.push_back(pool_event(pool, slots, loop_.wall_now()));
    request_round();
}

void event_feed::tell_what_is_due()
{
    for (auto& e : gate_.due(loop_.now()))
        open_.push_back(std::move(e));
    if (gate_.size() > 0)
        pump_->look_at_notices_at(loop_.now() + limits_.pause_of_notices);
    if (!open_.empty())
        request_round();
}

std::unique_ptr<subscription> event_feed::subscribe(event_filter filter, std::optional<journal::record_seq> since)
{
    if (subscribers_.size() >= limits_.subscribers)
        throw std::length_error(fmt::format("there are {} subscribers of events already, as many as there may be: "
                                            "close one, or come again later",
                                            subscribers_.size()));
    const auto last = journal_.last_seq();
    if (since && *since > last)
        throw std::invalid_argument(fmt::format("the cursor {} is behind the end of this journal, which is at {}: it "
                                                "comes from another state directory; begin without one, or with 0",
                                                since->value(), last.value()));
    if (subscribers_.empty()) {
        window_.begin_at(last);
        read_ = last;
    }
    const bool incomplete = since && *since < journal_.removed_up_to();
    const auto number = next_number_++;
    std::unique_ptr<subscription> made(
        new subscription(*this, number, std::move(filter), since.value_or(last), incomplete));
    subscribers_.emplace(number, made.get());
    return made;
}

void event_feed::leave(std::uint64_t number) noexcept
{
    subscribers_.erase(number);
    if (!subscribers_.empty())
        return;
    waking_.reset();
    grown_ = false;
    open_.clear();
    gate_.clear();
}

void event_feed::close()
{
    end_all("stopping");
}

void event_feed::end_all(std::string reason)
{
    if (!end_.empty())
        return;
    end_ = std::move(reason);
    for (const auto& [number, s] : subscribers_)
        s->woken_.increment();
}

feed_stats event_feed::stats() const noexcept
{
    auto result = stats_;
    result.subscribers = subscribers_.size();
    return result;
}

void event_feed::request_round()
{
    if (waking_ || pump_->is_coming() || !end_.empty())
        return;
    if (loop_.now() >= next_round_)
        pump_->go_on();
    else
        pump_->go_on_at(next_round_);
}

/// One piece of work: reads a part of what has come, makes a group of what was read, or wakes some who wait for it.
void event_feed::step()
{
    if (!end_.empty() || subscribers_.empty())
        return;
    if (waking_) {
        wake_some();
        return;
    }
    try {
        read_some();
    } catch (const journal::store_error& e) {
        // The engine reads and writes the same journal, and says what is wrong with it.
        if (!e.passing()) {
            end_all("broken");
            return;
        }
        grown_ = true;
        next_round_ = loop_.now() + limits_.pause_after_error;
        request_round();
    }
}

void event_feed::read_some()
{
    if (std::exchange(grown_, false)) {
        auto slice = source_.read(read_, journal_.last_seq(), limits_.records_at_once);
        read_ = slice.last;
        grown_ = slice.more;
        std::ranges::move(slice.events, std::back_inserter(open_));
    }
    std::size_t bytes = 0;
    for (const auto& e : open_)
        bytes += e.text.size();
    if (grown_ && bytes < limits_.message_bytes)
        pump_->go_on();
    else if (open_.empty())
        window_.pass_over(read_);
    else
        seal();
}

void event_feed::seal()
{
    stats_.events += open_.size();
    ++stats_.rounds;
    window_.add(event_group(std::exchange(open_, {}), read_));
    next_round_ = loop_.now() + limits_.pace_per_subscriber * subscribers_.size();
    waking_ = 0;
    pump_->go_on();
}

/// How many subscribers can be sent the last group before others must have their turn.
std::size_t event_feed::fit_at_once()
{
    const auto size = std::max<std::size_t>(window_.group(window_.end() - 1).bytes(), 1);
    return std::clamp<std::size_t>(limits_.bytes_at_once / size, 1, limits_.woken_at_once);
}

void event_feed::wake_some()
{
    const auto fit = fit_at_once();
    std::size_t seen = 0;
    auto i = subscribers_.lower_bound(*waking_);
    for (; i != subscribers_.end() && seen < fit; ++i) {
        subscription& s = *i->second;
        if (!s.waiting_)
            continue;
        ++seen;
        if (s.is_interested())
            s.woken_.increment();
    }
    if (i != subscribers_.end()) {
        waking_ = i->first;
        pump_->go_on();
        return;
    }
    waking_.reset();
    if (grown_ || !open_.empty())
        request_round();
}

} // namespace potoo::server
