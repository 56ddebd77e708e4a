#include "engine/runtime/log_lines.hpp"
#include "engine/runtime/secret_mask.hpp"

#include <potoo/utf8.hpp>

#include <boost/test/unit_test.hpp>

using namespace potoo;
using namespace potoo::runtime;

BOOST_AUTO_TEST_SUITE(masking)

BOOST_AUTO_TEST_CASE(every_occurrence_is_replaced)
{
    secret_mask m;
    m.add("s3cret");
    BOOST_TEST(m.clean("a s3cret, twice: s3crets3cret") == "a ***, twice: ******");
}

BOOST_AUTO_TEST_CASE(longer_secret_goes_first)
{
    secret_mask m;
    m.add("abc");
    m.add("abcdef");
    BOOST_TEST(m.clean("abcdef abc") == "*** ***");
}

BOOST_AUTO_TEST_CASE(too_short_a_secret_is_refused)
{
    secret_mask m;
    BOOST_TEST(!m.add("ab"));
    BOOST_TEST(m.empty());
}

BOOST_AUTO_TEST_CASE(values_and_keys_of_json_are_cleaned)
{
    secret_mask m;
    m.add("s3cret");
    json::value v = json::parse(R"({"s3cret": ["x s3cret", {"k": "s3cret"}], "n": 1})");
    m.clean(v);
    BOOST_TEST(v == json::parse(R"({"***": ["x ***", {"k": "***"}], "n": 1})"));
}

BOOST_AUTO_TEST_CASE(invalid_utf8_is_replaced)
{
    BOOST_TEST(secret_mask().clean("ok \xff \xc3\xa4") == "ok \xef\xbf\xbd \xc3\xa4");
}

BOOST_AUTO_TEST_CASE(secret_as_json_writes_it_is_replaced)
{
    secret_mask m;
    m.add("pass\"word\nend");
    BOOST_TEST(m.clean(R"({"m": "pass\"word\nend"})") == R"({"m": "***"})");
}

BOOST_AUTO_TEST_CASE(each_line_of_a_secret_is_replaced)
{
    secret_mask m;
    m.add("-----BEGIN KEY-----\nMIIEvQIBADAN\n}\n");
    BOOST_TEST(m.clean("got MIIEvQIBADAN }") == "got *** }");
}

BOOST_AUTO_TEST_CASE(secret_that_comes_in_pieces_stays_in_one)
{
    log_lines lines;
    BOOST_TEST(lines.add("one\ntwo s3c") == "one\n");
    BOOST_TEST(lines.add("ret") == "");
    BOOST_TEST(lines.add(" three\nrest") == "two s3cret three\n");
    BOOST_TEST(lines.take_rest() == "rest");
    BOOST_TEST(lines.take_rest() == "");
}

BOOST_AUTO_TEST_CASE(line_without_end_is_given_on_in_parts)
{
    log_lines lines;
    std::string given;
    for (int i = 0; i < 100; ++i)
        given += lines.add(std::string(1024, 'x') + "\xc3\xa4");
    BOOST_TEST(given.size() > 60'000u);
    given += lines.take_rest();
    BOOST_TEST(given.size() == 100u * 1026);
    BOOST_TEST(is_utf8(given));
}

BOOST_AUTO_TEST_CASE(endless_bytes_that_begin_no_character_are_given_on)
{
    log_lines lines;
    std::string given;
    for (int i = 0; i < 100; ++i)
        given += lines.add(std::string(1024, '\x80'));
    BOOST_TEST(given.size() > 30'000u);
}

BOOST_AUTO_TEST_SUITE_END()
