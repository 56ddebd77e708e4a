#include "engine/web/request_reader.hpp"

#include <boost/test/unit_test.hpp>
#include <fmt/format.h>

using namespace potoo::web;

namespace {

constexpr std::size_t head_limit = 1'000;
constexpr std::size_t body_limit = 100;

struct outcome
{
    unsigned refused = 0; ///< status
    std::string why;
    bool done = false;
    request got;
    std::string rest; ///< behind the request
};

/// Reads `bytes` as they come in pieces of that size.
outcome read(std::string_view bytes, std::size_t piece)
{
    request_reader reader(head_limit);
    outcome out;
    std::string input;
    bool allowed = false;
    const auto refuse = [&](const refusal& r) {
        out.refused = r.status;
        out.why = r.detail;
        return out;
    };
    while (!reader.done() && !bytes.empty()) {
        input += bytes.substr(0, piece);
        bytes.remove_prefix(std::min(piece, bytes.size()));
        for (std::size_t taken = 1; taken > 0 && !reader.done();) {
            const auto put = reader.put(input);
            if (!put)
                return refuse(put.error());
            taken = *put;
            input.erase(0, taken);
            if (reader.head_done() && !std::exchange(allowed, true)) {
                const auto may = reader.allow_body(body_limit);
                if (!may)
                    return refuse(may.error());
            }
        }
    }
    out.done = reader.done();
    out.rest = input + std::string(bytes);
    if (out.done)
        out.got = reader.take();
    return out;
}

/// The same in one piece and byte by byte.
outcome read(std::string_view bytes)
{
    outcome whole = read(bytes, bytes.size());
    const outcome slow = read(bytes, 1);
    BOOST_TEST(whole.refused == slow.refused, whole.why << " / " << slow.why);
    BOOST_TEST(whole.done == slow.done);
    BOOST_TEST(whole.got.body == slow.got.body);
    return whole;
}

std::string with(std::string_view fields, std::string_view body = {})
{
    return fmt::format("POST /x HTTP/1.1\r\nHost: here\r\n{}\r\n{}", fields, body);
}

unsigned status_of(std::string_view bytes)
{
    const outcome o = read(bytes);
    BOOST_TEST_MESSAGE(o.refused << " " << o.why);
    BOOST_TEST(o.done == (o.refused == 0));
    return o.refused;
}

} // namespace

BOOST_AUTO_TEST_SUITE(request_readers)

BOOST_AUTO_TEST_CASE(request_is_taken_apart)
{
    const outcome o =
        read("POST /a/b?c=d HTTP/1.1\r\nHost: here\r\nX-Some-Thing:  a b \t\r\nContent-Length: 3\r\n\r\nxyzNEXT");
    BOOST_TEST_REQUIRE(o.done, o.why);
    BOOST_TEST(o.got.method == "POST");
    BOOST_TEST(o.got.path == "/a/b");
    BOOST_TEST(*o.got.find("x-some-thing") == "a b");
    BOOST_TEST(*o.got.find_query("c") == "d");
    BOOST_TEST(o.got.body == "xyz");
    BOOST_TEST(o.rest == "NEXT");
}

BOOST_AUTO_TEST_CASE(chunks_are_put_together_and_their_trailers_dropped)
{
    const outcome o = read(with("Transfer-Encoding: chunked\r\n",
                                "2\r\nab\r\n3;ext=\"1\"\r\ncde\r\n0\r\nX-Late: 1\r\nContent-Length: 7\r\n\r\n"));
    BOOST_TEST_REQUIRE(o.done, o.why);
    BOOST_TEST(o.got.body == "abcde");
    BOOST_TEST(o.got.find("x-late") == nullptr);
    BOOST_TEST(o.got.find("content-length") == nullptr);
}

BOOST_AUTO_TEST_CASE(two_lengths_are_refused)
{
    BOOST_TEST(status_of(with("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n")) == 400u);
    BOOST_TEST(status_of(with("Transfer-Encoding: chunked\r\nContent-Length: 3\r\n", "0\r\n\r\n")) == 400u);
    BOOST_TEST(status_of(with("Content-Length: 3\r\nContent-Length: 3\r\n", "abc")) == 400u);
    BOOST_TEST(status_of(with("Content-Length: 3\r\nContent-Length: 4\r\n", "abcd")) == 400u);
    BOOST_TEST(status_of(with("Content-Length: 3, 3\r\n", "abc")) == 400u);
}

BOOST_AUTO_TEST_CASE(length_that_is_no_number_is_refused)
{
    for (const char* length : {"+3", "-3", "0x3", "3 3", "", "three", "99999999999999999999999"})
        BOOST_TEST(status_of(with(fmt::format("Content-Length: {}\r\n", length), "abc")) == 400u, length);
}

BOOST_AUTO_TEST_CASE(coding_that_hides_chunks_is_refused)
{
    for (const char* coding : {"gzip, chunked", "chunked, chunked", "xchunked", "identity", "chunked, identity",
                               "\x0b"
                               "chunked"}) {
        const unsigned status = status_of(with(fmt::format("Transfer-Encoding: {}\r\n", coding), "0\r\n\r\n"));
        BOOST_TEST((status == 501u || status == 400u), coding << ": " << status);
    }
    BOOST_TEST(status_of(with("Transfer-Encoding : chunked\r\n", "0\r\n\r\n")) == 400u);
    BOOST_TEST(status_of(with("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n")) == 400u);
    BOOST_TEST(status_of("POST /x HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n") == 400u);
}

BOOST_AUTO_TEST_CASE(chunk_that_is_none_is_refused)
{
    for (const char* chunk : {"x\r\n", "-1\r\n", "0x3\r\nabc\r\n", "3\nabc\r\n", "3\r\nabcd\r\n", "3\r\nabc\n0\r\n\r\n",
                              "1 x\r\na", "0\r\nno field\r\n\r\n", "0;\x01\r\n\r\n", " 3\r\nabc\r\n"})
        BOOST_TEST(status_of(with("Transfer-Encoding: chunked\r\n", chunk)) == 400u, chunk);
}

BOOST_AUTO_TEST_CASE(line_before_a_chunk_has_an_end)
{
    BOOST_TEST(status_of(with("Transfer-Encoding: chunked\r\n", "ffffffffffffffffff\r\n")) == 413u);
    const std::string endless(10'000, 'e');
    BOOST_TEST(status_of(with("Transfer-Encoding: chunked\r\n", "1;" + endless)) == 400u);
}

BOOST_AUTO_TEST_CASE(lines_end_with_both_characters)
{
    BOOST_TEST(status_of("GET / HTTP/1.1\nHost: here\n\n") == 400u);
    BOOST_TEST(status_of("GET / HTTP/1.1\r\nHost: here\nX: y\r\n\r\n") == 400u);
    BOOST_TEST(status_of("GET / HTTP/1.1\r\nHost: here\rX: y\r\n\r\n") == 400u);
    BOOST_TEST(status_of("GET / HTTP/1.1\r\nHost: here\r\r\n\r\n") == 400u);
}

BOOST_AUTO_TEST_CASE(folded_field_is_refused)
{
    BOOST_TEST(status_of("GET / HTTP/1.1\r\nHost: here\r\nX: a\r\n b\r\n\r\n") == 400u);
    BOOST_TEST(status_of("GET / HTTP/1.1\r\nHost: here\r\nX: a\r\n\tb\r\n\r\n") == 400u);
    BOOST_TEST(status_of("GET / HTTP/1.1\r\n Host: here\r\n\r\n") == 400u);
}

BOOST_AUTO_TEST_CASE(control_character_is_refused)
{
    using namespace std::string_literals;
    BOOST_TEST(status_of("GET / HTTP/1.1\r\nHost: here\r\nX: a\0b\r\n\r\n"s) == 400u);
    BOOST_TEST(status_of("GET / HTTP/1.1\r\nHost: here\r\nX\0: b\r\n\r\n"s) == 400u);
    BOOST_TEST(status_of("GET /\0 HTTP/1.1\r\nHost: here\r\n\r\n"s) == 400u);
    BOOST_TEST(status_of("GET / HTTP/1.1\r\nHost: here\r\nX: a\x7f\r\n\r\n"s) == 400u);
    BOOST_TEST(status_of("\x16\x03\x01\x02"s) == 400u);
}

BOOST_AUTO_TEST_CASE(name_of_a_field_is_a_token)
{
    for (const char* field : {"X y: z", "X : z", ": z", "X", "(x): z", "X\": z"})
        BOOST_TEST(status_of(fmt::format("GET / HTTP/1.1\r\nHost: here\r\n{}\r\n\r\n", field)) == 400u, field);
}

BOOST_AUTO_TEST_CASE(host_is_named_once)
{
    BOOST_TEST(status_of("GET / HTTP/1.1\r\n\r\n") == 400u);
    BOOST_TEST(status_of("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n") == 400u);
    BOOST_TEST(status_of("GET / HTTP/1.1\r\nHost: a b\r\n\r\n") == 400u);
    BOOST_TEST(status_of("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n") == 400u);
    BOOST_TEST(status_of("GET / HTTP/1.1\r\nHost: u@a\r\n\r\n") == 400u);
    BOOST_TEST(status_of("GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n") == 400u);
    BOOST_TEST(status_of("CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n") == 400u);
    BOOST_TEST(status_of("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n") == 400u);
    BOOST_TEST(status_of("GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n") == 0u);
    BOOST_TEST(status_of("GET / HTTP/1.0\r\n\r\n") == 0u);
}

BOOST_AUTO_TEST_CASE(request_line_has_three_parts)
{
    for (const char* line : {"GET /", "GET  / HTTP/1.1", "GET / HTTP/1.1 ", "GET /a b HTTP/1.1", " GET / HTTP/1.1",
                             "GET\t/ HTTP/1.1", "G(T / HTTP/1.1", "GET / http/1.1", "GET / HTTP/1.1x"}) {
        const unsigned status = status_of(fmt::format("{}\r\nHost: a\r\n\r\n", line));
        BOOST_TEST((status == 400u || status == 505u), line << ": " << status);
    }
    BOOST_TEST(status_of("GET / HTTP/2.0\r\nHost: a\r\n\r\n") == 505u);
    BOOST_TEST(status_of("GET / HTTP/0.9\r\nHost: a\r\n\r\n") == 505u);
    BOOST_TEST(status_of("GET / HTTP/1.2\r\nHost: a\r\n\r\n") == 505u);
    BOOST_TEST(status_of("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n") == 505u);
}

BOOST_AUTO_TEST_CASE(too_long_is_refused_before_it_has_come)
{
    const std::string line = "GET /" + std::string(head_limit, 'a');
    BOOST_TEST(read(line).refused == 414u);
    const std::string head = "GET / HTTP/1.1\r\nHost: a\r\nX: " + std::string(head_limit, 'a');
    BOOST_TEST(read(head).refused == 431u);
    std::string many = "GET / HTTP/1.1\r\nHost: a\r\n";
    for (int i = 0; i < 100; ++i)
        many += "a: b\r\n";
    BOOST_TEST(read(many + "\r\n").refused == 431u);
    BOOST_TEST(status_of(with("Content-Length: 101\r\n")) == 413u);
    BOOST_TEST(status_of(with("Transfer-Encoding: chunked\r\n",
                              "33\r\n" + std::string(0x33, 'x') + "\r\n33\r\n" + std::string(0x33, 'x'))) == 413u);
}

BOOST_AUTO_TEST_CASE(largest_that_is_allowed_is_taken)
{
    std::string head = "GET / HTTP/1.1\r\nHost: a\r\nX: ";
    head += std::string(head_limit - head.size() - 4, 'a') + "\r\n\r\n";
    BOOST_TEST(head.size() == head_limit);
    BOOST_TEST(status_of(head) == 0u);
    BOOST_TEST(status_of(with("Content-Length: 100\r\n", std::string(100, 'x'))) == 0u);
    std::string many = "GET / HTTP/1.1\r\nHost: a\r\n";
    for (int i = 0; i < 99; ++i)
        many += "a:b\r\n";
    BOOST_TEST(status_of(many + "\r\n") == 0u);
}

BOOST_AUTO_TEST_CASE(expectation_is_met_or_refused)
{
    BOOST_TEST(status_of(with("Expect: 200-ok\r\nContent-Length: 1\r\n", "x")) == 417u);
    request_reader reader(head_limit);
    BOOST_TEST(reader.put(with("Expect: 100-Continue\r\nContent-Length: 1\r\n")).has_value());
    BOOST_TEST(reader.awaits_continue());
    request_reader without_body(head_limit);
    BOOST_TEST(without_body.put(with("Expect: 100-continue\r\n")).has_value());
    BOOST_TEST(!without_body.awaits_continue());
}

BOOST_AUTO_TEST_CASE(websocket_is_asked_for_in_full)
{
    const auto asking = [](std::string_view fields) {
        return fmt::format(
            "GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n{}\r\n", fields);
    };
    const char* key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    BOOST_TEST(read(asking(fmt::format("Sec-WebSocket-Version: 13\r\n{}", key))).got.websocket);
    BOOST_TEST(status_of(asking(key)) == 426u);
    BOOST_TEST(status_of(asking(fmt::format("Sec-WebSocket-Version: 8\r\n{}", key))) == 426u);
    BOOST_TEST(status_of(asking("Sec-WebSocket-Version: 13\r\n")) == 400u);
    BOOST_TEST(status_of(asking("Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: short\r\n")) == 400u);
    BOOST_TEST(status_of(asking(fmt::format("Sec-WebSocket-Version: 13\r\nContent-Length: 1\r\n{}", key))) == 400u);
    BOOST_TEST(!read("GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\r\n").got.websocket);
}

BOOST_AUTO_TEST_CASE(empty_lines_before_a_request_mean_nothing)
{
    BOOST_TEST(read("\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n").done);
}

BOOST_AUTO_TEST_SUITE_END()
