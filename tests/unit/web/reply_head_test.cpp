#include "engine/web/reply_head.hpp"

#include <boost/test/unit_test.hpp>

using namespace potoo;
using namespace potoo::web;

namespace {

using namespace std::chrono;

constexpr wall_time morning = sys_days(2026y / November / 22d) + 8h + 5min + 9s;

reply with_field(std::string name, std::string value)
{
    reply r;
    r.fields.emplace_back(std::move(name), std::move(value));
    return r;
}

} // namespace

BOOST_AUTO_TEST_SUITE(reply_heads)

BOOST_AUTO_TEST_CASE(head_has_the_fields_of_both)
{
    reply r = with_field("ETag", "\"1\"");
    r.status = 201;
    r.body = "12345";
    std::string out;
    BOOST_TEST(write_reply_head(r, {framing::length, true, morning}, out));
    BOOST_TEST(out == "HTTP/1.1 201 Created\r\nServer: potoo\r\nDate: Sun, 22 Nov 2026 08:05:09 GMT\r\nETag: \"1\"\r\n"
                      "Content-Length: 5\r\n\r\n");
}

BOOST_AUTO_TEST_CASE(framing_is_the_servers)
{
    std::string out;
    reply r = with_field("content-length", "7");
    r.fields.emplace_back("Transfer-Encoding", "gzip");
    BOOST_TEST(write_reply_head(r, {framing::chunked, false, {}}, out));
    BOOST_TEST(out.ends_with("GMT\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"));
}

BOOST_AUTO_TEST_CASE(field_that_would_be_two_is_not_written)
{
    std::string out = "before";
    BOOST_TEST(!write_reply_head(with_field("X", "a\r\nSet-Cookie: b"), {}, out));
    BOOST_TEST(!write_reply_head(with_field("X: y\r\nZ", "a"), {}, out));
    BOOST_TEST(!write_reply_head(with_field("", "a"), {}, out));
    BOOST_TEST(!write_reply_head(with_field("X", std::string("a\0b", 3)), {}, out));
    BOOST_TEST(out == "before");
}

BOOST_AUTO_TEST_CASE(accept_is_that_of_the_rfc)
{
    BOOST_TEST(websocket_accept("dGhlIHNhbXBsZSBub25jZQ==") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

BOOST_AUTO_TEST_SUITE_END()
