#include "operators/shell_output.hpp"

#include <boost/test/unit_test.hpp>

#include <string>

using namespace potoo::shell;

namespace {

/// The last line, the text given in pieces of every size.
std::string last_of(std::string_view text, std::size_t limit = 100)
{
    last_line whole(limit);
    whole.add(text);
    for (std::size_t size = 1; size < text.size(); ++size) {
        last_line pieces(limit);
        for (std::size_t i = 0; i < text.size(); i += size)
            pieces.add(text.substr(i, size));
        BOOST_TEST(pieces.text() == whole.text());
        BOOST_TEST(pieces.cut() == whole.cut());
    }
    return std::string(whole.text()) + (whole.cut() ? "…" : "");
}

} // namespace

BOOST_AUTO_TEST_SUITE(last_lines)

BOOST_AUTO_TEST_CASE(the_last_line_that_is_not_blank_is_kept)
{
    BOOST_TEST(last_of("") == "");
    BOOST_TEST(last_of("\n\n") == "");
    BOOST_TEST(last_of("a") == "a");
    BOOST_TEST(last_of("a\nb") == "b");
    BOOST_TEST(last_of("a\nb\n") == "b");
    BOOST_TEST(last_of("a\n b \n\n  \n\t") == " b ");
    BOOST_TEST(last_of("one\r\ntwo\r\n\r\n") == "two");
}

BOOST_AUTO_TEST_CASE(a_line_beyond_the_limit_is_cut)
{
    BOOST_TEST(last_of("abcde", 5) == "abcde");
    BOOST_TEST(last_of("abcdef", 5) == "abcde…");
    BOOST_TEST(last_of("abcdef\n", 5) == "abcde…");
    BOOST_TEST(last_of("abcdef\nxy\n", 5) == "xy");
    BOOST_TEST(last_of("xy\nabcdef", 5) == "abcde…");
}

BOOST_AUTO_TEST_SUITE_END()
