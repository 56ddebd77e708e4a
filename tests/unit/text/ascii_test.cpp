#include "engine/text/ascii.hpp"

#include <boost/test/unit_test.hpp>

using namespace potoo::text;

BOOST_AUTO_TEST_SUITE(ascii)

BOOST_AUTO_TEST_CASE(only_ascii_letters_have_a_case)
{
    BOOST_TEST(lower("AZaz09@[`{ÄÖ\xC4") == "azaz09@[`{ÄÖ\xC4");
    BOOST_TEST(lower("").empty());
}

BOOST_AUTO_TEST_CASE(words_that_differ_in_case_alone_are_the_same)
{
    BOOST_TEST(same_word("Content-Length", "content-LENGTH"));
    BOOST_TEST(same_word("", ""));
    BOOST_TEST(!same_word("close", "closed"));
    BOOST_TEST(!same_word("@", "`"));
    BOOST_TEST(!same_word("Ä", "ä"));
}

BOOST_AUTO_TEST_SUITE_END()
