#include "engine/server/events/event_filter.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>

namespace potoo::server {

namespace {

template <class T>
bool has(const std::vector<T>& wanted, const T& value)
{
    return wanted.empty() || std::ranges::find(wanted, value) != wanted.end();
}

/// With its length, so that no end of one text can pass for the beginning of the next.
void add(std::string& key, const std::string& text)
{
    key += std::to_string(text.size()) + ':' + text;
}

} // namespace

bool event_filter::admits(const event& e) const
{
    if (!has(types, e.type) || !has(states, e.state) || (!task.empty() && e.task != task))
        return false;
    if (!e.run)
        return run.empty() && dag.empty() && !allowed;
    return (run.empty() || e.run->id.value() == run) && (dag.empty() || e.run->dag == dag) &&
           (!allowed || allowed(*e.run));
}

bool event_filter::admits_all() const noexcept
{
    return run.empty() && dag.empty() && task.empty() && states.empty() && types.empty() && !allowed;
}

std::string event_filter::key() const
{
    std::string result;
    if (allowed || admits_all())
        return result;
    for (const auto* text : {&run, &dag, &task})
        add(result, *text);
    for (const auto s : states)
        result += 's' + std::to_string(static_cast<int>(s));
    for (const auto t : types)
        result += 't' + std::to_string(static_cast<int>(t));
    return result;
}

std::optional<event_type> parse_event_type(std::string_view name) noexcept
{
    const auto* found = std::ranges::find(event_types, name, &event_type_details::name);
    return found == event_types.end() ? std::nullopt : std::optional(found->type);
}

std::optional<journal::recorded_state> parse_event_state(std::string_view name) noexcept
{
    for (std::size_t i = 1; i < journal::recorded_state_count; ++i) {
        const auto state = static_cast<journal::recorded_state>(i);
        if (journal::to_string(state) == name)
            return state;
    }
    return std::nullopt;
}

std::optional<journal::record_seq> parse_cursor(std::string_view text) noexcept
{
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (text.empty() || error != std::errc() || end != text.data() + text.size())
        return std::nullopt;
    return journal::record_seq(value);
}

} // namespace potoo::server
