#include <potoo/time.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>

namespace potoo {

namespace {

struct unit
{
    std::string_view name;
    std::int64_t milliseconds;
};

constexpr std::array units{unit{"d", 86'400'000}, unit{"h", 3'600'000}, unit{"m", 60'000}, unit{"s", 1'000},
                           unit{"ms", 1}};
constexpr std::int64_t longest = 10'000 * units.front().milliseconds;

/// Takes from the front of a text.
class reader
{
  public:
    explicit reader(std::string_view text) : rest_(text) {}

    [[nodiscard]] bool at_end() const { return rest_.empty(); }

    template <class Predicate>
    std::string_view take_while(Predicate fits)
    {
        const auto length = static_cast<std::size_t>(std::ranges::find_if_not(rest_, fits) - rest_.begin());
        const auto taken = rest_.substr(0, length);
        rest_.remove_prefix(length);
        return taken;
    }

    std::string_view digits()
    {
        return take_while([](char c) { return c >= '0' && c <= '9'; });
    }

    bool accept(std::string_view any_of)
    {
        const bool found = !rest_.empty() && any_of.find(rest_.front()) != std::string_view::npos;
        if (found) {
            rest_.remove_prefix(1);
        }
        return found;
    }

    /// Exactly `count` digits, of which the number is at most `most`.
    std::optional<int> number(std::size_t count, int most)
    {
        int value = 0;
        for (std::size_t i = 0; i < count; ++i) {
            if (i >= rest_.size() || rest_[i] < '0' || rest_[i] > '9') {
                return std::nullopt;
            }
            value = value * 10 + (rest_[i] - '0');
        }
        rest_.remove_prefix(count);
        return value <= most ? std::optional(value) : std::nullopt;
    }

  private:
    std::string_view rest_;
};

/// @return nothing when there are more digits than `most_digits`
std::optional<std::int64_t> read_integer(std::string_view digits, std::size_t most_digits)
{
    if (digits.size() > most_digits) {
        return std::nullopt;
    }
    std::int64_t value = 0;
    for (const char c : digits) {
        value = value * 10 + (c - '0');
    }
    return value;
}

/// `digits` after the decimal point of a number of `scale` milliseconds; nothing when that is no whole number of them.
std::optional<std::int64_t> read_fraction(std::string_view digits, std::int64_t scale)
{
    while (digits.ends_with('0')) {
        digits.remove_suffix(1);
    }
    // No fraction of a day with more digits is a whole number of milliseconds.
    constexpr std::size_t most_digits = 10;
    const auto numerator = read_integer(digits, most_digits);
    if (!numerator) {
        return std::nullopt;
    }
    std::int64_t denominator = 1;
    for (std::size_t i = 0; i < digits.size(); ++i) {
        denominator *= 10;
    }
    const auto scaled = *numerator * scale;
    return scaled % denominator == 0 ? std::optional(scaled / denominator) : std::nullopt;
}

/// One number with its unit, which must come after `next` in the table.
std::optional<std::int64_t> read_component(reader& text, std::size_t& next)
{
    auto whole = text.digits();
    if (whole.empty()) {
        return std::nullopt;
    }
    std::string_view fraction;
    if (text.accept(".")) {
        fraction = text.digits();
        if (fraction.empty()) {
            return std::nullopt;
        }
    }
    const auto name = text.take_while([](char c) { return c >= 'a' && c <= 'z'; });
    const auto* found = std::find_if(units.begin() + next, units.end(), [&](const unit& u) { return u.name == name; });
    if (found == units.end()) {
        return std::nullopt;
    }
    next = static_cast<std::size_t>(found - units.begin()) + 1;
    while (whole.starts_with('0')) {
        whole.remove_prefix(1);
    }
    constexpr std::size_t most_digits = 12;
    const auto count = read_integer(whole, most_digits);
    const auto rest = read_fraction(fraction, found->milliseconds);
    if (!count || !rest || *count > longest / found->milliseconds) {
        return std::nullopt;
    }
    return *count * found->milliseconds + *rest;
}

/// Minutes east of UTC.
std::optional<std::chrono::minutes> read_offset(reader& text)
{
    if (text.accept("Zz")) {
        return std::chrono::minutes{0};
    }
    const bool west = text.accept("-");
    if (!west && !text.accept("+")) {
        return std::nullopt;
    }
    const auto hours = text.number(2, 23);
    const bool separated = hours && text.accept(":");
    const auto minutes = separated ? text.number(2, 59) : std::nullopt;
    if (!minutes) {
        return std::nullopt;
    }
    const auto offset = std::chrono::hours{*hours} + std::chrono::minutes{*minutes};
    return west ? -offset : offset;
}

std::optional<std::chrono::sys_days> read_date(reader& text)
{
    const auto year = text.number(4, 9999);
    const bool after_year = year && text.accept("-");
    const auto month = after_year ? text.number(2, 12) : std::nullopt;
    const bool after_month = month && text.accept("-");
    const auto day = after_month ? text.number(2, 31) : std::nullopt;
    if (!day) {
        return std::nullopt;
    }
    const std::chrono::year_month_day date{std::chrono::year{*year}, std::chrono::month{static_cast<unsigned>(*month)},
                                           std::chrono::day{static_cast<unsigned>(*day)}};
    return date.ok() ? std::optional(std::chrono::sys_days{date}) : std::nullopt;
}

/// What is finer than a millisecond is cut off.
std::optional<std::chrono::milliseconds> read_time_of_day(reader& text)
{
    const auto hour = text.number(2, 23);
    const bool after_hour = hour && text.accept(":");
    const auto minute = after_hour ? text.number(2, 59) : std::nullopt;
    const bool after_minute = minute && text.accept(":");
    const auto second = after_minute ? text.number(2, 60) : std::nullopt;
    if (!second) {
        return std::nullopt;
    }
    int milliseconds = 0;
    if (text.accept(".")) {
        const auto digits = text.digits();
        if (digits.empty()) {
            return std::nullopt;
        }
        for (std::size_t i = 0; i < 3; ++i) {
            milliseconds = milliseconds * 10 + (i < digits.size() ? digits[i] - '0' : 0);
        }
    }
    return std::chrono::hours{*hour} + std::chrono::minutes{*minute} + std::chrono::seconds{*second} +
           std::chrono::milliseconds{milliseconds};
}

} // namespace

std::optional<duration> parse_duration(std::string_view text)
{
    reader rest(text);
    if (rest.at_end()) {
        return std::nullopt;
    }
    std::int64_t total = 0;
    std::size_t next = 0;
    while (!rest.at_end()) {
        const auto component = read_component(rest, next);
        if (!component) {
            return std::nullopt;
        }
        total += *component;
    }
    return total <= longest ? std::optional(duration{total}) : std::nullopt;
}

std::string format_duration(duration d)
{
    if (d.count() == 0) {
        return "0ms";
    }
    // Negating the smallest duration overflows when signed.
    auto rest = static_cast<std::uint64_t>(d.count());
    std::string text;
    if (d.count() < 0) {
        rest = 0 - rest;
        text = "-";
    }
    for (const auto& u : units) {
        const auto size = static_cast<std::uint64_t>(u.milliseconds);
        if (const auto count = rest / size; count > 0) {
            text += std::to_string(count);
            text += u.name;
            rest %= size;
        }
    }
    return text;
}

std::optional<wall_time> parse_time(std::string_view text)
{
    reader rest(text);
    const auto date = read_date(rest);
    if (!date || !rest.accept("Tt")) {
        return std::nullopt;
    }
    const auto time = read_time_of_day(rest);
    if (!time) {
        return std::nullopt;
    }
    const auto offset = read_offset(rest);
    if (!offset || !rest.at_end()) {
        return std::nullopt;
    }
    return wall_time{*date + *time - *offset};
}

std::string format_time(wall_time t)
{
    using namespace std::chrono;
    constexpr wall_time first{sys_days{year{0} / January / 1}};
    constexpr wall_time last{sys_days{year{10000} / January / 1} - milliseconds{1}};
    t = std::clamp(t, first, last);
    const auto day = floor<days>(t);
    const year_month_day date{day};
    const hh_mm_ss time{t - day};
    return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", static_cast<int>(date.year()),
                       static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), time.hours().count(),
                       time.minutes().count(), time.seconds().count(), time.subseconds().count());
}

} // namespace potoo
