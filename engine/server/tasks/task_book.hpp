#pragma once
/// @file
/// The single tasks that a server knows: which there are, who holds which key, which have ended when.

#include "engine/server/access/principal.hpp"
#include "engine/server/tasks/task_entry.hpp"
#include "engine/server/tasks/task_page.hpp"
#include "engine/server/tasks/task_rules.hpp"

#include <potoo/time.hpp>

#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <unordered_map>

namespace potoo::server {

/// In memory only: it knows no ledger and no clock.
class task_book
{
  public:
    /// One that has not begun. @return false when there is one of that id
    bool add(const task_entry_ptr& e);

    /// Undoes `add` for one that was not `show`n.
    void withdraw(const std::string& id);

    /// @return null when there is none
    [[nodiscard]] task_entry_ptr find(const std::string& id) const;

    /// As `find`, of those that have begun.
    [[nodiscard]] task_entry_ptr find_begun(const std::string& id) const;

    /// Whose the key of that slot is (`slot_of`); null = nobody's.
    [[nodiscard]] task_entry_ptr holder(const std::string& slot) const;

    /// Of one that is nobody's.
    void give_key(const std::string& slot, const task_entry_ptr& e);

    /// Unless the key is another's by now.
    void take_key_back(const std::string& slot, const task_entry_ptr& e);

    /// It has begun: from now on it is in the list.
    void show(const task_entry_ptr& e);

    /// Of a run that was retried, it is not the first; then it counts as of the first.
    void end(const task_entry_ptr& e, std::string state, wall_time now);

    /// Those that `who` may see. @throws task_refused (`invalid`) when the cursor is none
    [[nodiscard]] task_page page(const principal& who, const task_filter& which) const;

    /// The one that ended first of all, if the rules do not keep it; else null.
    [[nodiscard]] task_entry_ptr oldest_not_kept(const task_retention& keep, wall_time now) const;

    /// One that was shown is in the book no longer.
    void forget(const task_entry_ptr& e);

    /// Those that have begun and not ended.
    [[nodiscard]] std::size_t active() const noexcept { return order_.size() - ended_.size(); }

  private:
    std::unordered_map<std::string, task_entry_ptr> entries_;
    std::map<std::string, task_entry_ptr> holders_; ///< of keys
    std::set<task_place> order_;                    ///< what is listed
    std::set<task_place> ended_;                    ///< of what is listed, by end
};

} // namespace potoo::server
