#include "engine/graph/dag.hpp"

#include <array>

namespace potoo::graph {

std::optional<task_index> dag::find(std::string_view task_name) const
{
    const auto found = by_name.find(task_name);
    return found == by_name.end() ? std::nullopt : std::optional(found->second);
}

namespace {

constexpr std::array<std::string_view, 11> rule_names{
    "all_success",  "all_done",    "all_failed",
    "all_skipped",  "one_success", "one_failed",
    "one_done",     "none_failed", "none_failed_min_one_success",
    "none_skipped", "always",
};

} // namespace

std::string_view to_string(trigger_rule rule) noexcept
{
    const auto i = static_cast<std::size_t>(rule);
    return i < rule_names.size() ? rule_names[i] : "?";
}

std::optional<trigger_rule> parse_trigger_rule(std::string_view text) noexcept
{
    for (std::size_t i = 0; i < rule_names.size(); ++i)
        if (rule_names[i] == text)
            return static_cast<trigger_rule>(i);
    return std::nullopt;
}

std::span<const std::string_view> trigger_rule_names() noexcept
{
    return rule_names;
}

} // namespace potoo::graph
