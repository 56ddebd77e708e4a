#include "engine/remote/watch_calendar.hpp"

#include <utility>

namespace potoo::remote {

void watch_calendar::put(watch& w, steady_time due)
{
    auto group = groups_.lower_bound(due);
    if (group == groups_.end() || group->first != due)
        group = groups_.emplace_hint(group, due, watch_list(store_));
    group->second.push(w);
}

void watch_calendar::take_due(steady_time now, watch_list& line)
{
    while (!groups_.empty() && groups_.begin()->first <= now) {
        line.append(std::move(groups_.begin()->second));
        groups_.erase(groups_.begin());
    }
}

} // namespace potoo::remote
