#include "engine/net/request_head.hpp"

#include <boost/test/unit_test.hpp>

using namespace potoo;
using namespace potoo::net;

namespace {

http_request request_of(std::string method, std::vector<http_header> headers = {}, std::string body = {})
{
    http_request r;
    r.method = std::move(method);
    r.headers = std::move(headers);
    r.body = std::move(body);
    return r;
}

std::string head_of(const http_request& r, std::string_view to = "http://h:81/x?y", head_extras extras = {})
{
    std::string out;
    const auto u = parse_url(to);
    const auto written = write_head(r, *u, extras, out);
    return written ? out : "refused: " + written.error().detail;
}

bool has(const std::string& head, std::string_view line)
{
    return head.find("\r\n" + std::string(line) + "\r\n") != std::string::npos;
}

std::string refusal(const http_request& r)
{
    const std::string head = head_of(r);
    BOOST_TEST(head.rfind("refused: ", 0) == 0u, head);
    return head;
}

} // namespace

BOOST_AUTO_TEST_SUITE(head_of_a_request)

BOOST_AUTO_TEST_CASE(get_has_what_a_server_needs)
{
    const std::string head = head_of(request_of("GET"));
    BOOST_TEST(head.rfind("GET /x?y HTTP/1.1\r\n", 0) == 0u);
    BOOST_TEST(has(head, "Host: h:81"));
    BOOST_TEST(has(head, "Accept-Encoding: gzip"));
    BOOST_TEST(head.find("User-Agent: potoo/") != std::string::npos);
    BOOST_TEST(head.find("Content-Length") == std::string::npos);
    BOOST_TEST(head.substr(head.size() - 4) == "\r\n\r\n");
}

BOOST_AUTO_TEST_CASE(body_is_announced_even_when_a_post_has_none)
{
    BOOST_TEST(has(head_of(request_of("POST", {}, "hello")), "Content-Length: 5"));
    BOOST_TEST(has(head_of(request_of("POST")), "Content-Length: 0"));
    BOOST_TEST(has(head_of(request_of("DELETE", {}, "x")), "Content-Length: 1"));
}

BOOST_AUTO_TEST_CASE(headers_of_the_caller_replace_those_of_the_client)
{
    const std::string head =
        head_of(request_of("GET", {{"host", "other"}, {"user-agent", "mine"}, {"ACCEPT-ENCODING", "br"}}));
    BOOST_TEST(has(head, "host: other"));
    BOOST_TEST(head.find("Host: h") == std::string::npos);
    BOOST_TEST(head.find("potoo/") == std::string::npos);
    BOOST_TEST(head.find("gzip") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(caller_who_asks_for_an_encoding_gets_it_undecoded)
{
    std::string out;
    const auto u = parse_url("http://h/");
    BOOST_TEST(write_head(request_of("GET"), *u, {}, out)->decode_gzip);
    BOOST_TEST(!write_head(request_of("GET", {{"Accept-Encoding", "gzip"}}), *u, {}, out)->decode_gzip);
    BOOST_TEST(!write_head(request_of("GET", {{"Connection", "x, Close"}}), *u, {}, out)->keep_alive);
    BOOST_TEST(write_head(request_of("GET", {{"Connection", "keep-alive"}}), *u, {}, out)->keep_alive);
}

BOOST_AUTO_TEST_CASE(user_and_password_of_the_url_become_credentials)
{
    BOOST_TEST(has(head_of(request_of("GET"), "http://Aladdin:open%20sesame@h/"),
                   "Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="));
    const std::string given = head_of(request_of("GET", {{"authorization", "Bearer t"}}), "http://a:b@h/");
    BOOST_TEST(has(given, "authorization: Bearer t"));
    BOOST_TEST(given.find("Basic") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(proxy_gets_the_whole_url_and_its_credentials)
{
    const std::string head = head_of(request_of("GET"), "http://h:81/x", {true, "Basic Zm9v"});
    BOOST_TEST(head.rfind("GET http://h:81/x HTTP/1.1\r\n", 0) == 0u);
    BOOST_TEST(has(head, "Proxy-Authorization: Basic Zm9v"));
    std::string connect;
    write_connect(*parse_url("https://[::1]/x"), "Basic Zm9v", connect);
    BOOST_TEST(connect.rfind("CONNECT [::1]:443 HTTP/1.1\r\nHost: [::1]:443\r\n", 0) == 0u);
    BOOST_TEST(has(connect, "Proxy-Authorization: Basic Zm9v"));
}

BOOST_AUTO_TEST_CASE(nothing_smuggles_a_line)
{
    refusal(request_of("GET", {{"X", "a\r\nEvil: yes"}}));
    refusal(request_of("GET", {{"X", "a\nEvil: yes"}}));
    refusal(request_of("GET", {{"X", std::string("a\0b", 3)}}));
    refusal(request_of("GET", {{"X: y\r\nEvil", "yes"}}));
    refusal(request_of("GET", {{"", "yes"}}));
    refusal(request_of("GET", {{"X Y", "yes"}}));
    refusal(request_of("GET / HTTP/1.1\r\nEvil: yes\r\n\r\nGET"));
    refusal(request_of(""));
    refusal(request_of("GET", {{"Content-Length", "3"}}));
    refusal(request_of("GET", {{"transfer-encoding", "chunked"}}));
    BOOST_TEST(has(head_of(request_of("GET", {{"X", "tab\tand \xc3\xa9"}})), "X: tab\tand \xc3\xa9"));
}

BOOST_AUTO_TEST_CASE(refusal_does_not_repeat_the_value)
{
    BOOST_TEST(refusal(request_of("GET", {{"Authorization", "Bearer s3cret\r\n"}})).find("s3cret") ==
               std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
