#include "engine/runtime/byte_size.hpp"

#include <boost/test/unit_test.hpp>

using namespace potoo::runtime;

BOOST_AUTO_TEST_SUITE(byte_size)

BOOST_AUTO_TEST_CASE(sizes_are_read_with_their_unit)
{
    BOOST_CHECK(parse_byte_size("0B") == 0u);
    BOOST_CHECK(parse_byte_size("512MiB") == 512u * 1024 * 1024);
    BOOST_CHECK(parse_byte_size("1.5 GiB") == 1'610'612'736u);
    BOOST_CHECK(parse_byte_size("2gb") == 2'000'000'000u);
    BOOST_CHECK(parse_byte_size("1TiB") == std::uint64_t{1} << 40);
}

BOOST_AUTO_TEST_CASE(what_is_no_size_is_not_read)
{
    for (const char* text : {"", "GiB", "2", "2G", "2Gi", "-1GiB", "1e3MiB", "nanMiB", "infB", "2GiB!", "9999999TiB",
                             " 2GiB", "2 GiB ", "0x10MiB"})
        BOOST_CHECK_MESSAGE(!parse_byte_size(text), text);
}

BOOST_AUTO_TEST_CASE(sizes_are_written_for_people)
{
    BOOST_TEST(format_byte_size(0) == "0.0 KiB");
    BOOST_TEST(format_byte_size(1536) == "1.5 KiB");
    BOOST_TEST(format_byte_size(std::uint64_t{3} << 30) == "3.0 GiB");
    BOOST_TEST(format_byte_size(std::uint64_t{5} << 41) == "10.0 TiB");
}

BOOST_AUTO_TEST_SUITE_END()
