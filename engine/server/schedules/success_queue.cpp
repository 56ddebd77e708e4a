#include "engine/server/schedules/success_queue.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace potoo::server {

bool success_queue::add(success s)
{
    if (std::ranges::any_of(waiting_, [&](const success& w) { return w.id == s.id; }))
        return false;
    waiting_.push_back(std::move(s));
    return true;
}

void success_queue::remove(const run_id& id)
{
    std::erase_if(waiting_, [&](const success& w) { return w.id == id; });
}

std::vector<success_queue::success> success_queue::missed_but(std::size_t most) const
{
    std::vector<success> missed;
    std::ranges::copy_if(waiting_, std::back_inserter(missed), &success::missed);
    missed.resize(missed.size() - std::min(missed.size(), most));
    return missed;
}

std::optional<wall_time> success_queue::earliest() const
{
    const auto first = std::ranges::min_element(waiting_, {}, &success::at);
    return first == waiting_.end() ? std::nullopt : std::optional(first->at);
}

} // namespace potoo::server
