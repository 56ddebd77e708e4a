#include "engine/server/events/event_window.hpp"

#include "engine/server/events/event_text.hpp"

#include <algorithm>
#include <utility>

namespace potoo::server {

namespace {

/// More different filters than this are rare; each then makes its own message.
constexpr std::size_t most_kept = 16;

/// Of so many groups messages are kept, the latest: all but a few subscribers take these.
constexpr std::size_t most_shared = 4;

bool is_after(const event& e, journal::record_seq after) noexcept
{
    return e.seq.value() == 0 || e.seq > after;
}

} // namespace

event_group::event_group(std::vector<event> events, journal::record_seq last)
    : events_(std::move(events)), last_(last), first_(last.value() + 1)
{
    const auto found = std::ranges::find_if(events_, [](const event& e) { return e.seq.value() != 0; });
    if (found != events_.end())
        first_ = found->seq;
    for (const auto& e : events_)
        bytes_ += sizeof e + e.text.size() + e.task.size();
}

void event_group::forget_messages() noexcept
{
    whole_.reset();
    made_ = {};
}

bool event_group::has_for(const event_filter& filter, journal::record_seq after) const
{
    return std::ranges::any_of(events_, [&](const event& e) { return is_after(e, after) && filter.admits(e); });
}

std::vector<const event*> event_group::admitted(const event_filter& filter, journal::record_seq after) const
{
    std::vector<const event*> result;
    for (const auto& e : events_)
        if (is_after(e, after) && filter.admits(e))
            result.push_back(&e);
    return result;
}

/// Where the message of such filters is kept; null when it is not.
std::shared_ptr<const std::string>* event_group::kept(const event_filter& filter, const std::string& key)
{
    if (filter.admits_all())
        return &whole_;
    if (key.empty())
        return nullptr;
    const auto found =
        std::ranges::find(made_, key, &std::pair<std::string, std::shared_ptr<const std::string>>::first);
    if (found != made_.end())
        return &found->second;
    return made_.size() < most_kept ? &made_.emplace_back(key, nullptr).second : nullptr;
}

std::shared_ptr<const std::string> event_group::message(const event_filter& filter, const std::string& key,
                                                        journal::record_seq after)
{
    auto* const place = first_ > after ? kept(filter, key) : nullptr;
    if (place && *place)
        return *place;
    const auto events = admitted(filter, after);
    if (events.empty())
        return nullptr;
    auto made = std::make_shared<const std::string>(message_of(last_, events));
    if (place)
        *place = made;
    return made;
}

void event_window::begin_at(journal::record_seq seq)
{
    begin_ = end();
    groups_.clear();
    bytes_ = 0;
    floor_ = last_ = seq;
}

void event_window::add(event_group group)
{
    last_ = group.last();
    bytes_ += group.bytes();
    groups_.push_back(std::move(group));
    if (groups_.size() > most_shared)
        groups_[groups_.size() - 1 - most_shared].forget_messages();
    while (bytes_ > limit_ && groups_.size() > 1) {
        bytes_ -= groups_.front().bytes();
        floor_ = groups_.front().last();
        groups_.pop_front();
        ++begin_;
    }
}

void event_window::pass_over(journal::record_seq seq) noexcept
{
    last_ = seq;
}

std::uint64_t event_window::first_after(journal::record_seq seq) const noexcept
{
    const auto found = std::ranges::upper_bound(groups_, seq, {}, &event_group::last);
    return begin_ + static_cast<std::uint64_t>(found - groups_.begin());
}

} // namespace potoo::server
