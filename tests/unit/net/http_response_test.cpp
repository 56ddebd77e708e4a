#include <potoo/http.hpp>

#include <boost/test/unit_test.hpp>

using namespace potoo;
using namespace std::chrono_literals;

namespace {

std::optional<duration> retry_after(std::string value, std::string_view now = "1994-11-06T08:49:00Z")
{
    http_response r;
    r.headers = {{"retry-after", std::move(value)}};
    wall_time t = std::chrono::sys_days(std::chrono::year(1994) / 11 / 6) + 8h + 49min;
    if (now.find("08:50") != std::string_view::npos)
        t += 1min;
    return r.retry_after(t);
}

} // namespace

BOOST_AUTO_TEST_SUITE(response)

BOOST_AUTO_TEST_CASE(header_is_found_whatever_its_case)
{
    http_response r;
    r.headers = {{"X-One", "1"}, {"x-one", "2"}};
    BOOST_TEST(r.header("x-ONE") == "1");
    BOOST_TEST(r.header("X-Two").empty());
}

BOOST_AUTO_TEST_CASE(retry_after_in_seconds)
{
    BOOST_CHECK(retry_after("120") == 120s);
    BOOST_CHECK(retry_after("0") == 0s);
}

BOOST_AUTO_TEST_CASE(retry_after_as_a_date_of_any_of_the_three_forms)
{
    BOOST_CHECK(retry_after("Sun, 06 Nov 1994 08:49:37 GMT") == 37s);
    BOOST_CHECK(retry_after("Sunday, 06-Nov-94 08:49:37 GMT") == 37s);
    BOOST_CHECK(retry_after("Sun Nov  6 08:49:37 1994") == 37s);
}

BOOST_AUTO_TEST_CASE(date_that_has_passed_means_now)
{
    BOOST_CHECK(retry_after("Sun, 06 Nov 1994 08:49:37 GMT", "08:50") == 0s);
}

BOOST_AUTO_TEST_CASE(number_beyond_reason_is_bounded)
{
    BOOST_CHECK(retry_after("99999999999999999999999999") == 24h * 3650);
    BOOST_CHECK(retry_after("9223372036854775807") == 24h * 3650);
}

BOOST_AUTO_TEST_CASE(what_is_neither_is_nothing)
{
    for (const char* text : {"", "-5", "1.5", "soon", "Sun, 31 Feb 1994 08:49:37 GMT", "Sun, 06 Nov"})
        BOOST_TEST(!retry_after(text).has_value(), text);
    BOOST_TEST(!http_response().retry_after(wall_time()).has_value());
}

BOOST_AUTO_TEST_SUITE_END()
