#include "engine/graph/schedule_syntax.hpp"

#include "engine/graph/describe_value.hpp"

#include <potoo/time.hpp>

#include <date/tz.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <span>
#include <vector>

namespace potoo::graph {

namespace {

constexpr std::array<std::string_view, 12> months{"jan", "feb", "mar", "apr", "may", "jun",
                                                  "jul", "aug", "sep", "oct", "nov", "dec"};
constexpr std::array<std::string_view, 7> days{"sun", "mon", "tue", "wed", "thu", "fri", "sat"};

struct cron_field
{
    std::string_view name;
    int least;
    int most;
    std::span<const std::string_view> words; ///< the first stands for `least`
};

const std::array<cron_field, 5> fields{{
    {"minute", 0, 59, {}},
    {"hour", 0, 23, {}},
    {"day of month", 1, 31, {}},
    {"month", 1, 12, months},
    {"day of week", 0, 7, days},
}};

std::vector<std::string_view> split(std::string_view text, char separator)
{
    std::vector<std::string_view> parts;
    while (true) {
        const auto end = text.find(separator);
        parts.push_back(text.substr(0, end));
        if (end == std::string_view::npos)
            return parts;
        text.remove_prefix(end + 1);
    }
}

std::optional<int> number_of(std::string_view text)
{
    int v = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), v);
    if (text.empty() || error != std::errc() || end != text.data() + text.size())
        return std::nullopt;
    return v;
}

std::optional<int> value_of(const cron_field& field, std::string_view text)
{
    std::string lower(text);
    std::transform(lower.begin(), lower.end(), lower.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    const auto word = std::find(field.words.begin(), field.words.end(), lower);
    if (word != field.words.end())
        return field.least + static_cast<int>(word - field.words.begin());
    const auto v = number_of(text);
    return v && *v >= field.least && *v <= field.most ? v : std::nullopt;
}

bool is_good_part(const cron_field& field, std::string_view part)
{
    const auto slash = part.find('/');
    const auto range = part.substr(0, slash);
    if (slash != std::string_view::npos) {
        const auto step = number_of(part.substr(slash + 1));
        if (!step || *step < 1 || *step > field.most)
            return false;
    }
    if (range == "*")
        return true;
    const auto dash = range.find('-');
    if (dash == std::string_view::npos)
        return value_of(field, range).has_value();
    const auto from = value_of(field, range.substr(0, dash));
    const auto to = value_of(field, range.substr(dash + 1));
    return from && to && *from <= *to;
}

std::string shortcut_refusal(std::string_view text)
{
    constexpr std::array<std::string_view, 5> known{"@hourly", "@daily", "@weekly", "@monthly", "@yearly"};
    constexpr std::string_view every = "@every ";
    if (std::find(known.begin(), known.end(), text) != known.end())
        return {};
    if (text.starts_with(every)) {
        const auto d = parse_duration(text.substr(every.size()));
        return d && d->count() > 0 ? std::string()
                                   : fmt::format("{} is no duration: `@every 15m` has the right form",
                                                 quoted(text.substr(every.size())));
    }
    return fmt::format("{} is not one of {}, @every DURATION", quoted(text), fmt::join(known, ", "));
}

} // namespace

std::string schedule_refusal(std::string_view text)
{
    if (text.starts_with('@'))
        return shortcut_refusal(text);
    auto words = split(text, ' ');
    std::erase(words, "");
    if (words.size() != fields.size())
        return fmt::format(
            "a cron schedule has five fields (minute, hour, day of month, month, day of week), this has {}",
            words.size());
    for (std::size_t i = 0; i < fields.size(); ++i)
        for (const auto part : split(words[i], ','))
            if (!is_good_part(fields[i], part))
                return fmt::format("{} is no {}: `*`, `{}`, `{}-{}`, `*/2` and lists of these with `,` are",
                                   quoted(part), fields[i].name, fields[i].least, fields[i].least, fields[i].most);
    return {};
}

std::string timezone_refusal(const std::string& name)
{
    try {
        static_cast<void>(date::locate_zone(name));
        return {};
    } catch (const std::exception&) {
        return fmt::format("{} is no time zone of the tz database; `Europe/Berlin` and `UTC` are", quoted(name));
    }
}

} // namespace potoo::graph
