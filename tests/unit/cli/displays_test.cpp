#include "golden.hpp"
#include "simulated_run.hpp"

#include "engine/cli/display/json_events.hpp"
#include "engine/cli/display/live_display.hpp"
#include "engine/cli/display/plain_display.hpp"
#include "engine/cli/display/styled_line.hpp"

#include <algorithm>

using namespace potoo;
using namespace potoo::cli;
using namespace potoo::cli::test;
using namespace std::chrono_literals;
using schedule::attempt_outcome;

namespace {

constexpr terminal_traits plain_terminal{true, false, true};

/// Escape sequences made readable.
std::string readable(std::string text)
{
    for (std::size_t at = 0; (at = text.find('\x1b', at)) != std::string::npos;)
        text.replace(at, 1, "<ESC>");
    std::erase(text, '\r');
    return text;
}

std::string long_dag(int tasks)
{
    std::string source = "tasks:\n";
    for (int i = 0; i < tasks; ++i)
        source += "  task_" + std::to_string(i) + ": {operator: noop}\n";
    return source;
}

/// Keeps the run going and shows nothing.
class no_display final : public display
{
  public:
    live_picture* picture = nullptr;

    void run_started(const shown_run&) override {}

    void attempt_started(const shown_run&, task_index t, item_index, attempt_number n) override
    {
        if (picture)
            picture->attempt_started(t, n);
    }

    void attempt_deferred(const shown_run&, task_index, item_index, bool) override {}

    void attempt_progress(const shown_run&, task_index, item_index, double, std::string_view) override {}

    void attempt_ended(const shown_run&, const runtime::attempt_report&) override {}

    void task_ended(const shown_run&, task_index t, schedule::task_state s) override
    {
        if (picture)
            picture->task_ended(t, s);
    }

    void log(const shown_run&, task_index, item_index, attempt_number, journal::log_stream, std::string_view) override
    {}

    void run_ended(const shown_run&, const run_report&) override {}

    void warning(std::string_view) override {}

    void notice(std::string_view) override {}

    void tick() override {}
};

} // namespace

BOOST_AUTO_TEST_SUITE(displays)

BOOST_AUTO_TEST_CASE(plain_lines_tell_task_changes_and_failures_with_their_log)
{
    string_output out;
    plain_display d(out);
    simulated_run run(demo_source, d);
    tell_story(run, [&] { d.tick(); });
    run.finish(true);
    check_golden("plain_display.txt", out.take());
}

BOOST_AUTO_TEST_CASE(large_fan_out_is_told_by_progress_lines)
{
    string_output out;
    plain_display d(out);
    simulated_run run("tasks:\n  fan: {operator: noop, foreach: \"${{ range(1000) }}\"}\n", d);
    run.start(1000);
    for (std::uint32_t i = 0; i < 1000; ++i) {
        run.at(duration(i * 20));
        run.end("fan", i, attempt_outcome::success);
        d.tick();
    }
    run.finish();
    const std::string text = out.take();
    BOOST_TEST(std::count(text.begin(), text.end(), '\n') == 6, text);
}

BOOST_AUTO_TEST_CASE(failures_beyond_a_limit_are_counted)
{
    string_output out;
    plain_display d(out);
    simulated_run run("tasks:\n  fan: {operator: noop, foreach: \"${{ range(50) }}\"}\n", d);
    run.start(50);
    for (std::uint32_t i = 0; i < 50; ++i)
        run.end("fan", i, attempt_outcome::failed, "no");
    run.finish();
    const std::string text = out.take();
    BOOST_TEST(text.find("fan[k19] failed") != std::string::npos);
    BOOST_TEST(text.find("fan[k20] failed") == std::string::npos);
    BOOST_TEST(text.find("and 30 more failed attempts") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(live_display_draws_in_place_and_brings_the_cursor_back)
{
    string_output out;
    live_display d(out, plain_terminal, [] { return window_size{72, 20}; });
    simulated_run run(demo_source, d);
    tell_story(run, [&] { d.tick(); });
    run.finish(true);
    const std::string text = readable(out.take());
    BOOST_TEST(text.ends_with("<ESC>[?25h"));
    check_golden("live_display.txt", text);
}

BOOST_AUTO_TEST_CASE(live_display_in_colour_and_ascii)
{
    string_output out;
    live_display d(out, {true, true, false}, [] { return window_size{60, 20}; });
    simulated_run run(demo_source, d);
    tell_story(run, [&] { d.tick(); });
    run.finish(true);
    const std::string text = readable(out.take());
    BOOST_TEST(std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; }));
    check_golden("live_display_ascii.txt", text);
}

BOOST_AUTO_TEST_CASE(unchanged_picture_is_not_drawn_again)
{
    string_output out;
    live_display d(out, plain_terminal, [] { return window_size{72, 20}; });
    simulated_run run(demo_source, d);
    run.start();
    d.tick();
    BOOST_TEST(!out.take().empty());
    d.tick();
    BOOST_TEST(out.take().empty());
}

BOOST_AUTO_TEST_CASE(narrower_window_erases_the_rows_that_lines_now_take)
{
    string_output out;
    window_size window{72, 20};
    live_display d(out, plain_terminal, [&] { return window; });
    simulated_run run(demo_source, d);
    run.start();
    d.tick();
    static_cast<void>(out.take());
    window.columns = 20;
    d.tick();
    // Six lines, of which the first three are 26, 22 and 23 columns wide.
    BOOST_TEST(readable(out.take()).starts_with("<ESC>[?25l<ESC>[8A<ESC>[J"));
}

BOOST_AUTO_TEST_CASE(picture_fits_its_window)
{
    no_display d;
    simulated_run run(long_dag(500), d);
    live_picture picture(run.shown(), {true, true, true});
    d.picture = &picture;
    run.start();
    for (const std::size_t rows : {3u, 4u, 10u, 60u})
        for (const std::size_t columns : {10u, 40u, 200u}) {
            const auto lines = picture.lines(columns, rows);
            BOOST_TEST(lines.size() <= rows);
            for (const std::string& line : lines)
                BOOST_TEST(width_of_styled(line) <= columns, line);
        }
}

BOOST_AUTO_TEST_CASE(failed_and_running_tasks_are_shown_before_others)
{
    no_display d;
    simulated_run run("pools: {p: 2}\ndefaults: {pool: p}\n" + long_dag(100), d);
    live_picture picture(run.shown(), plain_terminal);
    d.picture = &picture;
    run.start();
    for (int i = 0; i < 60; ++i)
        run.end("task_" + std::to_string(i), 0, i == 7 ? attempt_outcome::failed : attempt_outcome::success, "no");
    std::string shown;
    for (const std::string& line : picture.lines(80, 8))
        shown += line + "\n";
    BOOST_TEST(shown.find("task_7 ") != std::string::npos, shown);
    BOOST_TEST(shown.find("task_60 ") != std::string::npos, shown);
    BOOST_TEST(shown.find("task_61 ") != std::string::npos, shown);
}

BOOST_AUTO_TEST_CASE(events_are_json_and_the_last_says_how_the_run_ended)
{
    string_output out;
    json_events d(out, [] { return wall_time(std::chrono::milliseconds(1'790'000'000'000)); });
    simulated_run run(demo_source, d);
    tell_story(run, [&] { d.tick(); });
    d.warning("the disk is full");
    run.finish(true);
    check_golden("json_events.txt", out.take());
}

BOOST_AUTO_TEST_CASE(run_finished_has_exactly_the_promised_members)
{
    string_output out;
    json_events d(out, [] { return wall_time(); });
    simulated_run run("tasks: {a: {operator: noop}, b: {operator: noop}}\n", d);
    run.start();
    run.end("a", 0, attempt_outcome::success);
    run.at(12ms);
    run.end("b", 0, attempt_outcome::success);
    run.finish();
    const std::string text = out.take();
    BOOST_TEST(text.ends_with("\n{\"type\":\"run_finished\",\"run\":\"k3v9abcdefgh\",\"state\":\"success\",\"tasks\":{"
                              "\"success\":2},\"elapsed_ms\":12}\n"));
}

BOOST_AUTO_TEST_CASE(large_outputs_are_left_out_of_events)
{
    string_output out;
    json_events d(out, [] { return wall_time(); });
    simulated_run run("tasks: {a: {operator: noop}}\n", d);
    run.start();
    const json::value output(std::string(json_events::largest_output, 'x'));
    runtime::attempt_report report;
    report.attempt = attempt_number(1);
    report.output = &output;
    d.attempt_ended(run.shown(), report);
    BOOST_TEST(out.take().find("\"output_left_out\":true") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(repeated_warning_is_said_once)
{
    string_output out;
    plain_display d(out);
    d.warning("again");
    d.warning("again");
    BOOST_TEST(out.take() == "potoo: warning: again\n");
}

BOOST_AUTO_TEST_SUITE_END()
