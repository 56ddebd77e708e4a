#include "job_key.hpp"

#include <fmt/format.h>

#include <charconv>

namespace potoo::slurm {
namespace {

template <class Number>
std::optional<Number> whole_number(std::string_view text)
{
    Number n{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
    if (error != std::errc() || end != text.data() + text.size())
        return std::nullopt;
    return n;
}

/// `9-12`, `9-15:3` or `7`.
bool range_holds(std::string_view range, std::uint32_t element)
{
    std::uint32_t step = 1;
    if (const auto colon = range.find(':'); colon != std::string_view::npos) {
        step = whole_number<std::uint32_t>(range.substr(colon + 1)).value_or(1);
        range = range.substr(0, colon);
    }
    const auto dash = range.find('-');
    const auto first = whole_number<std::uint32_t>(range.substr(0, dash));
    const auto last = dash == std::string_view::npos ? first : whole_number<std::uint32_t>(range.substr(dash + 1));
    return first && last && element >= *first && element <= *last && (element - *first) % std::max(step, 1U) == 0;
}

} // namespace

std::optional<job_key> parse_job_key(std::string_view text)
{
    const auto line = text.find('_');
    const auto job = whole_number<std::uint64_t>(text.substr(0, line));
    if (!job || *job == 0)
        return std::nullopt;
    if (line == std::string_view::npos)
        return job_key{*job, no_element};
    const auto element = whole_number<std::uint32_t>(text.substr(line + 1));
    if (!element || *element == no_element)
        return std::nullopt;
    return job_key{*job, *element};
}

std::string to_text(job_key key)
{
    return key.element == no_element ? fmt::format("{}", key.job) : fmt::format("{}_{}", key.job, key.element);
}

std::string array_text(const std::vector<item_index>& items)
{
    std::string text;
    for (auto at = items.begin(); at != items.end();) {
        auto last = at;
        while (last + 1 != items.end() && (last + 1)->value() == last->value() + 1)
            ++last;
        if (!text.empty())
            text += ',';
        text += at == last ? fmt::format("{}", at->value()) : fmt::format("{}-{}", at->value(), last->value());
        at = last + 1;
    }
    return text;
}

membership holds(std::string_view elements, std::uint32_t element)
{
    elements = elements.substr(0, elements.find('%'));
    while (!elements.empty()) {
        const std::string_view range = elements.substr(0, elements.find(','));
        if (range.ends_with("..."))
            return membership::unsure;
        if (range_holds(range, element))
            return membership::yes;
        elements.remove_prefix(std::min(range.size() + 1, elements.size()));
    }
    return membership::no;
}

} // namespace potoo::slurm
