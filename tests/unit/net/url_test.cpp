#include "engine/net/url.hpp"

#include <boost/test/unit_test.hpp>

#include <string>

using namespace potoo;
using namespace potoo::net;

namespace {

std::string refusal(std::string_view text)
{
    const auto u = parse_url(text);
    BOOST_TEST_REQUIRE(u.has_error(), "accepted: " << text);
    BOOST_CHECK(u.error().code == http_error::bad_url);
    return u.error().detail;
}

std::string redirected(std::string_view base, std::string_view reference)
{
    const auto u = resolve_url(parse_url(base).value(), reference);
    return u ? u->text() : "refused";
}

} // namespace

BOOST_AUTO_TEST_SUITE(url_parsing)

BOOST_AUTO_TEST_CASE(parts_of_an_http_url)
{
    const auto u = parse_url("http://Example.org:8080/a%20b/c?x=1&y=%2F#part").value();
    BOOST_CHECK(u.transport == transport::tcp);
    BOOST_TEST(u.host == "example.org");
    BOOST_TEST(u.port == 8080);
    BOOST_TEST(u.authority == "example.org:8080");
    BOOST_TEST(u.target == "/a%20b/c?x=1&y=%2F");
    BOOST_TEST(u.origin() == "http://example.org:8080");
}

BOOST_AUTO_TEST_CASE(default_port_is_left_out_of_the_authority)
{
    BOOST_TEST(parse_url("https://x.example").value().port == 443);
    BOOST_TEST(parse_url("https://x.example:443/").value().authority == "x.example");
    BOOST_TEST(parse_url("http://x.example:/").value().port == 80);
    BOOST_TEST(parse_url("http://x.example?q").value().target == "/?q");
}

BOOST_AUTO_TEST_CASE(ipv6_host_has_brackets_in_the_authority_only)
{
    const auto u = parse_url("http://[::1]:81/").value();
    BOOST_TEST(u.host == "::1");
    BOOST_TEST(u.authority == "[::1]:81");
}

BOOST_AUTO_TEST_CASE(unix_url_names_socket_and_target)
{
    const auto u = parse_url("unix:/run/docker.sock:/v1.41/info?all=1").value();
    BOOST_CHECK(u.transport == transport::unix_socket);
    BOOST_TEST(u.host == "/run/docker.sock");
    BOOST_TEST(u.target == "/v1.41/info?all=1");
    BOOST_TEST(u.authority == "localhost");
    BOOST_TEST(parse_url("unix:/run/x.sock").value().target == "/");
}

BOOST_AUTO_TEST_CASE(user_and_password_are_decoded_and_never_shown)
{
    const auto u = parse_url("http://al%40ice:s%3Acret@h/x").value();
    BOOST_TEST(u.userinfo == "al@ice:s:cret");
    BOOST_TEST(u.text() == "http://h/x");
    BOOST_TEST(u.origin() == "http://h:80");
    const std::string shown = refusal("http://alice:hunter2@ho st/x?token=secret");
    BOOST_TEST(shown.find("hunter2") == std::string::npos);
    BOOST_TEST(shown.find("secret") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(what_cannot_be_sent_is_refused)
{
    for (const char* text : {"",
                             "x",
                             "//h/x",
                             "ftp://h/",
                             "http://",
                             "http:///x",
                             "http:h",
                             "http://h:0/",
                             "http://h:65536/",
                             "http://h:x/",
                             "http://h/a b",
                             "http://h/\r\nX: y",
                             "http://h/\x01",
                             "http://h/caf\xc3\xa9",
                             "http://h%0d%0a/",
                             "http://a%20b/",
                             "unix:",
                             "unix:relative.sock:/x",
                             "unix:/x.sock:/a b",
                             "unix:/x.sock:/\r\n"})
        BOOST_TEST(!refusal(text).empty());
    BOOST_TEST(!refusal("unix:/" + std::string(200, 'x')).empty());
}

BOOST_AUTO_TEST_CASE(message_says_what_is_expected)
{
    BOOST_TEST(refusal("localhost:8080/x").find("http://") != std::string::npos);
    BOOST_TEST(refusal("gopher://h/").find("gopher") != std::string::npos);
    BOOST_TEST(refusal("http://h/\x01").find('\x01') == std::string::npos);
}

BOOST_AUTO_TEST_CASE(reader_says_the_same_as_the_parser_the_first_time_and_later)
{
    url_reader reader;
    for (int round = 0; round < 2; ++round) {
        for (const char* text : {"http://Example.org:8080/a?b=c", "http://example.org:8080/x/../../y", "http://h/a%20b",
                                 "http://h/a b", "http://h/a#f", "http://h", "http://h/", "http://u:p@h/x",
                                 "http://u:p@h/y", "https://h/x", "http://h:0/x", "http://h\r\n/x", "http://[::1]/x",
                                 "unix:/x.sock:/y", "http://h/?u=http://other/", "http://h?x=/y", "x"}) {
            const auto direct = parse_url(text);
            const auto read = reader.parse(text);
            BOOST_TEST_REQUIRE(direct.has_value() == read.has_value(), text);
            if (!direct)
                continue;
            BOOST_TEST(direct->origin() == read->origin());
            BOOST_TEST(direct->target == read->target);
            BOOST_TEST(direct->authority == read->authority);
            BOOST_TEST(direct->userinfo == read->userinfo);
        }
    }
    for (int i = 0; i < 200; ++i)
        BOOST_TEST(reader.parse("http://h" + std::to_string(i) + "/x")->host == "h" + std::to_string(i));
}

BOOST_AUTO_TEST_CASE(redirects_are_resolved_like_links)
{
    BOOST_TEST(redirected("http://h/a/b?q", "c") == "http://h/a/c");
    BOOST_TEST(redirected("http://h/a/b", "/c?x") == "http://h/c?x");
    BOOST_TEST(redirected("http://h/a/b", "../../c") == "http://h/c");
    BOOST_TEST(redirected("http://h/a", "//other/c") == "http://other/c");
    BOOST_TEST(redirected("http://h/a", "https://other:8443/c") == "https://other:8443/c");
    BOOST_TEST(redirected("unix:/x.sock:/a/b", "c") == "unix:/x.sock:/a/c");
    BOOST_TEST(redirected("unix:/x.sock:/a/b", "http://h/c") == "http://h/c");
    BOOST_TEST(redirected("http://h/a", "unix:/x.sock:/c") == "refused");
    BOOST_TEST(redirected("http://h/a", "file:///etc/passwd") == "refused");
    BOOST_TEST(redirected("http://h/a", "b c") == "refused");
}

BOOST_AUTO_TEST_SUITE_END()
