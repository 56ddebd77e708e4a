#include "tests/integration/net/client_fixture.hpp"

#include <fmt/format.h>

using namespace potoo;
using namespace potoo::test;

namespace {

void redirect(peer& p, int status, const std::string& location)
{
    p.send(fmt::format("HTTP/1.1 {} There\r\nLocation: {}\r\nContent-Length: 0\r\n\r\n", status, location));
}

scripted_server::script turns_in_circles(int status)
{
    return [status](peer& p, int) {
        for (;;) {
            p.read_request();
            redirect(p, status, "/again");
        }
    };
}

http_request following(http_request r, unsigned hops = 5)
{
    r.max_redirects = hops;
    return r;
}

} // namespace

BOOST_FIXTURE_TEST_SUITE(following_redirects, client_fixture)

BOOST_AUTO_TEST_CASE(off_by_default)
{
    scripted_server server(turns_in_circles(302));
    const auto r = get(server.url());
    BOOST_TEST_REQUIRE(r.has_value());
    BOOST_TEST(r->status == 302u);
    BOOST_TEST(r->header("location") == "/again");
}

BOOST_AUTO_TEST_CASE(relative_place_on_the_same_connection)
{
    std::string last;
    scripted_server server([&](peer& p, int) {
        p.read_request();
        redirect(p, 303, "b?c=d");
        last = p.read_request();
        p.answer("there");
        p.wait_for_end();
    });
    BOOST_TEST(send(following(request_to(server.url("/a/x"), "POST", "body")))->body == "there");
    BOOST_TEST(last.rfind("GET /a/b?c=d HTTP/1.1\r\n", 0) == 0u);
    BOOST_TEST(server.connections() == 1);
}

BOOST_AUTO_TEST_CASE(credentials_do_not_cross_to_another_origin)
{
    std::string seen;
    scripted_server target([&](peer& p, int) {
        seen = p.read_request();
        p.answer("there");
        p.wait_for_end();
    });
    scripted_server server([&](peer& p, int) {
        p.read_request();
        redirect(p, 307, target.url("/x"));
        p.wait_for_end();
    });
    http_request r = following(request_to(server.url(), "POST", "body"));
    r.headers = {{"Authorization", "Bearer s3cret"}, {"cookie", "a=b"}, {"X-Keep", "1"}};
    BOOST_TEST(send(r)->body == "there");
    BOOST_TEST(seen.find("s3cret") == std::string::npos);
    BOOST_TEST(seen.find("a=b") == std::string::npos);
    BOOST_TEST(seen.find("X-Keep: 1") != std::string::npos);
    BOOST_TEST(seen.substr(seen.size() - 4) == "body");
}

BOOST_AUTO_TEST_CASE(circle_ends_at_the_limit)
{
    scripted_server server(turns_in_circles(302));
    BOOST_TEST(failed_with(send(following(request_to(server.url()), 3)), http_error::too_many_redirects));
}

BOOST_AUTO_TEST_CASE(place_that_is_no_url_is_malformed)
{
    scripted_server server([&](peer& p, int) {
        p.read_request();
        redirect(p, 302, "unix:/run/docker.sock:/");
    });
    BOOST_TEST(failed_with(send(following(request_to(server.url()))), http_error::malformed));
}

BOOST_AUTO_TEST_CASE(failure_after_work_was_done_is_not_called_unsent)
{
    scripted_server server([&](peer& p, int number) {
        p.read_request();
        redirect(p, number == 1 ? 303 : 307, fmt::format("http://127.0.0.1:{}/", unused_port()));
    });
    const auto done = send(following(request_to(server.url(), "POST", "x")));
    BOOST_TEST(failed_with(done, http_error::connection_lost));
    server.wait_for_ended(1);
    const auto undone = send(following(request_to(server.url(), "POST", "x")));
    BOOST_TEST(failed_with(undone, http_error::connect_failed));
}

BOOST_AUTO_TEST_SUITE_END()
