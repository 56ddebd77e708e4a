#include <potoo/http.hpp>

#include <boost/test/unit_test.hpp>

#include <set>

using namespace potoo;
using boost::system::error_code;

BOOST_AUTO_TEST_SUITE(http_errors)

BOOST_AUTO_TEST_CASE(each_has_a_message_of_its_own)
{
    std::set<std::string> messages;
    for (int e = 1; e <= static_cast<int>(http_error::too_many_redirects); ++e)
        messages.insert(make_error_code(static_cast<http_error>(e)).message());
    BOOST_TEST(messages.size() == static_cast<std::size_t>(http_error::too_many_redirects));
    BOOST_TEST(messages.count(error_code(999, http_category()).message()) == 0u);
}

BOOST_AUTO_TEST_CASE(only_what_failed_before_sending_is_surely_not_sent)
{
    for (const http_error e :
         {http_error::bad_url, http_error::resolve_failed, http_error::connect_failed, http_error::tls_failed,
          http_error::proxy_failed, http_error::not_sent, http_error::timed_out_before_send})
        BOOST_TEST(surely_not_sent(e));
    for (const http_error e : {http_error::connection_lost, http_error::timed_out, http_error::body_too_large,
                               http_error::malformed, http_error::too_many_redirects})
        BOOST_TEST(!surely_not_sent(e));
    BOOST_TEST(!surely_not_sent(error_code()));
    BOOST_TEST(!surely_not_sent(make_error_code(boost::system::errc::connection_refused)));
}

BOOST_AUTO_TEST_SUITE_END()
