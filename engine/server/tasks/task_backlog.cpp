#include "engine/server/tasks/task_backlog.hpp"

#include <algorithm>
#include <utility>

namespace potoo::server {

namespace {

/// `n` as what an iterator goes on by.
std::ptrdiff_t steps(std::size_t n)
{
    return static_cast<std::ptrdiff_t>(n);
}

} // namespace

void task_backlog::add_end(const task_entry_ptr& e)
{
    ends_.push_back(e);
    wake_.increment();
}

std::vector<task_entry_ptr> task_backlog::next_ends() const
{
    return {ends_.begin(), ends_.begin() + steps(std::min(ends_.size(), most_at_once))};
}

void task_backlog::drop_ends(std::size_t n)
{
    ends_.erase(ends_.begin(), ends_.begin() + steps(n));
}

void task_backlog::add_change(const task_entry_ptr& e, steady_time now)
{
    if (e->has_ended() || std::exchange(e->changed, true))
        return;
    changes_.push_back(e);
    if (changes_.size() > 1)
        return;
    due_ = now + time_to_gather;
    wake_.increment();
}

std::vector<task_entry_ptr> task_backlog::take_changes()
{
    due_ = steady_time::max();
    const auto first = changes_.end() - steps(std::min(changes_.size(), most_at_once));
    std::vector<task_entry_ptr> taken(first, changes_.end());
    changes_.erase(first, changes_.end());
    for (const task_entry_ptr& e : taken)
        e->changed = false;
    std::erase_if(taken, [](const task_entry_ptr& e) { return e->has_ended(); });
    return taken;
}

void task_backlog::put_back(const std::vector<task_entry_ptr>& changes, steady_time due)
{
    due_ = due;
    for (const task_entry_ptr& e : changes) {
        if (!std::exchange(e->changed, true))
            changes_.push_back(e);
    }
}

} // namespace potoo::server
