#include "engine/net/redirect.hpp"

#include <boost/test/unit_test.hpp>

using namespace potoo;
using namespace potoo::net;

namespace {

url at(std::string_view text)
{
    return *parse_url(text);
}

http_request secret_post()
{
    http_request r;
    r.method = "POST";
    r.body = "payload";
    r.headers = {{"authorization", "Bearer x"}, {"Cookie", "a=b"}, {"Content-Type", "text/plain"}, {"X-Keep", "1"}};
    return r;
}

bool has(const http_request& r, std::string_view name)
{
    http_response view;
    view.headers = r.headers;
    return !view.header(name).empty();
}

std::string method_after(std::string method, unsigned status)
{
    http_request r;
    r.method = std::move(method);
    redirect_request(r, status, at("http://h/"), at("http://h/x"));
    return r.method;
}

} // namespace

BOOST_AUTO_TEST_SUITE(redirects)

BOOST_AUTO_TEST_CASE(method_follows_the_status)
{
    BOOST_TEST(method_after("POST", 301) == "GET");
    BOOST_TEST(method_after("POST", 302) == "GET");
    BOOST_TEST(method_after("PUT", 302) == "PUT");
    BOOST_TEST(method_after("PUT", 303) == "GET");
    BOOST_TEST(method_after("HEAD", 303) == "HEAD");
    BOOST_TEST(method_after("POST", 307) == "POST");
    BOOST_TEST(method_after("DELETE", 308) == "DELETE");
}

BOOST_AUTO_TEST_CASE(body_and_what_describes_it_go_with_the_method)
{
    http_request r = secret_post();
    redirect_request(r, 303, at("http://h/"), at("http://h/x"));
    BOOST_TEST(r.body.empty());
    BOOST_TEST(!has(r, "Content-Type"));
    BOOST_TEST(has(r, "Authorization"));
    http_request kept = secret_post();
    redirect_request(kept, 307, at("http://h/"), at("http://h/x"));
    BOOST_TEST(kept.body == "payload");
    BOOST_TEST(has(kept, "Content-Type"));
}

BOOST_AUTO_TEST_CASE(credentials_stay_with_their_origin)
{
    for (const char* other : {"http://other/", "http://h:81/", "https://h/"}) {
        http_request r = secret_post();
        redirect_request(r, 307, at("http://h/"), at(other));
        BOOST_TEST(!has(r, "Authorization"));
        BOOST_TEST(!has(r, "Cookie"));
        BOOST_TEST(has(r, "X-Keep"));
    }
}

BOOST_AUTO_TEST_CASE(user_and_password_of_the_url_stay_with_their_origin)
{
    http_response r;
    r.status = 302;
    r.headers = {{"Location", "/y"}};
    const url from = at("http://a:b@h/x");
    BOOST_TEST((*redirect_target(r, from))->userinfo == "a:b");
    r.headers = {{"Location", "http://c:d@other/y"}};
    BOOST_TEST((*redirect_target(r, from))->userinfo.empty());
}

BOOST_AUTO_TEST_CASE(response_without_a_place_to_go_is_no_redirect)
{
    http_response r;
    r.status = 302;
    BOOST_TEST(!redirect_target(r, at("http://h/"))->has_value());
    r.headers = {{"Location", "/x"}};
    for (const unsigned status : {200u, 300u, 304u, 305u, 404u}) {
        r.status = status;
        BOOST_TEST(!redirect_target(r, at("http://h/"))->has_value());
    }
}

BOOST_AUTO_TEST_CASE(place_that_is_no_url_is_malformed)
{
    http_response r;
    r.status = 302;
    for (const char* place : {"http://[", "unix:/etc/x.sock:/", "file:///etc/passwd", "a b"}) {
        r.headers = {{"Location", place}};
        const auto to = redirect_target(r, at("http://h/"));
        BOOST_TEST_REQUIRE(to.has_error(), place);
        BOOST_CHECK(to.error().code == http_error::malformed);
    }
}

BOOST_AUTO_TEST_SUITE_END()
