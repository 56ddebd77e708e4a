#pragma once
/// @file
/// What of single tasks is still to be written: ends soon, what they tell of themselves once some of it has gathered.

#include "engine/server/tasks/task_entry.hpp"

#include <potoo/time.hpp>
#include <potoo/wait.hpp>

#include <cstddef>
#include <deque>
#include <vector>

namespace potoo::server {

/// Writes nothing itself, and knows no clock.
class task_backlog
{
  public:
    /// Entries that are written at the same time.
    static constexpr std::size_t most_at_once = 256;

    /// How long what a task tells of itself is kept in memory only.
    static constexpr duration time_to_gather{2'000};

    /// @param wake counts when there is more to do than before; outlives it
    explicit task_backlog(counter& wake) : wake_(wake) {}

    /// Of one that has ended, or never began.
    void add_end(const task_entry_ptr& e);

    /// Those that have waited longest, at most `most_at_once`. They wait until `drop_ends` lets go of them.
    [[nodiscard]] std::vector<task_entry_ptr> next_ends() const;

    /// The first `n` are written.
    void drop_ends(std::size_t n);

    /// It has told of itself. Of one that has ended its end is to be written, and with it all of this.
    void add_change(const task_entry_ptr& e, steady_time now);

    /// When changes are to be written; `max` = there are none.
    [[nodiscard]] steady_time changes_due() const noexcept { return due_; }

    [[nodiscard]] bool has_changes() const noexcept { return !changes_.empty(); }

    /// Some of them, at most `most_at_once`, whether or not they are due; without those that have ended meanwhile.
    [[nodiscard]] std::vector<task_entry_ptr> take_changes();

    /// Those could not be written: not before `due` again.
    void put_back(const std::vector<task_entry_ptr>& changes, steady_time due);

  private:
    counter& wake_;
    std::deque<task_entry_ptr> ends_;
    std::vector<task_entry_ptr> changes_;
    steady_time due_ = steady_time::max();
};

} // namespace potoo::server
