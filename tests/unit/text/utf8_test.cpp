#include <potoo/utf8.hpp>

#include <boost/test/unit_test.hpp>
#include <rapidcheck.h>

#include <array>
#include <string>

using namespace potoo;

namespace {

/// Any bytes, rich in those of longer characters.
rc::Gen<std::string> any_bytes()
{
    return rc::gen::container<std::string>(rc::gen::oneOf(
        rc::gen::arbitrary<char>(),
        rc::gen::elementOf(std::string("a\x7f\x80\x8f\x90\x9f\xa0\xbf\xc0\xc2\xe0\xed\xef\xf0\xf4\xf5"))));
}

} // namespace

BOOST_AUTO_TEST_SUITE(utf8)

BOOST_AUTO_TEST_CASE(characters_of_every_length_are_valid)
{
    BOOST_TEST(is_utf8(""));
    BOOST_TEST(is_utf8(std::string(1, '\0')));
    BOOST_TEST(is_utf8("aü→🦤"));
    BOOST_TEST(is_utf8("\x7f\xc2\x80\xdf\xbf"));
    BOOST_TEST(is_utf8("\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf"));
    BOOST_TEST(is_utf8("\xf0\x90\x80\x80\xf4\x8f\xbf\xbf"));
}

BOOST_AUTO_TEST_CASE(what_is_no_character_is_refused)
{
    constexpr std::array<std::string_view, 16> bad{
        "\x80",             // begins none
        "\xbf",             //
        "\xc0\x80",         // overlong
        "\xc1\xbf",         //
        "\xe0\x9f\xbf",     //
        "\xf0\x8f\xbf\xbf", //
        "\xed\xa0\x80",     // surrogates
        "\xed\xbf\xbf",     //
        "\xf4\x90\x80\x80", // beyond U+10FFFF
        "\xf5\x80\x80\x80", //
        "\xff",             //
        "\xc3",             // cut off
        "\xe2\x86",         //
        "\xf0\x9f\xa6",     //
        "\xc3z",            //
        "\xe2\x86z",        //
    };
    for (const std::string_view text : bad) {
        BOOST_TEST(!is_utf8(text));
        BOOST_TEST(find_invalid_utf8("ü" + std::string(text)).value() == 2u);
    }
}

BOOST_AUTO_TEST_CASE(invalid_bytes_are_replaced_one_by_one)
{
    BOOST_TEST(valid_utf8("ü→🦤") == "ü→🦤");
    BOOST_TEST(valid_utf8("a\xffz") == "a\xEF\xBF\xBDz");
    BOOST_TEST(valid_utf8("\xC3") == "\xEF\xBF\xBD");
    BOOST_TEST(valid_utf8("\xED\xA0\x80") == "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD");
    BOOST_TEST(valid_utf8("\xC0\x80") == "\xEF\xBF\xBD\xEF\xBF\xBD");
    BOOST_TEST(valid_utf8("ok \xff\xfe \xc3\xa4 \xed\xa0\x80") ==
               "ok \xef\xbf\xbd\xef\xbf\xbd \xc3\xa4 \xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
}

BOOST_AUTO_TEST_CASE(what_was_made_valid_is_valid)
{
    BOOST_TEST(rc::check([] {
        const std::string bytes = *any_bytes();
        const std::string text = valid_utf8(bytes);
        RC_ASSERT(is_utf8(text));
        RC_ASSERT((text == bytes) == is_utf8(bytes));
        RC_ASSERT(find_invalid_utf8(bytes).has_value() == !is_utf8(bytes));
    }));
}

BOOST_AUTO_TEST_SUITE_END()
