#include <potoo/error.hpp>
#include <potoo/http_json.hpp>

#include <boost/test/unit_test.hpp>

#include <string>

using namespace potoo;

namespace {

http_response response(std::string type, std::string body)
{
    http_response r;
    r.status = 200;
    r.headers = {{"Content-Type", std::move(type)}, {"X-A", "1"}, {"x-a", "2"}};
    r.body = std::move(body);
    return r;
}

json::value body_of(std::string type, std::string body)
{
    return http_response_as_json(response(std::move(type), std::move(body))).value().at("body");
}

http_request read(const char* with)
{
    return read_http_request(json::parse(with).as_object(), "submit");
}

} // namespace

BOOST_AUTO_TEST_SUITE(http_json)

BOOST_AUTO_TEST_CASE(body_is_json_if_the_type_says_so_and_text_otherwise)
{
    BOOST_TEST(body_of("application/json; charset=utf-8", "[1]") == json::parse("[1]"));
    BOOST_TEST(body_of("application/problem+json", "{}") == json::parse("{}"));
    BOOST_TEST(body_of("text/plain", "[1]") == json::value("[1]"));
    BOOST_TEST(body_of("application/json", "").is_null());
    BOOST_CHECK(!http_response_as_json(response("application/json", "{]")));
    BOOST_CHECK(!http_response_as_json(response("application/json", std::string(200, '['))));
}

BOOST_AUTO_TEST_CASE(json_service_may_forget_its_content_type)
{
    BOOST_TEST(http_response_of_json_service(response("text/plain", "[1]")).value().at("body") == json::parse("[1]"));
    BOOST_TEST(http_response_of_json_service(response("text/plain", "hello")).value().at("body") ==
               json::value("hello"));
    BOOST_CHECK(!http_response_of_json_service(response("application/json", "hello")));
}

BOOST_AUTO_TEST_CASE(bytes_that_are_no_text_are_given_in_base64)
{
    const auto v = http_response_as_json(response("text/plain", "\xff\xfe\x01")).value();
    BOOST_CHECK(!v.as_object().contains("body"));
    BOOST_TEST(v.at("body_base64") == json::value("//4B"));
    BOOST_TEST(body_of("text/plain", "grüß €𐍈") == json::value("grüß €𐍈"));
}

BOOST_AUTO_TEST_CASE(header_names_are_lower_case_and_repeated_ones_joined)
{
    const auto v = http_response_as_json(response("text/plain", "x")).value();
    BOOST_TEST(v.at("headers").at("x-a") == json::value("1, 2"));
    BOOST_TEST(v.at("status") == json::value(200));
}

BOOST_AUTO_TEST_CASE(request_is_read_with_its_json_body)
{
    const auto r = read(R"({"method": "post", "url": "http://h/", "headers": {"N": 5}, "body": {"a": [1]}})");
    BOOST_TEST(r.method == "POST");
    BOOST_TEST(r.body == R"({"a":[1]})");
    BOOST_TEST_REQUIRE(r.headers.size() == 2u);
    BOOST_TEST(r.headers[0].value == "5");
    BOOST_TEST(r.headers[1].value == "application/json");
    const auto own_type = read(R"({"url": "http://h/", "headers": {"content-type": "x/y"}, "body": [1]})");
    BOOST_TEST(own_type.headers.size() == 1u);
    const auto text = read(R"({"url": "http://h/", "body": "plain"})");
    BOOST_TEST(text.body == "plain");
    BOOST_TEST(text.headers.empty());
}

BOOST_AUTO_TEST_CASE(request_of_the_wrong_shape_is_refused_by_place)
{
    for (const char* with : {R"({})", R"({"url": null})", R"({"url": ""})", R"({"url": "u", "method": 1})",
                             R"({"url": "u", "headers": []})", R"({"url": "u", "headers": {"a": []}})"})
        BOOST_CHECK_EXCEPTION(read(with), fatal, [](const fatal& f) {
            return std::string(f.what()).find("`submit.") != std::string::npos;
        });
}

BOOST_AUTO_TEST_SUITE_END()
