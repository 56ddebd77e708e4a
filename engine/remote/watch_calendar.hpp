#pragma once
/// @file
/// Watches by the time of their next look: one group a time, so that one wake-up serves all of a group.

#include "engine/remote/watch_list.hpp"

#include <potoo/time.hpp>

#include <iterator>
#include <map>
#include <vector>

namespace potoo::remote {

class watch_calendar
{
  public:
    explicit watch_calendar(watch_list::store& s) noexcept : store_(s) {}

    void put(watch& w, steady_time due);

    /// Of the first group; it may have been left by all who were in it. `steady_time::max()` when there is none.
    [[nodiscard]] steady_time next_due() const noexcept
    {
        return groups_.empty() ? steady_time::max() : groups_.begin()->first;
    }

    /// Moves those that are due at `now` to the end of `line`.
    void take_due(steady_time now, watch_list& line);

    /// Takes such as will be due until `limit`, the earliest first, until `to` has `room`. `fits` is asked with each
    /// and the time it is due; many that do not fit end the search.
    template <class Fits>
    void take_early(steady_time limit, std::vector<watch*>& to, std::size_t room, Fits fits)
    {
        std::size_t patience = room;
        for (auto group = groups_.begin(); group != groups_.end() && group->first <= limit;) {
            if (to.size() == room || patience == 0)
                return;
            group->second.take_fitting(to, room, patience, [&](watch& w) { return fits(w, group->first); });
            group = group->second.empty() ? groups_.erase(group) : std::next(group);
        }
    }

    /// Nobody is in it any more.
    void clear() noexcept { groups_.clear(); }

  private:
    watch_list::store& store_;
    std::map<steady_time, watch_list> groups_;
};

} // namespace potoo::remote
