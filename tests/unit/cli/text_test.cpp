#include "engine/cli/display/elapsed_text.hpp"
#include "engine/cli/display/exit_code.hpp"
#include "engine/cli/display/output.hpp"
#include "engine/cli/display/styled_line.hpp"
#include "engine/cli/display/text_width.hpp"

#include <boost/test/unit_test.hpp>

#include <csignal>
#include <fcntl.h>
#include <unistd.h>

using namespace potoo;
using namespace potoo::cli;
using namespace std::chrono_literals;

BOOST_AUTO_TEST_SUITE(text)

BOOST_AUTO_TEST_CASE(width_counts_columns)
{
    BOOST_TEST(width_of("abc") == 3u);
    BOOST_TEST(width_of("äöü") == 3u);
    BOOST_TEST(width_of("日本") == 4u);
    BOOST_TEST(width_of("e\u0301") == 1u);
    BOOST_TEST(width_of("\xff") == 1u);
    BOOST_TEST(width_of("") == 0u);
}

BOOST_AUTO_TEST_CASE(fit_cuts_with_an_ellipsis)
{
    BOOST_TEST(fit("alignment", 20) == "alignment");
    BOOST_TEST(fit("alignment", 6) == "align…");
    BOOST_TEST(fit("alignment", 6, false) == "align~");
    BOOST_TEST(fit("日本語", 4) == "日…");
    BOOST_TEST(fit("abc", 1) == "…");
    BOOST_TEST(fit("abc", 0) == "");
    BOOST_TEST(fit_padded("ab", 4) == "ab  ");
}

BOOST_AUTO_TEST_CASE(printable_lets_nothing_through_that_moves_the_cursor)
{
    BOOST_TEST(printable("a\tb\x1b[2J\r\n\x7f") == "a b?[2J???");
    BOOST_TEST(printable("\xc2\x9b"
                         "1m") == "?1m");
    BOOST_TEST(printable("\xff\xc3") == "??");
    BOOST_TEST(printable("\xed\xa0\x80\xc0\xaf") == "?????");
    BOOST_TEST(printable("ä", false) == "?");
    BOOST_TEST(printable("ä✓日") == "ä✓日");
}

BOOST_AUTO_TEST_CASE(styled_line_is_cut_by_columns_not_bytes)
{
    styled_line line(5, true, true);
    line.add("ab", style::red).add("cdefg", style::green).add("x");
    BOOST_TEST(line.text() == "\x1b[31mab\x1b[0m\x1b[32mcd…\x1b[0m");
    BOOST_TEST(width_of_styled(line.text()) == 5u);
}

BOOST_AUTO_TEST_CASE(durations_are_written_for_people)
{
    BOOST_TEST(elapsed_text(0ms) == "0.0s");
    BOOST_TEST(elapsed_text(59'999ms) == "59.9s");
    BOOST_TEST(elapsed_text(65s) == "1:05");
    BOOST_TEST(elapsed_text(7384s) == "2:03:04");
    BOOST_TEST(elapsed_text(3 * 24h + 4h + 5min + 6s) == "3d 04:05:06");
    BOOST_TEST(elapsed_text(-5s) == "0.0s");
    BOOST_TEST(clock_text(5s) == "0:05");
}

BOOST_AUTO_TEST_CASE(worst_of_several_runs_decides)
{
    using enum exit_code;
    BOOST_TEST((worse_of(success, interrupted) == interrupted));
    BOOST_TEST((worse_of(interrupted, failed) == failed));
    BOOST_TEST((worse_of(failed, usage) == usage));
    BOOST_TEST((worse_of(unreachable, usage) == unreachable));
    BOOST_TEST((worse_of(success, success) == success));
}

BOOST_AUTO_TEST_CASE(closed_pipe_is_told_apart_from_other_errors)
{
    std::signal(SIGPIPE, SIG_IGN);
    int ends[2];
    BOOST_REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
    ::close(ends[0]);
    file_output out(ends[1]);
    out.write("x");
    BOOST_CHECK_THROW(out.flush(), output_closed);
    ::close(ends[1]);
    out.write("x");
    BOOST_CHECK_THROW(out.flush(), std::system_error);
}

BOOST_AUTO_TEST_SUITE_END()
