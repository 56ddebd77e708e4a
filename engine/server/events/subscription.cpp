#include "engine/server/events/subscription.hpp"

#include "engine/server/events/event_feed.hpp"
#include "engine/server/events/event_text.hpp"

#include <utility>
#include <vector>

namespace potoo::server {

namespace {

std::string_view advice_on(std::string_view reason)
{
    if (reason == "lagging")
        return "events come faster than they are taken: come again with the cursor";
    if (reason == "stopping")
        return "the server stops: come again with the cursor when it is back";
    return "the journal cannot be read: see the server's log";
}

} // namespace

subscription::subscription(event_feed& feed, std::uint64_t number, event_filter filter, journal::record_seq cursor,
                           bool incomplete)
    : feed_(feed), number_(number), filter_(std::move(filter)), key_(filter_.key()), cursor_(cursor),
      incomplete_(incomplete)
{
    if (cursor_ >= feed_.window_.floor())
        next_group_ = feed_.window_.first_after(cursor_);
}

subscription::~subscription()
{
    feed_.leave(number_);
}

event_batch subscription::greeting() const
{
    return {std::make_shared<const std::string>(message_of(cursor_, {}, {.incomplete = incomplete_})), cursor_, {}};
}

event_batch subscription::last_message(std::string reason) const
{
    const message_marks marks{.incomplete = false, .end = reason, .detail = advice_on(reason)};
    return {std::make_shared<const std::string>(message_of(cursor_, {}, marks)), cursor_, std::move(reason)};
}

task<event_batch> subscription::next()
{
    if (!std::exchange(greeted_, true))
        co_return greeting();
    for (;;) {
        if (!feed_.end_.empty())
            co_return last_message(feed_.end_);
        if (!next_group_) {
            auto found = co_await catch_up();
            if (found)
                co_return std::move(*found);
            continue;
        }
        if (*next_group_ < feed_.window_.begin()) {
            ++feed_.stats_.lagging;
            co_return last_message("lagging");
        }
        if (auto found = from_window())
            co_return std::move(*found);
        waiting_ = true;
        co_await woken_.reached(woken_.value() + 1);
        waiting_ = false;
    }
}

/// Part of what happened before the window. @return nothing when none of it interests, or when the window has the rest
task<std::optional<event_batch>> subscription::catch_up()
{
    co_await feed_.history_.acquire();
    const slot_guard reading(feed_.history_);
    if (cursor_ >= feed_.window_.floor()) {
        next_group_ = feed_.window_.first_after(cursor_);
        co_return std::nullopt;
    }
    event_source::slice slice;
    std::optional<journal::store_error> broken;
    try {
        slice = feed_.source_.read(cursor_, feed_.window_.last(), feed_.limits_.records_at_once);
    } catch (const journal::store_error& e) {
        broken = e;
    }
    if (broken)
        co_return last_message("broken");
    cursor_ = slice.last;
    std::vector<const event*> admitted;
    for (const auto& e : slice.events)
        if (filter_.admits(e))
            admitted.push_back(&e);
    if (!admitted.empty())
        co_return event_batch{std::make_shared<const std::string>(message_of(cursor_, admitted)), cursor_, {}};
    // Nothing was sent that would have let others go on.
    co_await yield_now();
    co_return std::nullopt;
}

/// Goes past what does not interest. @return whether something of the window does
bool subscription::is_interested()
{
    if (!next_group_ || *next_group_ < feed_.window_.begin())
        return true;
    for (; *next_group_ < feed_.window_.end(); ++*next_group_) {
        if (feed_.window_.group(*next_group_).has_for(filter_, cursor_))
            return true;
        cursor_ = feed_.window_.group(*next_group_).last();
    }
    return false;
}

std::optional<event_batch> subscription::from_window()
{
    for (; *next_group_ < feed_.window_.end(); ++*next_group_) {
        auto& group = feed_.window_.group(*next_group_);
        auto text = group.message(filter_, key_, cursor_);
        cursor_ = group.last();
        if (text) {
            ++*next_group_;
            return event_batch{std::move(text), cursor_, {}};
        }
    }
    return std::nullopt;
}

} // namespace potoo::server
