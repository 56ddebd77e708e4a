#include "engine/schedule/cron.hpp"

#include <boost/test/unit_test.hpp>
#include <date/tz.h>
#include <rapidcheck.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

using namespace potoo;
using namespace potoo::schedule;
using namespace std::chrono_literals;

namespace {

class tz_zone final : public zone_rules
{
  public:
    explicit tz_zone(const std::string& name) : zone_(date::locate_zone(name)) {}

    [[nodiscard]] zone_period at(std::chrono::sys_seconds t) const override
    {
        const auto info = zone_->get_info(t);
        return {info.begin, info.end, info.offset};
    }

  private:
    const date::time_zone* zone_;
};

/// A zone that changes its distance from UTC at given times.
class made_up_zone final : public zone_rules
{
  public:
    explicit made_up_zone(std::vector<zone_period> periods) : periods_(std::move(periods)) {}

    [[nodiscard]] zone_period at(std::chrono::sys_seconds t) const override
    {
        return *std::find_if(periods_.begin(), periods_.end(), [&](const zone_period& p) { return t < p.end; });
    }

  private:
    std::vector<zone_period> periods_;
};

graph::schedule_times times_of(const std::string& text)
{
    const auto parsed = graph::parse_schedule(text);
    BOOST_REQUIRE_MESSAGE(parsed.times, text + ": " + parsed.refusal);
    return *parsed.times;
}

timetable table(const std::string& text, const std::string& zone = "UTC")
{
    return {times_of(text), std::make_shared<tz_zone>(zone)};
}

wall_time at(const std::string& text)
{
    const auto t = parse_time(text);
    BOOST_REQUIRE_MESSAGE(t, text);
    return *t;
}

/// `2026-03-29T01:30Z` for each time in the range, in one line.
std::string due(const timetable& t, const std::string& after, const std::string& until)
{
    std::string out;
    for (const auto time : t.between(at(after), at(until), 1000))
        out += (out.empty() ? "" : " ") + format_time(time).substr(5, 11);
    return out;
}

// What a schedule means, written down a second time: minute by minute.

using local_minute = std::chrono::local_time<std::chrono::minutes>;

bool names(const graph::cron_fields& f, local_minute t)
{
    const auto day = std::chrono::floor<std::chrono::days>(t);
    const std::chrono::year_month_day date(day);
    const std::chrono::hh_mm_ss time(t - day);
    const bool by_month = (f.days >> static_cast<unsigned>(date.day()) & 1) != 0;
    const bool by_week = (f.weekdays >> std::chrono::weekday(day).c_encoding() & 1) != 0;
    return (f.minutes >> time.minutes().count() & 1) != 0 && (f.hours >> time.hours().count() & 1) != 0 &&
           (f.months >> static_cast<unsigned>(date.month()) & 1) != 0 &&
           (f.either_day ? by_month || by_week : by_month && by_week);
}

std::vector<wall_time> by_walking(const graph::cron_fields& f, const zone_rules& zone, std::chrono::sys_seconds after,
                                  std::chrono::sys_seconds until)
{
    const bool hourly = f.hours == 0xFFFFFF;
    std::vector<wall_time> out;
    std::optional<local_minute> highest;
    for (auto t = std::chrono::floor<std::chrono::minutes>(after - 72h); t <= until; t += 1min) {
        const local_minute shown(std::chrono::floor<std::chrono::minutes>(t.time_since_epoch() + zone.at(t).offset));
        bool fires = hourly && names(f, shown);
        if (!hourly && highest)
            for (auto l = *highest + 1min; l <= shown; l += 1min)
                fires = fires || names(f, l);
        highest = highest ? std::max(*highest, shown) : shown;
        if (fires && t > after)
            out.push_back(t);
    }
    return out;
}

std::vector<std::string> listed(const std::vector<wall_time>& times)
{
    std::vector<std::string> out;
    for (std::size_t i = 0; i < std::min<std::size_t>(times.size(), 2000); ++i)
        out.push_back(format_time(times[i]));
    return out;
}

std::string random_field(int least, int most)
{
    const auto number = [&] { return std::to_string(*rc::gen::inRange(least, most + 1)); };
    switch (*rc::gen::inRange(0, 5)) {
    case 0:
        return "*";
    case 1:
        return "*/" + std::to_string(*rc::gen::inRange(1, most));
    case 2: {
        const int from = *rc::gen::inRange(least, most + 1);
        return std::to_string(from) + "-" + std::to_string(*rc::gen::inRange(from, most + 1));
    }
    case 3:
        return number() + "," + number();
    default:
        return number();
    }
}

std::string random_cron()
{
    return random_field(0, 59) + " " + random_field(0, 23) + " " + random_field(1, 28) + " " + random_field(1, 12) +
           " " + random_field(0, 7);
}

} // namespace

BOOST_AUTO_TEST_SUITE(cron)

BOOST_AUTO_TEST_CASE(fields_name_their_times)
{
    const auto first = [](const char* text, const char* after) {
        return format_time(table(text).next(at(after)).value());
    };
    BOOST_TEST(first("0 2 * * *", "2026-01-01T00:00:00Z") == "2026-01-01T02:00:00.000Z");
    BOOST_TEST(first("0 2 * * *", "2026-01-01T02:00:00Z") == "2026-01-02T02:00:00.000Z");
    BOOST_TEST(first("0 2 * * *", "2026-01-01T01:59:59.999Z") == "2026-01-01T02:00:00.000Z");
    BOOST_TEST(first("*/15 * * * *", "2026-01-01T00:00:01Z") == "2026-01-01T00:15:00.000Z");
    BOOST_TEST(first("59 23 31 12 *", "2026-12-31T23:59:00Z") == "2027-12-31T23:59:00.000Z");
    BOOST_TEST(first("0 0 * * MON-fri", "2026-01-02T00:00:00Z") == "2026-01-05T00:00:00.000Z");
    BOOST_TEST(first("0 0 * jun 7", "2026-01-01T00:00:00Z") == "2026-06-07T00:00:00.000Z");
    BOOST_TEST(first("5/20 * * * *", "2026-01-01T00:26:00Z") == "2026-01-01T00:45:00.000Z");
    BOOST_TEST(first("@hourly", "2026-01-01T00:00:00Z") == "2026-01-01T01:00:00.000Z");
    BOOST_TEST(first("@daily", "2026-01-01T00:00:00Z") == "2026-01-02T00:00:00.000Z");
    BOOST_TEST(first("@weekly", "2026-01-01T00:00:00Z") == "2026-01-04T00:00:00.000Z");
    BOOST_TEST(first("@monthly", "2026-01-01T00:00:00Z") == "2026-02-01T00:00:00.000Z");
    BOOST_TEST(first("@yearly", "2026-01-01T00:00:00Z") == "2027-01-01T00:00:00.000Z");
}

BOOST_AUTO_TEST_CASE(of_two_restricted_fields_of_days_one_is_enough)
{
    BOOST_TEST(due(table("0 0 13 * fri"), "2026-02-01T00:00:00Z", "2026-02-28T00:00:00Z") ==
               "02-06T00:00 02-13T00:00 02-20T00:00 02-27T00:00");
    BOOST_TEST(due(table("0 0 10 * fri"), "2026-02-01T00:00:00Z", "2026-02-20T00:00:00Z") ==
               "02-06T00:00 02-10T00:00 02-13T00:00 02-20T00:00");
    BOOST_TEST(due(table("0 0 */10 * fri"), "2026-01-01T00:00:00Z", "2026-12-31T00:00:00Z") ==
               "05-01T00:00 07-31T00:00 08-21T00:00 09-11T00:00 12-11T00:00");
}

BOOST_AUTO_TEST_CASE(leap_days_come_when_there_is_one)
{
    BOOST_TEST(format_time(table("0 12 29 2 *").next(at("2026-01-01T00:00:00Z")).value()) ==
               "2028-02-29T12:00:00.000Z");
    BOOST_TEST(format_time(table("0 12 29 2 *").next(at("2096-03-01T00:00:00Z")).value()) ==
               "2104-02-29T12:00:00.000Z");
    BOOST_TEST(due(table("0 0 28,29,30,31 * *"), "2028-02-27T00:00:00Z", "2028-03-29T12:00:00Z") ==
               "02-28T00:00 02-29T00:00 03-28T00:00 03-29T00:00");
    // A leap day that is a Tuesday, with a field of weekdays that narrows.
    BOOST_TEST(format_time(table("0 0 29 2 */2").next(at("2028-03-01T00:00:00Z")).value()) ==
               "2032-02-29T00:00:00.000Z");
}

BOOST_AUTO_TEST_CASE(every_counts_from_the_epoch)
{
    BOOST_TEST(due(table("@every 15m"), "2026-01-01T00:00:00Z", "2026-01-01T01:00:00Z") ==
               "01-01T00:15 01-01T00:30 01-01T00:45 01-01T01:00");
    BOOST_TEST(format_time(table("@every 1m30s").next(at("2026-01-01T00:00:00Z")).value()) ==
               "2026-01-01T00:01:30.000Z");
    BOOST_TEST(format_time(table("@every 7h").next(at("1969-12-31T23:00:00Z")).value()) == "1970-01-01T00:00:00.000Z");
}

BOOST_AUTO_TEST_CASE(a_missing_time_falls_due_when_the_clock_jumps)
{
    // Berlin: 02:00 becomes 03:00 on 2026-03-29, at 01:00Z.
    BOOST_TEST(due(table("30 2 * * *", "Europe/Berlin"), "2026-03-27T12:00:00Z", "2026-03-30T12:00:00Z") ==
               "03-28T01:30 03-29T01:00 03-30T00:30");
    BOOST_TEST(due(table("0,30 2,3 * * *", "Europe/Berlin"), "2026-03-28T12:00:00Z", "2026-03-29T12:00:00Z") ==
               "03-29T01:00 03-29T01:30");
    // New York: 02:00 becomes 03:00 on 2026-03-08, at 07:00Z.
    BOOST_TEST(due(table("15 2 * * *", "America/New_York"), "2026-03-07T00:00:00Z", "2026-03-09T23:00:00Z") ==
               "03-07T07:15 03-08T07:00 03-09T06:15");
    // Lord Howe: 02:00 becomes 02:30 on 2026-10-04, at 15:30Z of the day before.
    BOOST_TEST(due(table("15 2 * * *", "Australia/Lord_Howe"), "2026-10-02T00:00:00Z", "2026-10-05T00:00:00Z") ==
               "10-02T15:45 10-03T15:30 10-04T15:15");
}

BOOST_AUTO_TEST_CASE(a_time_that_comes_twice_falls_due_the_first_time)
{
    // Berlin: 03:00 becomes 02:00 on 2026-10-25, at 01:00Z.
    BOOST_TEST(due(table("30 2 * * *", "Europe/Berlin"), "2026-10-24T12:00:00Z", "2026-10-26T12:00:00Z") ==
               "10-25T00:30 10-26T01:30");
    BOOST_TEST(due(table("*/30 1-3 * * *", "Europe/Berlin"), "2026-10-24T22:00:00Z", "2026-10-25T12:00:00Z") ==
               "10-24T23:00 10-24T23:30 10-25T00:00 10-25T00:30 10-25T02:00 10-25T02:30");
    // From within the second 02:00 to 03:00 none of the first is found again.
    BOOST_TEST(format_time(table("30 2 * * *", "Europe/Berlin").next(at("2026-10-25T01:10:00Z")).value()) ==
               "2026-10-26T01:30:00.000Z");
    // New York: 02:00 becomes 01:00 on 2026-11-01, at 06:00Z.
    BOOST_TEST(due(table("30 1 * * *", "America/New_York"), "2026-10-31T12:00:00Z", "2026-11-02T12:00:00Z") ==
               "11-01T05:30 11-02T06:30");
    // Lord Howe: 02:00 becomes 01:30 on 2026-04-05, at 15:00Z of the day before.
    BOOST_TEST(due(table("45 1 * * *", "Australia/Lord_Howe"), "2026-04-04T00:00:00Z", "2026-04-06T00:00:00Z") ==
               "04-04T14:45 04-05T15:15");
}

BOOST_AUTO_TEST_CASE(a_schedule_of_every_hour_follows_the_clock)
{
    BOOST_TEST(due(table("30 * * * *", "Europe/Berlin"), "2026-03-29T00:00:00Z", "2026-03-29T03:00:00Z") ==
               "03-29T00:30 03-29T01:30 03-29T02:30");
    BOOST_TEST(due(table("30 * * * *", "Europe/Berlin"), "2026-10-24T23:00:00Z", "2026-10-25T03:00:00Z") ==
               "10-24T23:30 10-25T00:30 10-25T01:30 10-25T02:30");
    // 02:15 is missing on Lord Howe; 01:45 comes twice.
    BOOST_TEST(due(table("15 * * * *", "Australia/Lord_Howe"), "2026-10-03T14:00:00Z", "2026-10-03T17:00:00Z") ==
               "10-03T14:45 10-03T16:15");
    BOOST_TEST(due(table("45 * * * *", "Australia/Lord_Howe"), "2026-04-04T14:00:00Z", "2026-04-04T17:00:00Z") ==
               "04-04T14:45 04-04T15:15 04-04T16:15");
    BOOST_TEST(due(table("*/20 * * * *", "Europe/Berlin"), "2026-03-29T00:30:00Z", "2026-03-29T01:30:00Z") ==
               "03-29T00:40 03-29T01:00 03-29T01:20");
}

BOOST_AUTO_TEST_CASE(morocco_changes_twice_for_ramadan)
{
    // 03:00 becomes 02:00 on 2026-02-15, at 02:00Z; 02:00 becomes 03:00 on 2026-03-22, at 02:00Z.
    BOOST_TEST(due(table("30 2 * * *", "Africa/Casablanca"), "2026-02-14T00:00:00Z", "2026-02-16T12:00:00Z") ==
               "02-14T01:30 02-15T01:30 02-16T02:30");
    BOOST_TEST(due(table("30 2 * * *", "Africa/Casablanca"), "2026-03-21T00:00:00Z", "2026-03-23T12:00:00Z") ==
               "03-21T02:30 03-22T02:00 03-23T01:30");
}

BOOST_AUTO_TEST_CASE(a_day_that_is_left_out_is_one_jump)
{
    // Samoa went over the date line: after 2011-12-29T23:59 came 2011-12-31T00:00, at 10:00Z on the 30th.
    BOOST_TEST(due(table("0 6,12 * * *", "Pacific/Apia"), "2011-12-29T00:00:00Z", "2012-01-01T00:00:00Z") ==
               "12-29T16:00 12-29T22:00 12-30T10:00 12-30T16:00 12-30T22:00 12-31T16:00 12-31T22:00");
}

BOOST_AUTO_TEST_CASE(the_last_time_before_is_that_of_the_list)
{
    for (const char* text : {"*/7 * * * *", "0 3 * * *", "0 0 29 2 *", "@every 11m", "* * * * *"}) {
        const auto t = table(text, std::string(text).starts_with("@every") ? "UTC" : "Europe/Berlin");
        for (const char* until : {"2026-03-29T12:00:00Z", "2026-10-25T01:30:00Z", "2026-02-01T00:00:00Z"}) {
            const auto all = t.between(at("2026-01-30T00:00:00Z"), at(until), 1'000'000);
            const auto last = t.last(at("2026-01-30T00:00:00Z"), at(until));
            BOOST_TEST(last.has_value() == !all.empty());
            if (last && !all.empty())
                BOOST_TEST(format_time(*last) == format_time(all.back()));
        }
    }
    BOOST_TEST(!table("* * * * *").last(at("2026-01-01T00:00:00Z"), at("2026-01-01T00:00:00Z")));
}

BOOST_AUTO_TEST_CASE(the_calendar_has_an_end)
{
    BOOST_TEST(!table("0 0 29 2 *").next(at("9996-03-01T00:00:00Z")));
    BOOST_TEST(!table("@every 9999d").next(at("9999-12-01T00:00:00Z")));
}

BOOST_AUTO_TEST_CASE(what_no_date_fits_is_refused)
{
    BOOST_TEST(graph::schedule_refusal("0 0 30 2 *") == "there is no date with day 30 and month 2");
    BOOST_TEST(graph::schedule_refusal("0 0 31 feb,apr,jun,sep,nov */2") ==
               "there is no date with day 31 and month feb,apr,jun,sep,nov");
    BOOST_TEST(graph::schedule_refusal("0 0 30 2 mon") == "");
    BOOST_TEST(graph::schedule_refusal("0 0 29 2 *") == "");
    BOOST_TEST(graph::schedule_refusal("@every 500ms") == "`500ms` is too often: `@every 1s` is the shortest");
    for (const char* bad : {"60 * * * *", "* 24 * * *", "* * 0 * *", "* * * 13 *", "* * * * 8", "5-3 * * * *",
                            "*/0 * * * *", "*/60 * * * *", "1, * * * *", "L * * * *", "* * L * *", "a-b * * * *"})
        BOOST_TEST(graph::schedule_refusal(bad) != "", bad);
}

BOOST_AUTO_TEST_CASE(times_are_those_of_a_walk_through_every_minute)
{
    // The weeks of the changes, and one far from any.
    struct place
    {
        const char* zone;
        const char* begin;
    };

    const std::vector<place> places{
        {"Europe/Berlin", "2026-03-27T00:00:00Z"},
        {"Europe/Berlin", "2026-10-23T00:00:00Z"},
        {"America/New_York", "2026-03-06T00:00:00Z"},
        {"America/New_York", "2026-10-30T00:00:00Z"},
        {"Australia/Lord_Howe", "2026-04-02T00:00:00Z"},
        {"Australia/Lord_Howe", "2026-10-01T00:00:00Z"},
        {"Africa/Casablanca", "2026-02-13T00:00:00Z"},
        {"Africa/Casablanca", "2026-03-20T00:00:00Z"},
        {"UTC", "2026-06-01T00:00:00Z"},
        {"Asia/Kathmandu", "2026-06-01T00:00:00Z"},
    };
    BOOST_TEST(rc::check("next() goes where a walk goes", [&] {
        const auto where = *rc::gen::elementOf(places);
        const auto text = random_cron();
        RC_LOG(text + " in " + where.zone);
        const auto times = times_of(text);
        const auto zone = std::make_shared<tz_zone>(where.zone);
        const auto begin = std::chrono::floor<std::chrono::seconds>(at(where.begin)) +
                           std::chrono::seconds(*rc::gen::inRange(0, 86400));
        const auto walked = by_walking(std::get<graph::cron_fields>(times), *zone, begin, begin + 96h);
        const auto found = timetable(times, zone).between(begin, begin + 96h, 100'000);
        RC_ASSERT(listed(found) == listed(walked));
    }));
}

BOOST_AUTO_TEST_CASE(any_change_of_the_clock_is_walked_through)
{
    BOOST_TEST(rc::check("next() goes where a walk goes, in zones that nobody has", [] {
        const auto text = random_cron();
        const auto times = times_of(text);
        const auto start = std::chrono::floor<std::chrono::seconds>(at("2026-05-30T00:00:00Z"));
        std::vector<zone_period> periods;
        auto begin = start - 24h * 400;
        for (int i = 0; i < 4; ++i) {
            const auto end = i == 3 ? start + 24h * 365'000
                                    : start + std::chrono::minutes(30 * (96 + *rc::gen::inRange(i * 48, i * 48 + 24)));
            periods.push_back({begin, end, std::chrono::minutes(15 * *rc::gen::inRange(-8, 9))});
            begin = end;
        }
        const auto zone = std::make_shared<made_up_zone>(periods);
        const auto walked = by_walking(std::get<graph::cron_fields>(times), *zone, start, start + 24h * 7);
        const auto found = timetable(times, zone).between(start, start + 24h * 7, 100'000);
        RC_LOG(text);
        RC_ASSERT(listed(found) == listed(walked));
    }));
}

BOOST_AUTO_TEST_SUITE_END()
