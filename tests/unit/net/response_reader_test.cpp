#include "engine/net/response_reader.hpp"
#include "tests/unit/net/gzip_text.hpp"

#include <boost/test/unit_test.hpp>
#include <fmt/format.h>

using namespace potoo;
using namespace potoo::net;

namespace {

struct outcome
{
    std::optional<problem> trouble;
    bool done = false;
    bool keep_alive = false;
    std::size_t left = 0;
    http_response response;
};

reading_rules rules_of(std::size_t max_body, bool expect_body = true, bool decode_gzip = true)
{
    reading_rules r;
    r.max_body = max_body;
    r.expect_body = expect_body;
    r.decode_gzip = decode_gzip;
    return r;
}

/// Gives the bytes in pieces, as a socket would.
outcome read(std::string_view bytes, std::size_t piece = 1 << 20, reading_rules rules = rules_of(1 << 20),
             bool end = false)
{
    response_reader reader(rules);
    outcome o;
    std::string waiting;
    while (!bytes.empty() && !reader.done()) {
        waiting += bytes.substr(0, piece);
        bytes.remove_prefix(std::min(piece, bytes.size()));
        const auto taken = reader.put(waiting);
        if (!taken) {
            o.trouble = taken.error();
            return o;
        }
        waiting.erase(0, *taken);
    }
    if (!reader.done() && end) {
        const auto ended = reader.put_end();
        if (!ended)
            o.trouble = ended.error();
    }
    o.left = waiting.size() + bytes.size();
    o.done = reader.done();
    if (o.done) {
        o.keep_alive = reader.keep_alive();
        o.response = reader.take();
    }
    return o;
}

struct sunk
{
    outcome how;
    std::string text;
};

/// With a sink that wants more or not, and a limit that is of no account to it.
sunk read_into_sink(std::string_view bytes, std::size_t piece, bool end = true, bool wants_more = true)
{
    sunk s;
    const http_body_sink sink = [&](std::string_view part) {
        BOOST_TEST(!part.empty());
        s.text += part;
        return wants_more;
    };
    reading_rules rules = rules_of(5);
    rules.sink = &sink;
    s.how = read(bytes, piece, rules, end);
    return s;
}

void is_malformed(std::string_view bytes)
{
    const outcome o = read(bytes);
    BOOST_TEST_REQUIRE(o.trouble.has_value(), bytes);
    BOOST_CHECK(o.trouble->code == http_error::malformed);
}

} // namespace

BOOST_AUTO_TEST_SUITE(response_reading)

BOOST_AUTO_TEST_CASE(content_length_ends_the_body)
{
    const std::string text = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-A: b\r\n\r\nhelloEXTRA";
    for (const std::size_t piece : {1, 2, 3, 7, 1000}) {
        const outcome o = read(text, piece);
        BOOST_TEST_REQUIRE(o.done);
        BOOST_TEST(o.response.status == 200u);
        BOOST_TEST(o.response.body == "hello");
        BOOST_TEST(o.response.header("x-a") == "b");
        BOOST_TEST(o.keep_alive);
        BOOST_TEST(o.left == 5u);
    }
}

BOOST_AUTO_TEST_CASE(chunks_are_joined_and_trailers_dropped)
{
    const std::string text = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                             "3;x=y\r\nabc\r\nA\r\n0123456789\r\n0\r\nX-Late: 1\r\n\r\n";
    for (const std::size_t piece : {1, 5, 1000}) {
        const outcome o = read(text, piece);
        BOOST_TEST_REQUIRE(o.done);
        BOOST_TEST(o.response.body == "abc0123456789");
        BOOST_TEST(o.response.header("X-Late").empty());
        BOOST_TEST(o.keep_alive);
    }
}

BOOST_AUTO_TEST_CASE(end_of_connection_ends_a_body_without_length)
{
    const outcome o = read("HTTP/1.1 200 OK\r\n\r\nall of it", 4, rules_of(100), true);
    BOOST_TEST_REQUIRE(o.done);
    BOOST_TEST(o.response.body == "all of it");
    BOOST_TEST(!o.keep_alive);
}

BOOST_AUTO_TEST_CASE(connection_is_kept_as_the_version_says)
{
    BOOST_TEST(!read("HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n").keep_alive);
    BOOST_TEST(read("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n").keep_alive);
    BOOST_TEST(!read("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n").keep_alive);
}

BOOST_AUTO_TEST_CASE(some_responses_have_no_body_whatever_they_say)
{
    BOOST_TEST(read("HTTP/1.1 204 No\r\nContent-Length: 5\r\n\r\n").done);
    BOOST_TEST(read("HTTP/1.1 304 No\r\nContent-Length: 5\r\n\r\n").done);
    const outcome head = read("HTTP/1.1 200 OK\r\nContent-Length: 5000000\r\n\r\n", 1000, rules_of(10, false));
    BOOST_TEST(head.done);
    BOOST_TEST(head.response.header("Content-Length") == "5000000");
}

BOOST_AUTO_TEST_CASE(interim_responses_are_skipped)
{
    const outcome o = read("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nLink: x\r\n\r\n"
                           "HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\nok",
                           3);
    BOOST_TEST_REQUIRE(o.done);
    BOOST_TEST(o.response.status == 201u);
    BOOST_TEST(o.response.header("Link").empty());
    is_malformed("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n");
    std::string endless;
    for (int i = 0; i < 200; ++i)
        endless += "HTTP/1.1 102 Processing\r\n\r\n";
    is_malformed(endless);
}

BOOST_AUTO_TEST_CASE(what_is_no_http_is_malformed)
{
    is_malformed("SSH-2.0-OpenSSH_9.2\r\n\r\n");
    is_malformed("HTTP/1.1 abc OK\r\n\r\n");
    is_malformed("HTTP/1.1 000 OK\r\n\r\n");
    is_malformed("HTTP/1.1 099 OK\r\nContent-Length: 0\r\n\r\n");
    is_malformed("HTTP/2.0 200 OK\r\n\r\n");
    is_malformed("HTTP/1.1 200 OK\r\nNo colon here\r\n\r\n");
    is_malformed("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n");
    is_malformed("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n");
    is_malformed("HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999\r\n\r\n");
    is_malformed("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n");
}

BOOST_AUTO_TEST_CASE(header_has_a_limit)
{
    is_malformed("HTTP/1.1 200 OK\r\nX: " + std::string(70'000, 'x') + "\r\n\r\n");
    std::string many = "HTTP/1.1 200 OK\r\n";
    for (int i = 0; i < 5000; ++i)
        many += fmt::format("X-{}: some value\r\n", i);
    is_malformed(many + "\r\n");
    const outcome large =
        read("HTTP/1.1 200 OK\r\nX: " + std::string(60'000, 'x') + "\r\nContent-Length: 0\r\n\r\n", 1000);
    BOOST_TEST_REQUIRE(large.done);
    BOOST_TEST(large.response.header("X").size() == 60'000u);
}

BOOST_AUTO_TEST_CASE(body_beyond_the_limit_is_refused_at_its_announcement)
{
    const outcome o = read("HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\nx", 1000, rules_of(100));
    BOOST_TEST_REQUIRE(o.trouble.has_value());
    BOOST_CHECK(o.trouble->code == http_error::body_too_large);
}

BOOST_AUTO_TEST_CASE(body_beyond_the_limit_is_refused_when_it_is_reached)
{
    const outcome chunked = read("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n64\r\n" + std::string(100, 'x') +
                                     "\r\n1\r\ny\r\n0\r\n\r\n",
                                 10, rules_of(100));
    BOOST_CHECK(chunked.trouble && chunked.trouble->code == http_error::body_too_large);
    const outcome endless = read("HTTP/1.1 200 OK\r\n\r\n" + std::string(101, 'x'), 10, rules_of(100));
    BOOST_CHECK(endless.trouble && endless.trouble->code == http_error::body_too_large);
    BOOST_TEST(read("HTTP/1.1 200 OK\r\n\r\n" + std::string(100, 'x'), 10, rules_of(100), true).done);
}

BOOST_AUTO_TEST_CASE(connection_that_ends_early_is_lost)
{
    for (const char* text :
         {"", "HTTP/1.1 200", "HTTP/1.1 200 OK\r\nX: y\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell",
          "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", "HTTP/1.1 100 Continue\r\n\r\n"}) {
        const outcome o = read(text, 1000, rules_of(100), true);
        BOOST_TEST_REQUIRE(o.trouble.has_value(), text);
        BOOST_CHECK(o.trouble->code == http_error::connection_lost);
    }
}

BOOST_AUTO_TEST_CASE(gzip_is_unpacked_and_no_longer_announced)
{
    const std::string packed = test::gzip("hello, hello, hello");
    const std::string text =
        fmt::format("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\n\r\n", packed.size()) + packed;
    const outcome o = read(text, 3);
    BOOST_TEST_REQUIRE(o.done);
    BOOST_TEST(o.response.body == "hello, hello, hello");
    BOOST_TEST(o.response.header("Content-Encoding").empty());
    BOOST_TEST(o.response.header("Content-Length").empty());
    const outcome raw = read(text, 3, rules_of(1000, true, false));
    BOOST_CHECK(raw.response.body == packed);
    BOOST_TEST(raw.response.header("Content-Encoding") == "gzip");
}

BOOST_AUTO_TEST_CASE(gzip_bomb_is_too_large)
{
    const std::string packed = test::gzip(std::string(20'000'000, 'x'));
    const std::string text =
        fmt::format("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\n\r\n", packed.size()) + packed;
    const outcome o = read(text, 4096, rules_of(1'000'000));
    BOOST_TEST_REQUIRE(o.trouble.has_value());
    BOOST_CHECK(o.trouble->code == http_error::body_too_large);
}

BOOST_AUTO_TEST_CASE(empty_gzip_members_without_end_are_too_large)
{
    std::string members;
    for (int i = 0; i < 6000; ++i)
        members += test::gzip("");
    const outcome o = read("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + members, 4096, rules_of(100));
    BOOST_CHECK(o.trouble && o.trouble->code == http_error::body_too_large);
}

BOOST_AUTO_TEST_CASE(body_goes_to_the_sink_as_it_comes)
{
    const std::string packed = test::gzip("hello, hello, hello");
    for (const std::string& text : {std::string("HTTP/1.1 200 OK\r\nContent-Length: 19\r\n\r\nhello, hello, hello"),
                                    std::string("HTTP/1.1 206 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                                                "6\r\nhello,\r\nD\r\n hello, hello\r\n0\r\n\r\n"),
                                    std::string("HTTP/1.1 200 OK\r\n\r\nhello, hello, hello"),
                                    "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + packed})
        for (const std::size_t piece : {1, 7, 1000}) {
            const sunk s = read_into_sink(text, piece);
            BOOST_TEST_REQUIRE(s.how.done);
            BOOST_TEST(s.text == "hello, hello, hello");
            BOOST_TEST(s.how.response.body.empty());
        }
    const sunk early = read_into_sink("HTTP/1.1 200 OK\r\nContent-Length: 19\r\n\r\nhello,", 1000, false);
    BOOST_TEST(!early.how.done);
    BOOST_TEST(early.text == "hello,");
}

BOOST_AUTO_TEST_CASE(body_of_no_success_does_not_go_to_the_sink)
{
    const sunk s = read_into_sink("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 404 No\r\nContent-Length: 4\r\n\r\nnone", 3);
    BOOST_TEST_REQUIRE(s.how.done);
    BOOST_TEST(s.text.empty());
    BOOST_TEST(s.how.response.body == "none");
    const sunk large = read_into_sink("HTTP/1.1 500 No\r\nContent-Length: 100\r\n\r\n" + std::string(100, 'x'), 3);
    BOOST_CHECK(large.how.trouble && large.how.trouble->code == http_error::body_too_large);
}

BOOST_AUTO_TEST_CASE(sink_that_wants_no_more_stops_the_reading)
{
    const std::string packed = test::gzip("hello");
    for (const std::string& text : {std::string("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"),
                                    "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + packed}) {
        const sunk s = read_into_sink(text, 1000, true, false);
        BOOST_TEST_REQUIRE(s.how.trouble.has_value());
        BOOST_CHECK(s.how.trouble->code == http_error::stopped);
        BOOST_TEST(s.text == "hello");
    }
}

BOOST_AUTO_TEST_CASE(broken_gzip_is_malformed_for_a_sink_too)
{
    for (const std::string& body : {std::string("no gzip!"), test::gzip("hello").substr(0, 12)}) {
        const sunk s = read_into_sink("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + body, 1000);
        BOOST_TEST_REQUIRE(s.how.trouble.has_value());
        BOOST_CHECK(s.how.trouble->code == http_error::malformed);
    }
}

BOOST_AUTO_TEST_CASE(broken_gzip_is_malformed)
{
    is_malformed("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 8\r\n\r\nno gzip!");
    const std::string cut = test::gzip("hello").substr(0, 12);
    is_malformed(fmt::format("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\n\r\n", cut.size()) +
                 cut);
}

BOOST_AUTO_TEST_SUITE_END()
