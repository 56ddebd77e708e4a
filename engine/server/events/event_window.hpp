#pragma once
/// @file
/// The latest events, kept for everybody who is not far behind.

#include "engine/server/events/event.hpp"
#include "engine/server/events/event_filter.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace potoo::server {

/// Events that are sent together. Messages made of them are shared by all whose filters say the same.
class event_group
{
  public:
    /// @param last every record up to this one was looked at
    event_group(std::vector<event> events, journal::record_seq last);

    [[nodiscard]] journal::record_seq last() const noexcept { return last_; }

    [[nodiscard]] std::size_t size() const noexcept { return events_.size(); }

    [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }

    [[nodiscard]] bool has_for(const event_filter& filter, journal::record_seq after) const;

    /// @param key that of `filter`
    /// @param after nothing of the journal up to this
    /// @return null when the filter admits none
    [[nodiscard]] std::shared_ptr<const std::string> message(const event_filter& filter, const std::string& key,
                                                             journal::record_seq after);

    /// Who comes late makes a message of its own.
    void forget_messages() noexcept;

  private:
    [[nodiscard]] std::vector<const event*> admitted(const event_filter& filter, journal::record_seq after) const;
    [[nodiscard]] std::shared_ptr<const std::string>* kept(const event_filter& filter, const std::string& key);

    std::vector<event> events_;
    std::size_t bytes_ = sizeof(event_group);
    journal::record_seq last_;
    journal::record_seq first_; ///< of the journal that is told of; behind the last when none is
    std::shared_ptr<const std::string> whole_;
    std::vector<std::pair<std::string, std::shared_ptr<const std::string>>> made_; ///< by key of the filter
};

/// Groups are numbered in order, from 0.
class event_window
{
  public:
    /// @param bytes of events kept; the last group is kept in any case
    explicit event_window(std::size_t bytes) : limit_(bytes) {}

    /// Forgets all, and begins after a record.
    void begin_at(journal::record_seq seq);

    void add(event_group group);

    /// Up to this record there is nothing more to tell.
    void pass_over(journal::record_seq seq) noexcept;

    /// Everything after this record is here.
    [[nodiscard]] journal::record_seq floor() const noexcept { return floor_; }

    [[nodiscard]] journal::record_seq last() const noexcept { return last_; }

    [[nodiscard]] std::uint64_t begin() const noexcept { return begin_; }

    [[nodiscard]] std::uint64_t end() const noexcept { return begin_ + groups_.size(); }

    [[nodiscard]] event_group& group(std::uint64_t number) { return groups_[number - begin_]; }

    /// The first group with something later than the record, which is not before the floor.
    [[nodiscard]] std::uint64_t first_after(journal::record_seq seq) const noexcept;

  private:
    std::size_t limit_;
    std::size_t bytes_ = 0;
    std::uint64_t begin_ = 0;
    journal::record_seq floor_{0};
    journal::record_seq last_{0};
    std::deque<event_group> groups_;
};

} // namespace potoo::server
