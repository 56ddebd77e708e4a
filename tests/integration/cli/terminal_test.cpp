#include "program.hpp"

#include <boost/test/unit_test.hpp>

using namespace potoo::cli::test;

namespace {

bool holds(const std::string& text, std::string_view part)
{
    return text.find(part) != std::string::npos;
}

constexpr std::string_view hide_cursor = "\x1b[?25l";
constexpr std::string_view show_cursor = "\x1b[?25h";

/// What was done last to the cursor leaves it visible.
bool cursor_is_back(const std::string& screen)
{
    const auto hidden = screen.rfind(hide_cursor);
    return hidden == std::string::npos ||
           (screen.rfind(show_cursor) != std::string::npos && screen.rfind(show_cursor) > hidden);
}

const char* const waiting_dag = R"(tasks:
  fan: {operator: noop, foreach: "${{ range(50) }}"}
  wait: {operator: file_sensor, depends_on: [fan], with: {path: go, interval: 20ms}}
)";

start_options on_terminal()
{
    start_options o;
    o.terminal = true;
    return o;
}

} // namespace

BOOST_AUTO_TEST_SUITE(terminals)

BOOST_AUTO_TEST_CASE(live_display_draws_tasks_and_leaves_the_cursor_visible)
{
    const workspace w;
    w.write("a.yaml", waiting_dag);
    program p(w, {"run", "a.yaml"}, on_terminal());
    BOOST_REQUIRE(p.wait_for("50/50"));
    BOOST_REQUIRE(p.wait_for("wait"));
    w.write("go", "");
    const result r = p.finish();
    BOOST_TEST(r.code == 0);
    BOOST_TEST(holds(r.out, hide_cursor));
    BOOST_TEST(cursor_is_back(r.out));
    BOOST_TEST(holds(r.out, "\x1b[32m"));
}

BOOST_AUTO_TEST_CASE(ctrl_c_detaches_and_brings_the_cursor_back)
{
    const workspace w;
    w.write("a.yaml", waiting_dag);
    program p(w, {"run", "a.yaml"}, on_terminal());
    BOOST_REQUIRE(p.wait_for("50/50"));
    p.type("\x03");
    const result r = p.finish();
    BOOST_TEST(r.code == 3);
    BOOST_TEST(holds(r.out, "potoo resume "), r.out);
    BOOST_TEST(cursor_is_back(r.out));
}

BOOST_AUTO_TEST_CASE(second_ctrl_c_brings_the_cursor_back)
{
    const workspace w;
    w.write("a.yaml", "tasks: {p: {operator: shell, with: {command: \"trap '' TERM; while :; do sleep 1; done\", "
                      "grace: 1000s}}}\n");
    program p(w, {"run", "a.yaml", "--on-stop=cancel"}, on_terminal());
    BOOST_REQUIRE(p.wait_for("running"));
    p.type("\x03");
    BOOST_REQUIRE(p.wait_for("cancelling"));
    // Drawn when time has passed, so by then it is another moment.
    BOOST_REQUIRE(p.wait_for("0:01"));
    p.type("\x03");
    const result r = p.finish();
    BOOST_TEST(r.code == 3);
    BOOST_TEST(cursor_is_back(r.out));
}

BOOST_AUTO_TEST_CASE(no_color_and_dumb_terminals_are_respected)
{
    const workspace w;
    w.write("a.yaml", "tasks: {a: {operator: noop}}\n");
    start_options plain = on_terminal();
    plain.environment["NO_COLOR"] = "1";
    const result without_colour = run_potoo(w, {"run", "a.yaml"}, plain);
    BOOST_TEST(without_colour.code == 0);
    BOOST_TEST(!holds(without_colour.out, "\x1b[32m"));
    start_options dumb = on_terminal();
    dumb.environment["TERM"] = "dumb";
    const result lines = run_potoo(w, {"run", "a.yaml"}, dumb);
    BOOST_TEST(!holds(lines.out, "\x1b"));
    BOOST_TEST(holds(lines.out, "a: success"), lines.out);
}

BOOST_AUTO_TEST_CASE(ascii_locale_gets_ascii)
{
    const workspace w;
    w.write("a.yaml", "tasks: {a: {operator: noop, foreach: [1, 2]}}\n");
    start_options ascii = on_terminal();
    ascii.environment["LC_ALL"] = "C";
    const result r = run_potoo(w, {"run", "a.yaml"}, ascii);
    BOOST_TEST(r.code == 0);
    for (const char c : r.out)
        BOOST_REQUIRE(static_cast<unsigned char>(c) < 0x80);
}

BOOST_AUTO_TEST_SUITE_END()
