// Deadlines at every stage, and what is then known about the request.

#include "tests/integration/net/client_fixture.hpp"

#include <potoo/concurrency.hpp>

#include <fmt/format.h>

#include <arpa/inet.h>
#include <future>
#include <sys/socket.h>
#include <unistd.h>

using namespace potoo;
using namespace potoo::test;

namespace {

struct one_connection : client_fixture
{
    static http_options options()
    {
        http_options o;
        o.connections_per_origin = 1;
        return o;
    }

    one_connection() : client_fixture(options()) {}
};

struct hasty : client_fixture
{
    static http_options options()
    {
        http_options o;
        o.connect_timeout = duration(200);
        return o;
    }

    hasty() : client_fixture(options()) {}
};

/// Takes connections into its queue until that is full, then lets connects hang.
class deaf_listener
{
  public:
    deaf_listener()
    {
        socket_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_in a{};
        a.sin_family = AF_INET;
        a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof(a);
        BOOST_TEST_REQUIRE(::bind(socket_, reinterpret_cast<sockaddr*>(&a), size) == 0);
        BOOST_TEST_REQUIRE(::listen(socket_, 0) == 0);
        ::getsockname(socket_, reinterpret_cast<sockaddr*>(&a), &size);
        port_ = ntohs(a.sin_port);
        filler_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        BOOST_TEST_REQUIRE(::connect(filler_, reinterpret_cast<sockaddr*>(&a), size) == 0);
    }

    ~deaf_listener()
    {
        ::close(filler_);
        ::close(socket_);
    }

    std::string url() const { return fmt::format("http://127.0.0.1:{}/", port_); }

  private:
    int socket_ = -1;
    int filler_ = -1;
    std::uint16_t port_ = 0;
};

void never_answers(peer& p, int)
{
    p.wait_for_end();
}

http_request until(http_request r, steady_time deadline)
{
    r.deadline = deadline;
    return r;
}

task<http_result> send_before(http_client& client, http_request r, steady_time deadline)
{
    auto exchange = client.send(std::move(r));
    auto result = co_await with_deadline(std::move(exchange), deadline);
    co_return result;
}

} // namespace

BOOST_AUTO_TEST_SUITE(deadlines)

BOOST_FIXTURE_TEST_CASE(passed_before_the_start_nothing_is_opened, client_fixture)
{
    scripted_server server(never_answers);
    const auto r = send(until(request_to(server.url()), loop.now()));
    BOOST_TEST(failed_with(r, http_error::timed_out_before_send));
    BOOST_TEST(surely_not_sent(r.error()));
    BOOST_TEST(server.connections() == 0);
}

BOOST_FIXTURE_TEST_CASE(while_connecting_nothing_was_sent, client_fixture)
{
    const deaf_listener deaf;
    BOOST_TEST(failed_with(send(until(request_to(deaf.url()), soon())), http_error::timed_out_before_send));
}

BOOST_FIXTURE_TEST_CASE(connect_timeout_is_a_failure_to_connect, hasty)
{
    const deaf_listener deaf;
    const auto r = get(deaf.url());
    BOOST_TEST(failed_with(r, http_error::connect_failed));
    BOOST_TEST(client.last_error_detail().find("no answer in time") != std::string::npos);
}

BOOST_FIXTURE_TEST_CASE(connect_timeout_does_not_limit_the_exchange, hasty)
{
    scripted_server server(never_answers);
    const auto r = send(until(request_to(server.url()), soon(500)));
    BOOST_TEST(failed_with(r, http_error::timed_out));
}

BOOST_FIXTURE_TEST_CASE(while_waiting_for_the_response_the_outcome_is_unknown, client_fixture)
{
    scripted_server server(never_answers);
    const auto r = send(until(request_to(server.url()), soon()));
    BOOST_TEST(failed_with(r, http_error::timed_out));
    BOOST_TEST(!surely_not_sent(r.error()));
    server.wait_for_ended(1);
}

BOOST_FIXTURE_TEST_CASE(in_the_middle_of_the_body_too, client_fixture)
{
    scripted_server server([](peer& p, int) {
        p.read_request();
        p.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
        p.wait_for_end();
    });
    BOOST_TEST(failed_with(send(until(request_to(server.url()), soon())), http_error::timed_out));
}

BOOST_FIXTURE_TEST_CASE(while_sending_a_body_that_is_not_taken_the_outcome_is_unknown, client_fixture)
{
    std::promise<void> over;
    auto end = over.get_future();
    scripted_server server([&](peer&, int) { end.wait(); });
    const auto r = send(until(request_to(server.url(), "POST", std::string(20'000'000, 'x')), soon(500)));
    BOOST_TEST(failed_with(r, http_error::timed_out));
    over.set_value();
}

BOOST_FIXTURE_TEST_CASE(in_the_line_for_a_connection_nothing_was_sent, one_connection)
{
    scripted_server server([](peer& p, int) {
        p.read_request();
        p.more_comes(); // the end of the first exchange
    });
    exchange first(loop, client.send(request_to(server.url())));
    const auto second = send(until(request_to(server.url()), soon()));
    BOOST_TEST(failed_with(second, http_error::timed_out_before_send));
    BOOST_TEST(server.connections() == 1);
    first.cancel(cancel_reason::user);
    finish(first);
    BOOST_TEST(failed_with(send(until(request_to(server.url()), soon())), http_error::timed_out));
}

BOOST_FIXTURE_TEST_CASE(of_one_request_does_not_hit_the_next_on_the_connection, client_fixture)
{
    std::promise<void> late;
    auto release = late.get_future();
    scripted_server server([&](peer& p, int) {
        p.read_request();
        p.answer("one");
        p.read_request();
        release.wait();
        p.answer("two");
        p.wait_for_end();
    });
    BOOST_TEST(send(until(request_to(server.url()), soon(1000)))->body == "one");
    exchange second(loop, client.send(until(request_to(server.url()), loop.now() + std::chrono::hours(1))));
    // Another wait is over when the first deadline has passed.
    test::runner<http_result> other(loop, client.send(until(request_to(server.url("/other")), soon(1100))));
    finish(other);
    BOOST_TEST(!second.ended());
    late.set_value();
    finish(second);
    BOOST_TEST(second.take()->body == "two");
}

BOOST_FIXTURE_TEST_CASE(of_the_callers_branch_is_a_cancellation_and_not_a_time_out, client_fixture)
{
    scripted_server server(never_answers);
    test::runner<http_result> r(loop, send_before(client, request_to(server.url()), soon()));
    finish(r);
    BOOST_CHECK(r.ended_by() == cancel_reason::deadline);
    server.wait_for_ended(1);
}

BOOST_AUTO_TEST_SUITE_END()
