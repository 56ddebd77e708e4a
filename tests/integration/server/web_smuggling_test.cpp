// Requests that two readers could understand in two ways, over a real connection: refused, closed, nothing hidden in
// them is acted upon, and the server stays.

#include "tests/integration/server/web_world.hpp"

using namespace potoo;
using namespace potoo::test;
using namespace std::string_literals;

namespace {

struct shape
{
    const char* name;
    std::string bytes; ///< what would be hidden in it follows
    unsigned status;
};

const std::string hidden = "GET /hidden HTTP/1.1\r\nHost: here\r\n\r\n";

const std::vector<shape> shapes{
    {"length and chunks",
     "POST /a HTTP/1.1\r\nHost: here\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
    {"chunks and length",
     "POST /a HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n", 400},
    {"two lengths", "POST /a HTTP/1.1\r\nHost: here\r\nContent-Length: 0\r\nContent-Length: 44\r\n\r\n", 400},
    {"the same length twice", "POST /a HTTP/1.1\r\nHost: here\r\nContent-Length: 0\r\nContent-Length: 0\r\n\r\n", 400},
    {"list of lengths", "POST /a HTTP/1.1\r\nHost: here\r\nContent-Length: 0, 0\r\n\r\n", 400},
    {"length with a sign", "POST /a HTTP/1.1\r\nHost: here\r\nContent-Length: +0\r\n\r\n", 400},
    {"length beyond numbers", "POST /a HTTP/1.1\r\nHost: here\r\nContent-Length: 18446744073709551616\r\n\r\n", 400},
    {"space before the colon", "POST /a HTTP/1.1\r\nHost: here\r\nContent-Length : 44\r\n\r\n", 400},
    {"folded length", "POST /a HTTP/1.1\r\nHost: here\r\nX: y\r\n Content-Length: 44\r\n\r\n", 400},
    {"folded coding", "POST /a HTTP/1.1\r\nHost: here\r\nTransfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n", 400},
    {"unknown coding", "POST /a HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: xchunked\r\n\r\n", 501},
    {"chunked that is not last", "POST /a HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: chunked, identity\r\n\r\n", 501},
    {"coding twice",
     "POST /a HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n", 400},
    {"coding in HTTP/1.0", "POST /a HTTP/1.0\r\nHost: here\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
    {"coding with a vertical tab",
     "POST /a HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: \x0b"
     "chunked\r\n\r\n",
     400},
    {"bad size of a chunk", "POST /a HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400},
    {"size of a chunk in C", "POST /a HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: chunked\r\n\r\n0x0\r\n\r\n", 400},
    {"chunk longer than said",
     "POST /a HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n0\r\n\r\n", 400},
    {"chunk ended by a line feed", "POST /a HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: chunked\r\n\r\n1\na\n0\n\n",
     400},
    {"lines ended by a line feed", "GET /a HTTP/1.1\nHost: here\n\n", 400},
    {"one line ended by a line feed", "GET /a HTTP/1.1\r\nHost: here\nX: y\r\n\r\n", 400},
    {"carriage return within a line", "GET /a HTTP/1.1\r\nHost: here\r\nX: y\rZ: a\r\n\r\n", 400},
    {"zero byte", "GET /a HTTP/1.1\r\nHost: here\r\nX: y\0z\r\n\r\n"s, 400},
    {"no host", "GET /a HTTP/1.1\r\n\r\n", 400},
    {"two hosts", "GET /a HTTP/1.1\r\nHost: here\r\nHost: there\r\n\r\n", 400},
    {"host of the target differs", "GET http://there/a HTTP/1.1\r\nHost: here\r\n\r\n", 400},
    {"tunnel", "CONNECT there:80 HTTP/1.1\r\nHost: there\r\n\r\n", 400},
    {"two spaces", "GET  /a HTTP/1.1\r\nHost: here\r\n\r\n", 400},
    {"space within the target", "GET /a HTTP/1.1 HTTP/1.1\r\nHost: here\r\n\r\n", 400},
    {"HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
    {"HTTP/0.9", "GET /a\r\n\r\n", 400},
    {"path upwards", "GET /a/../../etc/passwd HTTP/1.1\r\nHost: here\r\n\r\n", 400},
    {"path upwards, encoded", "GET /a/%2e%2e/%2e%2e/etc HTTP/1.1\r\nHost: here\r\n\r\n", 400},
    {"path with an encoded slash", "GET /a%2f..%2fb HTTP/1.1\r\nHost: here\r\n\r\n", 400},
    {"path with two slashes", "GET //there/a HTTP/1.1\r\nHost: here\r\n\r\n", 400},
    {"path with a zero byte", "GET /a%00.json HTTP/1.1\r\nHost: here\r\n\r\n", 400},
    {"path that is no UTF-8", "GET /%c0%ae HTTP/1.1\r\nHost: here\r\n\r\n", 400},
    {"expectation", "POST /a HTTP/1.1\r\nHost: here\r\nExpect: the-unexpected\r\nContent-Length: 0\r\n\r\n", 417},
    {"TLS where none is spoken", "\x16\x03\x01\x00\xa5\x01"s, 400},
};

} // namespace

BOOST_AUTO_TEST_SUITE(web_smuggling)

BOOST_AUTO_TEST_CASE(shape_is_refused_and_nothing_hidden_in_it_is_done)
{
    web_world w;
    for (const shape& s : shapes) {
        const std::string replies = w.ask(s.bytes + hidden);
        const unsigned status = status_of(replies);
        BOOST_TEST((status == s.status || (s.status == 400 && status == 505)), s.name << ": " << replies);
        BOOST_TEST(count_replies(replies) == 1u, s.name << ": " << replies);
        BOOST_TEST(contains(replies, "Connection: close\r\n"), s.name);
        BOOST_TEST(w.handler.asked.empty(), s.name);
        w.handler.asked.clear();
    }
    BOOST_TEST(w.server->stats().malformed == shapes.size());
    BOOST_TEST(status_of(w.ask(get("/after"))) == 200u);
}

BOOST_AUTO_TEST_CASE(shape_in_the_second_request_is_refused_too)
{
    web_world w;
    for (const shape& s : shapes) {
        w.handler.asked.clear();
        const std::string replies = w.ask(get("/first", "") + s.bytes + hidden);
        BOOST_TEST(count_replies(replies) == 2u, s.name << ": " << replies);
        BOOST_TEST(w.handler.asked.size() == 1u, s.name);
    }
}

BOOST_AUTO_TEST_CASE(oversized_parts_are_refused)
{
    web::server_options options;
    options.limits.head_bytes = 4'096;
    web_world w(options);
    BOOST_TEST(status_of(w.ask("GET /" + std::string(100'000, 'a'))) == 414u);
    BOOST_TEST(status_of(w.ask(get("/", "X: " + std::string(100'000, 'a') + "\r\n"))) == 431u);
    std::string fields;
    for (int i = 0; i < 200; ++i)
        fields += "a:b\r\n";
    BOOST_TEST(status_of(w.ask(get("/", fields))) == 431u);
    BOOST_TEST(status_of(w.ask(std::string(100'000, 'A'))) == 414u);
    BOOST_TEST(status_of(w.ask(std::string(100'000, '\n'))) == 400u);
    BOOST_TEST(status_of(w.ask(get("/after"))) == 200u);
}

BOOST_AUTO_TEST_CASE(client_that_goes_at_any_byte_leaves_nothing_behind)
{
    web_world w;
    const std::string whole = "POST /a HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n";
    for (std::size_t n = 0; n < whole.size(); ++n) {
        raw_client c = w.connect();
        c.send(whole.substr(0, n));
        c.end_sending();
        BOOST_TEST(w.run(c.read_all()).empty(), n);
    }
    BOOST_TEST(w.server->stats().open == 0u);
    BOOST_TEST(w.handler.asked.empty());
}

BOOST_AUTO_TEST_SUITE_END()
