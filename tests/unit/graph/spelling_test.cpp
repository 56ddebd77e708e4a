#include "engine/graph/spelling.hpp"

#include <boost/test/unit_test.hpp>

#include <array>

using potoo::graph::nearest_spelling;
using potoo::graph::synonym;

namespace {

constexpr std::array<std::string_view, 6> keys{"depends_on", "operator", "timeout", "retry", "pool", "x"};
constexpr std::array synonyms{synonym{"needs", "depends_on"}, synonym{"uses", "action"}};

std::string nearest(std::string_view word)
{
    return nearest_spelling(word, keys, synonyms);
}

} // namespace

BOOST_AUTO_TEST_SUITE(spelling)

BOOST_AUTO_TEST_CASE(slips_of_the_finger_are_recognised)
{
    BOOST_TEST(nearest("depend_on") == "depends_on");
    BOOST_TEST(nearest("tiemout") == "timeout");
    BOOST_TEST(nearest("rtry") == "retry");
    BOOST_TEST(nearest("poool") == "pool");
    BOOST_TEST(nearest("opreatro") == "operator");
}

BOOST_AUTO_TEST_CASE(letter_case_and_hyphens_do_not_count)
{
    BOOST_TEST(nearest("Depends-On") == "depends_on");
    BOOST_TEST(nearest("TIMEOUT") == "timeout");
    BOOST_TEST(nearest("dependsOn") == "depends_on");
    BOOST_TEST(nearest("X") == "x");
}

BOOST_AUTO_TEST_CASE(what_is_far_has_no_suggestion)
{
    BOOST_TEST(nearest("") == "");
    BOOST_TEST(nearest("y") == "");
    BOOST_TEST(nearest("elephant") == "");
    BOOST_TEST(nearest("pl") == "");
    BOOST_TEST(nearest(std::string(10'000, 'x')) == "");
    BOOST_TEST(nearest_spelling("pool", {}) == "");
}

BOOST_AUTO_TEST_CASE(a_synonym_goes_before_a_near_word)
{
    BOOST_TEST(nearest("needs") == "depends_on");
    BOOST_TEST(nearest("uses") == "");
}

BOOST_AUTO_TEST_CASE(the_first_of_equally_near_words_wins)
{
    constexpr std::array<std::string_view, 2> twins{"taska", "taskb"};
    BOOST_TEST(nearest_spelling("taskc", twins) == "taska");
}

BOOST_AUTO_TEST_SUITE_END()
