#include "engine/graph/schedule_syntax.hpp"

#include "engine/graph/describe_value.hpp"
#include "engine/text/ascii.hpp"

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
    const auto word = std::find(field.words.begin(), field.words.end(), text::lower(text));
    if (word != field.words.end())
        return field.least + static_cast<int>(word - field.words.begin());
    const auto v = number_of(text);
    return v && *v >= field.least && *v <= field.most ? v : std::nullopt;
}

/// `*`, `a`, `a-b`, each with `/step` or without. @return the numbers as bits; 0 when it is none of these
std::uint64_t numbers_of(const cron_field& field, std::string_view part)
{
    const auto slash = part.find('/');
    const auto range = part.substr(0, slash);
    std::optional<int> step = 1;
    if (slash != std::string_view::npos) {
        step = number_of(part.substr(slash + 1));
        if (!step || *step < 1 || *step > field.most)
            return 0;
    }
    std::optional<int> from = field.least;
    std::optional<int> to = field.most;
    if (const auto dash = range.find('-'); dash != std::string_view::npos) {
        from = value_of(field, range.substr(0, dash));
        to = value_of(field, range.substr(dash + 1));
    } else if (range != "*") {
        from = value_of(field, range);
        to = slash == std::string_view::npos ? from : field.most;
    }
    if (!from || !to)
        return 0;
    std::uint64_t bits = 0;
    for (int v = *from; v <= *to; v += *step)
        bits |= std::uint64_t{1} << v;
    return bits;
}

/// Whether some date has a month and a day out of these.
bool is_possible(const cron_fields& f)
{
    constexpr std::array<int, 12> most_days{31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (f.either_day)
        return true;
    for (unsigned month = 1; month <= 12; ++month)
        for (int day = 1; day <= most_days[month - 1]; ++day)
            if ((f.months >> month & 1) != 0 && (f.days >> day & 1) != 0)
                return true;
    return false;
}

parsed_schedule parse_shortcut(std::string_view text)
{
    struct shortcut
    {
        std::string_view word;
        std::string_view cron;
    };

    constexpr std::array<shortcut, 5> known{{{"@hourly", "0 * * * *"},
                                             {"@daily", "0 0 * * *"},
                                             {"@weekly", "0 0 * * 0"},
                                             {"@monthly", "0 0 1 * *"},
                                             {"@yearly", "0 0 1 1 *"}}};
    constexpr std::string_view every = "@every ";
    for (const auto& s : known)
        if (text == s.word)
            return parse_schedule(s.cron);
    if (!text.starts_with(every)) {
        std::vector<std::string_view> words;
        for (const auto& s : known)
            words.push_back(s.word);
        return {{}, fmt::format("{} is not one of {}, @every DURATION", quoted(text), fmt::join(words, ", "))};
    }
    const auto length = text.substr(every.size());
    const auto d = parse_duration(length);
    if (!d || d->count() <= 0)
        return {{}, fmt::format("{} is no duration: `@every 15m` has the right form", quoted(length))};
    if (*d < std::chrono::seconds(1))
        return {{}, fmt::format("{} is too often: `@every 1s` is the shortest", quoted(length))};
    return {*d, {}};
}

} // namespace

parsed_schedule parse_schedule(std::string_view text)
{
    if (text.starts_with('@'))
        return parse_shortcut(text);
    auto words = split(text, ' ');
    std::erase(words, "");
    if (words.size() != fields.size())
        return {
            {},
            fmt::format("a cron schedule has five fields (minute, hour, day of month, month, day of week), this has {}",
                        words.size())};
    std::array<std::uint64_t, 5> bits{};
    for (std::size_t i = 0; i < fields.size(); ++i)
        for (const auto part : split(words[i], ',')) {
            const auto numbers = numbers_of(fields[i], part);
            if (numbers == 0)
                return {{},
                        fmt::format("{} is no {}: `*`, `{}`, `{}-{}`, `*/2` and lists of these with `,` are",
                                    quoted(part), fields[i].name, fields[i].least, fields[i].least, fields[i].most)};
            bits[i] |= numbers;
        }
    constexpr std::uint64_t seventh = std::uint64_t{1} << 7; // Sunday, as 0 is
    cron_fields f;
    f.minutes = bits[0];
    f.hours = static_cast<std::uint32_t>(bits[1]);
    f.days = static_cast<std::uint32_t>(bits[2]);
    f.months = static_cast<std::uint16_t>(bits[3]);
    f.weekdays = static_cast<std::uint8_t>((bits[4] & ~seventh) | ((bits[4] & seventh) != 0 ? 1 : 0));
    f.either_day = !words[2].starts_with('*') && !words[4].starts_with('*');
    if (!is_possible(f))
        return {{}, fmt::format("there is no date with day {} and month {}", words[2], words[3])};
    return {f, {}};
}

std::string schedule_refusal(std::string_view text)
{
    return parse_schedule(text).refusal;
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
