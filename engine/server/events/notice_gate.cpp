#include "engine/server/events/notice_gate.hpp"

#include "engine/server/events/event_text.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

namespace potoo::server {

namespace {

/// Equal for notices of which the later one says all that matters.
std::string key_of(const run_notice& notice)
{
    const std::string_view run = notice.run ? std::string_view(notice.run->value()) : std::string_view();
    const bool by_text = notice.what != run_notice::kind::progress;
    return fmt::format("{} {} {} {} {} {}", static_cast<int>(notice.what), run, notice.task, notice.item.value(),
                       notice.attempt.value(), by_text ? notice.text : std::string_view());
}

} // namespace

std::optional<event> notice_gate::pass(const run_notice& notice, steady_time now, wall_time at)
{
    auto told = event_of(notice, at);
    if (!told)
        return std::nullopt;
    auto& here = places_[key_of(notice)];
    if (!here.kept && here.free <= now) {
        here.free = now + pause_;
        return told;
    }
    if (!here.kept)
        here.order = ++order_;
    here.kept = std::move(told);
    return std::nullopt;
}

std::vector<event> notice_gate::due(steady_time now)
{
    std::vector<std::pair<std::uint64_t, event>> ready;
    for (auto i = places_.begin(); i != places_.end();) {
        auto& [key, here] = *i;
        if (here.free > now) {
            ++i;
        } else if (here.kept) {
            ready.emplace_back(here.order, *std::exchange(here.kept, std::nullopt));
            here.free = now + pause_;
            ++i;
        } else {
            i = places_.erase(i);
        }
    }
    std::ranges::sort(ready, {}, &std::pair<std::uint64_t, event>::first);
    std::vector<event> result;
    result.reserve(ready.size());
    for (auto& [order, e] : ready)
        result.push_back(std::move(e));
    return result;
}

} // namespace potoo::server
