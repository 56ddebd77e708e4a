#include "engine/server/schedules/schedule_ledger.hpp"

#include <potoo/json_members.hpp>

#include <algorithm>
#include <string_view>

namespace potoo::server {

namespace {

std::string text_of(const json::string& s)
{
    return {s.data(), s.size()};
}

json::array texts(const std::vector<std::string>& strings)
{
    json::array out;
    for (const auto& s : strings)
        out.emplace_back(json::string(s));
    return out;
}

std::optional<std::vector<std::string>> texts_in(const json::object& o, std::string_view name)
{
    const auto* v = o.if_contains(json::string_view(name.data(), name.size()));
    if (!v || !v->is_array())
        return std::nullopt;
    std::vector<std::string> out;
    for (const auto& e : v->get_array()) {
        if (!e.is_string())
            return std::nullopt;
        out.push_back(text_of(e.get_string()));
    }
    return out;
}

std::optional<std::vector<time_range>> ranges_in(const json::object& o, std::string_view name)
{
    const auto* v = o.if_contains(json::string_view(name.data(), name.size()));
    if (!v || !v->is_array())
        return std::nullopt;
    std::vector<time_range> out;
    for (const auto& r : v->get_array()) {
        const auto after = r.is_object() ? time_in(r.get_object(), "after") : std::nullopt;
        const auto until = r.is_object() ? time_in(r.get_object(), "until") : std::nullopt;
        if (!after || !until)
            return std::nullopt;
        out.push_back({*after, *until});
    }
    return out;
}

json::object to_json(const calendar_state& s)
{
    json::array owed;
    for (const auto& r : s.owed)
        owed.push_back(json::object{{"after", format_time(r.after)}, {"until", format_time(r.until)}});
    json::object out{{"calendar", s.calendar}, {"decided", format_time(s.decided)}, {"owed", std::move(owed)}};
    if (s.last)
        out["last"] = format_time(*s.last);
    return out;
}

std::optional<calendar_state> parse_calendar(const json::value& v)
{
    if (!v.is_object())
        return std::nullopt;
    const auto& o = v.get_object();
    const auto* calendar = o.if_contains("calendar");
    const auto decided = time_in(o, "decided");
    auto owed = ranges_in(o, "owed");
    const auto last = time_in(o, "last");
    if (!calendar || !calendar->is_string() || !decided || !owed || (o.contains("last") && !last))
        return std::nullopt;
    return calendar_state{text_of(calendar->get_string()), *decided, std::move(*owed), last};
}

json::object to_json(const trigger_state& s)
{
    json::object settled;
    for (const auto& [id, noticed] : s.settled)
        settled[id] = format_time(noticed);
    return {{"after", texts(s.after)}, {"until", format_time(s.until)}, {"settled", std::move(settled)}};
}

std::optional<trigger_state> parse_trigger(const json::value& v)
{
    if (!v.is_object())
        return std::nullopt;
    const auto& o = v.get_object();
    const auto until = time_in(o, "until");
    auto after = texts_in(o, "after");
    const auto* settled = o.if_contains("settled");
    if (!until || !after || !settled || !settled->is_object())
        return std::nullopt;
    trigger_state out{std::move(*after), *until, {}};
    for (const auto& [id, noticed] : settled->get_object()) {
        const auto at = noticed.is_string() ? parse_time(text_of(noticed.get_string())) : std::nullopt;
        if (!at)
            return std::nullopt;
        out.settled.emplace(std::string(id.data(), id.size()), *at);
    }
    return out;
}

std::uint64_t mixed(std::uint64_t x)
{
    // The finalizer of splitmix64: FNV alone leaves neighbouring times near each other.
    x ^= x >> 30;
    x *= 0xbf58476d1ce4e5b9;
    x ^= x >> 27;
    x *= 0x94d049bb133111eb;
    return x ^ x >> 31;
}

} // namespace

void calendar_state::owe(const time_range& at, const schedule::timetable& table)
{
    if (!owed.empty()) {
        // Without a time between the two they are one.
        const auto between = table.next(owed.back().until);
        if (between && *between > at.after) {
            owed.back().until = at.until;
            return;
        }
    }
    owed.push_back(at);
}

std::optional<wall_time> calendar_state::first_owed(const schedule::timetable& table)
{
    while (!owed.empty()) {
        const auto first = table.next(owed.front().after);
        if (first && *first <= owed.front().until)
            return first;
        owed.erase(owed.begin());
    }
    return std::nullopt;
}

void calendar_state::settle(wall_time at)
{
    if (owed.empty())
        return;
    owed.front().after = at;
    if (owed.front().after >= owed.front().until)
        owed.erase(owed.begin());
}

bool trigger_state::is_settled(const std::string& id, wall_time at, wall_time now) const
{
    // Were `until` later than now, the clock would have been set back, and `at` could not be compared with it.
    return settled.contains(id) || (at < until && until <= now);
}

void trigger_state::settle(const std::string& id, wall_time at, std::optional<wall_time> open)
{
    // Successes are not always noticed in their order.
    constexpr std::chrono::minutes margin{1};
    settled[id] = at;
    until = std::max(until, (open ? std::min(*open, at) : at) - margin);
    std::erase_if(settled, [this](const auto& s) { return s.second < until; });
}

json::value to_json(const schedule_state& s)
{
    json::object out;
    if (s.calendar)
        out["calendar"] = to_json(*s.calendar);
    if (s.trigger)
        out["trigger"] = to_json(*s.trigger);
    return out;
}

std::optional<schedule_state> parse_schedule_state(const json::value& v)
{
    if (!v.is_object())
        return std::nullopt;
    schedule_state out;
    const auto* c = v.get_object().if_contains("calendar");
    if (c && !(out.calendar = parse_calendar(*c)))
        return std::nullopt;
    const auto* t = v.get_object().if_contains("trigger");
    if (t && !(out.trigger = parse_trigger(*t)))
        return std::nullopt;
    return out;
}

std::string calendar_name(const graph::schedule_spec& s)
{
    return s.expression + " " + s.timezone;
}

duration jitter_of(const graph::dag& d, wall_time at)
{
    if (!d.schedule || d.schedule->jitter <= duration(0))
        return duration(0);
    std::uint64_t hash = 0xcbf29ce484222325;
    for (const char c : d.name + "@" + format_time(at)) {
        hash ^= static_cast<unsigned char>(c);
        hash *= 0x100000001b3;
    }
    return duration(static_cast<duration::rep>(mixed(hash) % static_cast<std::uint64_t>(d.schedule->jitter.count())));
}

} // namespace potoo::server
