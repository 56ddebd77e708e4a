#include "engine/net/proxy.hpp"

#include <boost/test/unit_test.hpp>

#include <map>

using namespace potoo;
using namespace potoo::net;

namespace {

proxy_settings settings_of(const std::map<std::string, std::string>& environment)
{
    return proxy_settings::from([&](const char* name) -> const char* {
        const auto found = environment.find(name);
        return found == environment.end() ? nullptr : found->second.c_str();
    });
}

std::string proxy_of(std::string_view to, const proxy_settings& s)
{
    const auto p = proxy_for(*parse_url(to), s);
    if (!p)
        return "error";
    return *p ? (*p)->host + ":" + std::to_string((*p)->port) : "none";
}

} // namespace

BOOST_AUTO_TEST_SUITE(proxy_choice)

BOOST_AUTO_TEST_CASE(each_scheme_has_its_variable)
{
    const auto s = settings_of({{"http_proxy", "http://p:1"}, {"HTTPS_PROXY", "p:2"}});
    BOOST_TEST(proxy_of("http://h/", s) == "p:1");
    BOOST_TEST(proxy_of("https://h/", s) == "p:2");
    BOOST_TEST(proxy_of("unix:/x.sock:/", s) == "none");
}

BOOST_AUTO_TEST_CASE(upper_case_http_proxy_is_ignored)
{
    BOOST_TEST(proxy_of("http://h/", settings_of({{"HTTP_PROXY", "http://evil:1"}})) == "none");
}

BOOST_AUTO_TEST_CASE(lower_case_comes_first_and_all_proxy_last)
{
    const auto s = settings_of({{"https_proxy", "a:1"}, {"HTTPS_PROXY", "b:1"}, {"ALL_PROXY", "c:1"}});
    BOOST_TEST(proxy_of("https://h/", s) == "a:1");
    BOOST_TEST(proxy_of("http://h/", s) == "c:1");
    BOOST_TEST(proxy_of("http://h/", settings_of({{"http_proxy", ""}})) == "none");
}

BOOST_AUTO_TEST_CASE(port_and_credentials_come_from_the_url)
{
    const auto p = proxy_for(*parse_url("http://h/"), settings_of({{"http_proxy", "http://Aladdin:open%20sesame@p"}}));
    BOOST_TEST((*p)->host == "p");
    BOOST_TEST((*p)->port == 1080);
    BOOST_TEST((*p)->authorization == "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
    BOOST_TEST(proxy_of("http://h/", settings_of({{"http_proxy", "http://[::1]:80/"}})) == "::1:80");
    BOOST_TEST(proxy_of("http://h/", settings_of({{"http_proxy", "http://[::1]"}})) == "::1:1080");
}

BOOST_AUTO_TEST_CASE(unusable_proxy_is_an_error_and_not_ignored)
{
    for (const char* value : {"https://p:1", "socks5://p:1", "http://", "p p:1", "http://user:s3cret@p:99999"}) {
        const auto p = proxy_for(*parse_url("http://h/"), settings_of({{"http_proxy", value}}));
        BOOST_TEST_REQUIRE(p.has_error(), value);
        BOOST_CHECK(p.error().code == http_error::proxy_failed);
        BOOST_TEST(p.error().detail.find("s3cret") == std::string::npos);
    }
}

BOOST_AUTO_TEST_CASE(no_proxy_names_hosts_domains_and_networks)
{
    BOOST_TEST(is_exempt("a.example.org", "x, example.org"));
    BOOST_TEST(is_exempt("example.org", ".example.org"));
    BOOST_TEST(is_exempt("a.example.org", ".Example.org"));
    BOOST_TEST(!is_exempt("badexample.org", "example.org"));
    BOOST_TEST(!is_exempt("example.org.evil", "example.org"));
    BOOST_TEST(is_exempt("anything", "*"));
    BOOST_TEST(is_exempt("127.0.0.1", "localhost,127.0.0.1"));
    BOOST_TEST(!is_exempt("127.0.0.1", "0.0.1"));
    BOOST_TEST(is_exempt("10.1.2.3", "10.0.0.0/8"));
    BOOST_TEST(!is_exempt("11.1.2.3", "10.0.0.0/8"));
    BOOST_TEST(is_exempt("fd00::5", "fd00::/8"));
    BOOST_TEST(is_exempt("::1", "[::1]"));
    BOOST_TEST(!is_exempt("h", ""));
    BOOST_TEST(!is_exempt("h", " , ,"));
    BOOST_TEST(!is_exempt("10.1.2.3", "10.0.0.0/99,/8,nonsense/"));
}

BOOST_AUTO_TEST_CASE(exempt_host_has_no_proxy)
{
    BOOST_TEST(proxy_of("http://h:99/", settings_of({{"http_proxy", "p:1"}, {"NO_PROXY", "h"}})) == "none");
}

BOOST_AUTO_TEST_SUITE_END()
