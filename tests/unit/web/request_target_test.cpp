#include "engine/web/request_target.hpp"

#include <boost/test/unit_test.hpp>

using namespace potoo::web;

namespace {

request read(std::string_view target, std::string_view host = "here:80")
{
    request r;
    const auto done = read_target(target, host, r);
    BOOST_TEST_REQUIRE(done.has_value(), target << ": " << (done ? "" : done.error().detail));
    return r;
}

std::string refused(std::string_view target, std::string_view host = "here:80")
{
    request r;
    const auto done = read_target(target, host, r);
    if (done)
        return "accepted";
    BOOST_TEST(done.error().status == 400u);
    return done.error().detail;
}

bool says(const std::string& text, std::string_view part)
{
    BOOST_TEST_MESSAGE(text);
    return text.find(part) != std::string::npos;
}

} // namespace

BOOST_AUTO_TEST_SUITE(request_targets)

BOOST_AUTO_TEST_CASE(path_is_split_and_decoded)
{
    const request r = read("/api/v1/dags/n%C3%A4chtlich%20lauf/a+b?x=1&y=a+b%26&flag&=");
    BOOST_TEST(r.path == "/api/v1/dags/n%C3%A4chtlich%20lauf/a+b");
    BOOST_TEST((r.segments == std::vector<std::string>{"api", "v1", "dags", "nächtlich lauf", "a+b"}));
    BOOST_TEST((r.query == std::vector<field>{{"x", "1"}, {"y", "a b&"}, {"flag", ""}, {"", ""}}));
    BOOST_TEST(*r.find_query("y") == "a b&");
}

BOOST_AUTO_TEST_CASE(root_has_no_segments)
{
    BOOST_TEST(read("/").segments.empty());
    BOOST_TEST(read("/?a=1").segments.empty());
}

BOOST_AUTO_TEST_CASE(whole_url_must_name_the_host)
{
    BOOST_TEST(read("http://HERE:80/x").segments.size() == 1u);
    BOOST_TEST(read("https://here:80").segments.empty());
    BOOST_TEST(says(refused("http://there/x"), "not that of its Host field"));
    BOOST_TEST(says(refused("http:///x"), "not that of its Host field"));
    BOOST_TEST(says(refused("ftp://here:80/x"), "must be a path"));
}

BOOST_AUTO_TEST_CASE(other_forms_are_refused)
{
    BOOST_TEST(says(refused("*"), "must be a path"));
    BOOST_TEST(says(refused("here:80"), "must be a path"));
    BOOST_TEST(says(refused(""), "must be a path"));
}

BOOST_AUTO_TEST_CASE(tricks_with_dots_are_refused)
{
    for (const char* target : {"/..", "/a/../b", "/a/%2e%2e/b", "/a/.%2E", "/.", "/a/%2e/b"})
        BOOST_TEST(says(refused(target), "'.' or '..'"), target);
}

BOOST_AUTO_TEST_CASE(tricks_with_slashes_are_refused)
{
    for (const char* target : {"//", "//evil/x", "/a//b", "/a/"})
        BOOST_TEST(says(refused(target), "empty segment"), target);
    for (const char* target : {"/a%2fb", "/a%2Fb", "/..%2f..%2fetc", "/a%5cb"})
        BOOST_TEST(says(refused(target), "encoded slash"), target);
    BOOST_TEST(says(refused("/a\\b"), "must be percent-encoded"));
}

BOOST_AUTO_TEST_CASE(bytes_that_are_no_text_are_refused)
{
    BOOST_TEST(says(refused("/a%00b"), "control character"));
    BOOST_TEST(says(refused("/a%0d%0ab"), "control character"));
    BOOST_TEST(says(refused("/a%ff"), "not UTF-8"));
    BOOST_TEST(says(refused("/a%c0%af"), "not UTF-8"));
    BOOST_TEST(says(refused("/a%ed%a0%80"), "not UTF-8"));
    BOOST_TEST(says(refused("/a%4"), "two hexadecimal digits"));
    BOOST_TEST(says(refused("/a%zz"), "two hexadecimal digits"));
    BOOST_TEST(says(refused("/a?q=%"), "two hexadecimal digits"));
    BOOST_TEST(says(refused("/a?q=%ff"), "not UTF-8"));
    BOOST_TEST(says(refused("/a?q=%00"), "zero byte"));
    BOOST_TEST(says(refused("/\xc3\xa4"), "must be percent-encoded"));
    BOOST_TEST(says(refused("/a#b"), "must be percent-encoded"));
}

BOOST_AUTO_TEST_SUITE_END()
