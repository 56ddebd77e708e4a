#include "engine/text/digest.hpp"

#include <boost/test/unit_test.hpp>

#include <string>

using namespace potoo::text;

BOOST_AUTO_TEST_SUITE(digests)

BOOST_AUTO_TEST_CASE(sha256_is_that_of_fips_180)
{
    BOOST_TEST(sha256_hex("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    BOOST_TEST(sha256_hex("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

BOOST_AUTO_TEST_CASE(sha1_is_that_of_fips_180)
{
    BOOST_TEST(sha1_hex("abc") == "a9993e364706816aba3e25717850c26c9cd0d89d");
}

BOOST_AUTO_TEST_CASE(hmac_is_that_of_rfc_4231)
{
    BOOST_TEST(hex(bytes_of(hmac_sha256("Jefe", "what do ya want for nothing?"))) ==
               "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

BOOST_AUTO_TEST_CASE(every_byte_is_two_hexadecimal_digits)
{
    BOOST_TEST(hex(std::string("\0\x0f\xf0\xff", 4)) == "000ff0ff");
}

BOOST_AUTO_TEST_SUITE_END()
