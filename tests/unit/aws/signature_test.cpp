// Signatures against the vectors that AWS publishes (aws-sig-v4-test-suite), and some that botocore computed.

#include <potoo/aws.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <string>
#include <vector>

using namespace potoo;

namespace {

struct vector
{
    const char* name;
    const char* method;
    const char* url;
    std::vector<http_header> headers;
    const char* body;
    const char* signature;
};

/// All at the same second, with the same key, in us-east-1.
const std::vector<vector> published = {
    {"get-vanilla",
     "GET",
     "https://example.amazonaws.com/",
     {},
     "",
     "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
    {"get-vanilla-query-order-key-case",
     "GET",
     "https://example.amazonaws.com/?Param2=value2&Param1=value1",
     {},
     "",
     "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"},
    {"get-vanilla-query-order-value",
     "GET",
     "https://example.amazonaws.com/?Param1=value2&Param1=value1",
     {},
     "",
     "5772eed61e12b33fae39ee5e7012498b51d56abc0abb7c60486157bd471c4694"},
    {"get-vanilla-query-unreserved",
     "GET",
     "https://example.amazonaws.com/"
     "?-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz=-._~"
     "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
     {},
     "",
     "9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197"},
    {"get-vanilla-utf8-query",
     "GET",
     "https://example.amazonaws.com/?%E1%88%B4=bar",
     {},
     "",
     "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04"},
    {"get-vanilla-empty-query-key",
     "GET",
     "https://example.amazonaws.com/?Param1=value1",
     {},
     "",
     "a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb"},
    {"get-unreserved",
     "GET",
     "https://example.amazonaws.com/-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
     {},
     "",
     "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f"},
    {"get-utf8",
     "GET",
     "https://example.amazonaws.com/\xe1\x88\xb4",
     {},
     "",
     "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85"},
    {"get-space",
     "GET",
     "https://example.amazonaws.com/example space/",
     {},
     "",
     "652487583200325589f1fba4c7e578f72c47cb61beeca81406b39ddec1366741"},
    {"get-relative",
     "GET",
     "https://example.amazonaws.com/example/..",
     {},
     "",
     "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
    {"get-relative-relative",
     "GET",
     "https://example.amazonaws.com/example1/example2/../..",
     {},
     "",
     "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
    {"get-slash",
     "GET",
     "https://example.amazonaws.com//",
     {},
     "",
     "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
    {"get-slashes",
     "GET",
     "https://example.amazonaws.com//example//",
     {},
     "",
     "9a624bd73a37c9a373b5312afbebe7a714a789de108f0bdfe846570885f57e84"},
    {"get-slash-dot-slash",
     "GET",
     "https://example.amazonaws.com/./",
     {},
     "",
     "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
    {"get-slash-pointless-dot",
     "GET",
     "https://example.amazonaws.com/./example",
     {},
     "",
     "ef75d96142cf21edca26f06005da7988e4f8dc83a165a80865db7089db637ec5"},
    {"get-header-value-trim",
     "GET",
     "https://example.amazonaws.com/",
     {{"My-Header1", " value1"}, {"My-Header2", " \"a   b   c\""}},
     "",
     "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736"},
    {"get-header-key-duplicate",
     "GET",
     "https://example.amazonaws.com/",
     {{"My-Header1", "value2"}, {"My-Header1", "value2"}, {"My-Header1", "value1"}},
     "",
     "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea"},
    {"get-header-value-order",
     "GET",
     "https://example.amazonaws.com/",
     {{"My-Header1", "value4"}, {"My-Header1", "value1"}, {"My-Header1", "value3"}, {"My-Header1", "value2"}},
     "",
     "08c7e5a9acfcfeb3ab6b2185e75ce8b1deb5e634ec47601a50643f830c755c01"},
    {"post-vanilla",
     "POST",
     "https://example.amazonaws.com/",
     {},
     "",
     "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"},
    {"post-vanilla-query",
     "POST",
     "https://example.amazonaws.com/?Param1=value1",
     {},
     "",
     "28038455d6de14eafc1f9222cf5aa6f1a96197d7deb8263271d420d138af7f11"},
    {"post-header-key-sort",
     "POST",
     "https://example.amazonaws.com/",
     {{"My-Header1", "value1"}},
     "",
     "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c"},
    {"post-header-value-case",
     "POST",
     "https://example.amazonaws.com/",
     {{"My-Header1", "VALUE1"}},
     "",
     "cdbc9802e29d2942e5e10b5bccfdd67c5f22c7c4e8ae67b53629efa58b974b7d"},
    {"post-x-www-form-urlencoded",
     "POST",
     "https://example.amazonaws.com/",
     {{"Content-Type", "application/x-www-form-urlencoded"}},
     "Param1=value1",
     "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a"},
    {"post-x-www-form-urlencoded-parameters",
     "POST",
     "https://example.amazonaws.com/",
     {{"Content-Type", "application/x-www-form-urlencoded; charset=utf-8"}},
     "Param1=value1",
     "2f3b42f35f135abf9c562afcbbc44fc03df96dcfd4332ecebad8b39a7d4b6125"},
};

const aws::credentials example{"AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", {}, {}, "the test"};
const wall_time time_of_vectors = *parse_time("2015-08-30T12:36:00Z");

std::string header(const http_request& r, std::string_view name)
{
    const auto found = std::find_if(r.headers.begin(), r.headers.end(), [&](const auto& h) { return h.name == name; });
    return found == r.headers.end() ? std::string() : found->value;
}

http_request request(const char* method, const char* url, std::vector<http_header> headers = {}, const char* body = "")
{
    http_request r;
    r.method = method;
    r.url = url;
    r.headers = std::move(headers);
    r.body = body;
    return r;
}

std::string signature_of(http_request r, const char* service, const aws::credentials& c = example)
{
    aws::sign(r, c, "us-east-1", service, time_of_vectors);
    const std::string authorization = header(r, "Authorization");
    return authorization.substr(authorization.find("Signature=") + 10);
}

} // namespace

BOOST_AUTO_TEST_SUITE(aws_signature)

BOOST_AUTO_TEST_CASE(published_vectors_are_met)
{
    for (const vector& v : published) {
        BOOST_TEST_CONTEXT(v.name)
        BOOST_TEST(signature_of(request(v.method, v.url, v.headers, v.body), "service") == v.signature);
    }
}

BOOST_AUTO_TEST_CASE(header_says_who_signed_what)
{
    http_request r = request("GET", "https://example.amazonaws.com/");
    aws::sign(r, example, "us-east-1", "service", time_of_vectors);
    BOOST_TEST(header(r, "X-Amz-Date") == "20150830T123600Z");
    BOOST_TEST(header(r, "Authorization") ==
               "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
               "SignedHeaders=host;x-amz-date, "
               "Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31");
}

BOOST_AUTO_TEST_CASE(session_token_is_sent_and_signed)
{
    aws::credentials c = example;
    c.session_token =
        "AQoDYXdzEPT//////////"
        "wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8YUuwthAx7mSEI/qkPpKPi/"
        "kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6d+"
        "xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA==";
    http_request r = request("POST", "https://example.amazonaws.com/");
    BOOST_TEST(signature_of(r, "service", c) == "85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead");
    aws::sign(r, c, "us-east-1", "service", time_of_vectors);
    BOOST_TEST(header(r, "X-Amz-Security-Token") == c.session_token);
}

BOOST_AUTO_TEST_CASE(s3_takes_a_path_as_it_stands)
{
    const std::string bucket = "https://bucket.s3.us-east-1.amazonaws.com";
    BOOST_TEST(signature_of(request("HEAD", (bucket + "/a%20b/c+d/%C3%BC.txt").c_str()), "s3") ==
               "74c590b9d68a944a566fe32fbd80dc808f1c6fa362c73dbe0a58e1ad2a21281e");
    BOOST_TEST(signature_of(request("GET", (bucket + "/?list-type=2&prefix=a%2Fb%20c&max-keys=1000").c_str()), "s3") ==
               "907e71d9920c04f92ca83831b91fd4cc671cf0262a2ec1c005d30026985ef6c4");
    BOOST_TEST(signature_of(request("GET", (bucket + "/a//b/../c").c_str()), "s3") ==
               "08781d2a7633c4e0f3ab9a077ec8d6518e4e49677237a9358ee28d47add4d6c9");
    BOOST_TEST(signature_of(request("GET", "http://127.0.0.1:15555/bucket/key"), "s3") ==
               "5d2a5bf43312aa18a8ee1262fa370dabfc95607a9ddfdedd76eef21ec0dbf699");
}

BOOST_AUTO_TEST_CASE(other_services_take_what_is_encoded_once_more)
{
    BOOST_TEST(signature_of(request("GET", "https://batch.us-east-1.amazonaws.com/v1/tags/"
                                           "arn%3Aaws%3Abatch%3Aus-east-1%3A1%3Ajob%2Fx"),
                            "batch") == "315e8fa3da6adba69785c254588408a7e3a469af33c87b239e13a376df97cea5");
    BOOST_TEST(signature_of(request("POST", "http://127.0.0.1:15555/v1/submitjob",
                                    {{"Content-Type", "application/json"}}, R"({"jobName":"x"})"),
                            "batch") == "d10c460629d7a88d29431e1fdf8f00f92d73175e90026f31f665a7209207a8c0");
}

BOOST_AUTO_TEST_CASE(port_of_the_scheme_is_not_part_of_the_host)
{
    BOOST_TEST(signature_of(request("GET", "https://example.amazonaws.com:443/"), "service") ==
               published.front().signature);
    BOOST_TEST(signature_of(request("GET", "https://example.amazonaws.com"), "service") == published.front().signature);
}

BOOST_AUTO_TEST_CASE(everything_but_unreserved_letters_is_encoded)
{
    BOOST_TEST(aws::percent_encoded("a b/~") == "a%20b%2F~");
    BOOST_TEST(aws::percent_encoded("a b/~", true) == "a%20b/~");
    BOOST_TEST(aws::percent_encoded("\xc3\xbc") == "%C3%BC");
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(aws_xml)

BOOST_AUTO_TEST_CASE(text_of_an_element_is_found)
{
    const char* document = "<A xmlns=\"x\"><Bc>no</Bc><B at=\"1\">x &lt;&amp;&#38;&#x41; &nix; y</B><E/></A>";
    BOOST_TEST(aws::xml_text(document, "B").value() == "x <&&A &nix; y");
    BOOST_TEST(aws::xml_text(document, "E").value().empty());
    BOOST_TEST(!aws::xml_text(document, "D").has_value());
    BOOST_TEST(!aws::xml_text("<B>never closed", "B").has_value());
    BOOST_TEST(!aws::xml_text("<B", "B").has_value());
    BOOST_TEST(!aws::xml_text("", "B").has_value());
}

BOOST_AUTO_TEST_CASE(elements_come_one_after_another)
{
    const auto all = aws::xml_elements("<L><C><K>a</K></C><C><K>b</K></C></L>", "C");
    BOOST_TEST_REQUIRE(all.size() == 2u);
    BOOST_TEST(aws::xml_text(all[1], "K").value() == "b");
}

BOOST_AUTO_TEST_SUITE_END()
