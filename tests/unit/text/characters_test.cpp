#include "engine/text/characters.hpp"

#include <potoo/utf8.hpp>

#include <boost/test/unit_test.hpp>

#include <string>

using namespace potoo;
using namespace potoo::text;

BOOST_AUTO_TEST_SUITE(characters)

BOOST_AUTO_TEST_CASE(first_character_is_decoded)
{
    const auto code = [](std::string_view text) { return static_cast<unsigned>(first_character(text).code); };
    BOOST_TEST(code("ab") == 0x61u);
    BOOST_TEST(code("üb") == 0xfcu);
    BOOST_TEST(code("→b") == 0x2192u);
    BOOST_TEST(code("🦤b") == 0x1f9a4u);
    BOOST_TEST(first_character("🦤b").bytes == 4u);
    BOOST_TEST(first_character("🦤b").valid);
}

BOOST_AUTO_TEST_CASE(invalid_byte_stands_for_itself_alone)
{
    const character c = first_character("\xf0\x9f\xa6");
    BOOST_TEST(!c.valid);
    BOOST_TEST(c.bytes == 1u);
    BOOST_TEST(static_cast<unsigned>(c.code) == 0xfffdu);
}

BOOST_AUTO_TEST_CASE(code_points_are_counted)
{
    BOOST_TEST(count_characters("") == 0u);
    BOOST_TEST(count_characters("aü→🦤") == 4u);
}

BOOST_AUTO_TEST_CASE(prefix_cuts_no_character)
{
    const std::string text = "aü→🦤";
    for (std::size_t most = 0; most <= text.size() + 1; ++most) {
        const auto prefix = whole_characters(text, most);
        BOOST_TEST(prefix.size() <= most);
        BOOST_TEST(prefix.size() + 3 >= std::min(most, text.size()));
        BOOST_TEST(is_utf8(prefix));
        BOOST_TEST(text.starts_with(prefix));
    }
    BOOST_TEST(whole_characters(text, text.size()) == text);
}

BOOST_AUTO_TEST_CASE(prefix_of_what_is_no_utf8_is_as_long_as_it_may_be)
{
    BOOST_TEST(whole_characters(std::string(100, '\x80'), 60).size() == 60u);
    BOOST_TEST(whole_characters(std::string(100, '\x80'), 2).size() == 2u);
    BOOST_TEST(whole_characters(std::string(100, '\x80'), 0).empty());
}

BOOST_AUTO_TEST_SUITE_END()
