#include "engine/web/listen_address.hpp"

#include <boost/test/unit_test.hpp>

using namespace potoo::web;

BOOST_AUTO_TEST_SUITE(listen_addresses)

BOOST_AUTO_TEST_CASE(address_is_written_as_it_is_read)
{
    for (const char* text : {"127.0.0.1:8080", "0.0.0.0:0", "[::1]:8080", "[::]:65535"})
        BOOST_TEST(to_text(parse_listen_address(text)) == text);
    BOOST_TEST(to_text(parse_listen_address("localhost:1")) == "127.0.0.1:1");
}

BOOST_AUTO_TEST_CASE(what_is_no_address_is_refused)
{
    for (const char* text : {"", ":", "8080", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1", "::1:80",
                             "example.org:80", "127.0.0.1:80x", "[::1]"})
        BOOST_CHECK_THROW((void)parse_listen_address(text), std::runtime_error);
}

BOOST_AUTO_TEST_CASE(peer_is_read_as_proxies_write_it)
{
    BOOST_TEST(parse_peer("10.0.0.1")->to_string() == "10.0.0.1");
    BOOST_TEST(parse_peer("10.0.0.1:1234")->to_string() == "10.0.0.1");
    BOOST_TEST(parse_peer("[::1]:1234")->to_string() == "::1");
    BOOST_TEST(parse_peer("2001:db8::1")->to_string() == "2001:db8::1");
    BOOST_TEST(parse_peer("::ffff:10.0.0.1")->to_string() == "10.0.0.1");
    BOOST_TEST(!parse_peer("unknown"));
    BOOST_TEST(!parse_peer(""));
}

BOOST_AUTO_TEST_SUITE_END()
