#include <potoo/http_failure.hpp>

#include <boost/asio/error.hpp>
#include <boost/test/unit_test.hpp>

#include <string>

using namespace potoo;

namespace {

std::string of_status(unsigned status)
{
    http_response r;
    r.status = status;
    const auto f = failure_of_status("GET", "http://h/p?secret=1", r);
    return std::string(to_string(f.kind)) + " " + f.code;
}

std::string of_exchange(const char* method, boost::system::error_code ec)
{
    const auto f = failure_of_exchange(method, "http://h/p", ec);
    return std::string(to_string(f.kind)) + " " + f.code;
}

} // namespace

BOOST_AUTO_TEST_SUITE(http_failures)

BOOST_AUTO_TEST_CASE(statuses_are_classified)
{
    for (const unsigned status : {408u, 425u, 429u, 500u, 502u, 503u, 504u, 599u})
        BOOST_TEST(of_status(status) == "retryable http_" + std::to_string(status));
    for (const unsigned status : {200u, 301u, 400u, 401u, 404u, 409u, 501u, 505u})
        BOOST_TEST(of_status(status) == "fatal http_" + std::to_string(status));
}

BOOST_AUTO_TEST_CASE(what_was_surely_not_sent_may_be_repeated_whatever_the_method)
{
    for (const char* method : {"GET", "POST"}) {
        BOOST_TEST(of_exchange(method, http_error::resolve_failed) == "retryable resolve_failed");
        BOOST_TEST(of_exchange(method, http_error::connect_failed) == "retryable connect_failed");
        BOOST_TEST(of_exchange(method, http_error::not_sent) == "retryable connection_lost");
        BOOST_TEST(of_exchange(method, http_error::timed_out_before_send) == "retryable timed_out");
        BOOST_TEST(of_exchange(method, http_error::bad_url) == "fatal bad_url");
        BOOST_TEST(of_exchange(method, http_error::body_too_large) == "fatal body_too_large");
    }
}

BOOST_AUTO_TEST_CASE(what_may_have_been_done_is_repeated_only_if_that_does_no_harm)
{
    for (const char* method : {"GET", "PUT", "DELETE"}) {
        BOOST_TEST(of_exchange(method, http_error::timed_out) == "retryable timed_out");
        BOOST_TEST(of_exchange(method, http_error::connection_lost) == "retryable connection_lost");
        BOOST_TEST(of_exchange(method, http_error::malformed) == "retryable malformed_response");
    }
    for (const char* method : {"POST", "PATCH"}) {
        BOOST_TEST(of_exchange(method, http_error::timed_out) == "unknown_outcome timed_out");
        BOOST_TEST(of_exchange(method, http_error::connection_lost) == "unknown_outcome connection_lost");
        BOOST_TEST(of_exchange(method, boost::asio::error::broken_pipe) == "unknown_outcome connection_lost");
    }
}

BOOST_AUTO_TEST_CASE(message_quotes_the_body_but_not_the_query)
{
    http_response r;
    r.status = 500;
    r.body = "it\nbroke \xff" + std::string(1000, 'x');
    const auto f = failure_of_status("GET", "http://h/p?secret=1", r);
    BOOST_TEST(f.message.starts_with("GET http://h/p answered 500: it broke ?xxx"));
    BOOST_TEST(f.message.size() < 300u);
}

BOOST_AUTO_TEST_CASE(raise_throws_what_the_class_says)
{
    BOOST_CHECK_THROW((http_failure{failure_class::retryable, "a", "b"}.raise()), failure);
    BOOST_CHECK_THROW((http_failure{failure_class::fatal, "a", "b"}.raise()), fatal);
    BOOST_CHECK_THROW((http_failure{failure_class::unknown_outcome, "a", "b"}.raise()), unknown_outcome);
}

BOOST_AUTO_TEST_CASE(messages_show_nothing_of_a_password_however_it_is_written)
{
    BOOST_TEST(without_query("http://host/a?b=c#d") == "http://host/a");
    BOOST_TEST(without_query("http://host:80/@me?b=c") == "http://host:80/@me");
    BOOST_TEST(without_query("http://user:secret@host/a?b") == "http://***@host/a");
    BOOST_TEST(without_query("http://user:se#cr@et?x@host:9/a") == "http://***@host:9/a");
    BOOST_TEST(without_query("http://user:se/cret@host/a?b") == "http://***@host/a");
    BOOST_TEST(without_query("unix:/run/x.sock:/a?b") == "unix:/run/x.sock:/a");
}

BOOST_AUTO_TEST_SUITE_END()
