#include "tests/integration/net/certificates.hpp"
#include "tests/integration/net/client_fixture.hpp"

#include <fmt/format.h>

using namespace potoo;
using namespace potoo::test;

namespace {

net::proxy_settings through(const scripted_server& proxy)
{
    net::proxy_settings s;
    s.all = fmt::format("http://user:s3cret@127.0.0.1:{}", proxy.port());
    return s;
}

http_options trusting()
{
    http_options o;
    o.ca_file = shared_certificates().file("ca.pem");
    return o;
}

std::uint16_t port_in(const std::string& connect)
{
    return static_cast<std::uint16_t>(std::stoi(connect.substr(connect.find(':') + 1)));
}

} // namespace

BOOST_AUTO_TEST_SUITE(proxies)

BOOST_AUTO_TEST_CASE(plain_request_names_the_whole_url_to_the_proxy)
{
    std::string seen;
    scripted_server proxy([&](peer& p, int) {
        for (;;) {
            seen = p.read_request();
            p.answer("from the proxy");
        }
    });
    client_fixture world({}, through(proxy));
    BOOST_TEST(world.get("http://far.invalid:81/x?y")->body == "from the proxy");
    BOOST_TEST(seen.rfind("GET http://far.invalid:81/x?y HTTP/1.1\r\nHost: far.invalid:81\r\n", 0) == 0u);
    BOOST_TEST(seen.find("\r\nProxy-Authorization: Basic dXNlcjpzM2NyZXQ=\r\n") != std::string::npos);
    BOOST_TEST(world.get("http://far.invalid:81/z")->body == "from the proxy");
    BOOST_TEST(proxy.connections() == 1);
}

BOOST_AUTO_TEST_CASE(https_goes_through_a_tunnel)
{
    std::string inner;
    scripted_server server(
        [&](peer& p, int) {
            for (;;) {
                inner = p.read_request();
                p.answer("end to end");
            }
        },
        shared_certificates().context("server"));
    std::string connect;
    scripted_server proxy([&](peer& p, int) {
        connect = p.read_request();
        p.send("HTTP/1.1 200 Connection established\r\n\r\n");
        p.relay_to(port_in(connect));
    });
    client_fixture world(trusting(), through(proxy));
    BOOST_TEST(world.get(server.url("/a"))->body == "end to end");
    BOOST_TEST(world.get(server.url("/b"))->body == "end to end");
    BOOST_TEST(connect.rfind(fmt::format("CONNECT 127.0.0.1:{} HTTP/1.1\r\n", server.port()), 0) == 0u);
    BOOST_TEST(connect.find("Proxy-Authorization: Basic ") != std::string::npos);
    BOOST_TEST(inner.find("Proxy-Authorization") == std::string::npos);
    BOOST_TEST(inner.rfind("GET /b HTTP/1.1\r\n", 0) == 0u);
    BOOST_TEST(proxy.connections() == 1);
    world.client.close_unused();
}

BOOST_AUTO_TEST_CASE(refused_tunnel_is_a_failure_of_the_proxy)
{
    scripted_server proxy([](peer& p, int) {
        p.read_request();
        p.send("HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 5\r\n\r\nsorry");
    });
    client_fixture world(trusting(), through(proxy));
    const auto r = world.get("https://far.invalid/");
    BOOST_TEST(failed_with(r, http_error::proxy_failed));
    BOOST_TEST(surely_not_sent(r.error()));
    BOOST_TEST(world.client.last_error_detail().find("407") != std::string::npos);
    BOOST_TEST(world.client.last_error_detail().find("s3cret") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(proxy_that_hangs_up_is_a_failure_of_the_proxy)
{
    scripted_server proxy([](peer& p, int) { p.read_request(); });
    client_fixture world(trusting(), through(proxy));
    BOOST_TEST(failed_with(world.get("https://far.invalid/"), http_error::proxy_failed));
}

BOOST_AUTO_TEST_CASE(deadline_while_the_tunnel_is_made_means_nothing_was_sent)
{
    scripted_server proxy([](peer& p, int) { p.wait_for_end(); });
    client_fixture world(trusting(), through(proxy));
    http_request r = request_to("https://far.invalid/");
    r.deadline = world.soon();
    BOOST_TEST(failed_with(world.send(r), http_error::timed_out_before_send));
}

BOOST_AUTO_TEST_CASE(exempt_host_is_reached_directly)
{
    scripted_server server([](peer& p, int) {
        p.read_request();
        p.answer("direct");
    });
    net::proxy_settings s;
    s.all = fmt::format("http://127.0.0.1:{}", unused_port());
    s.no_proxy = "127.0.0.0/8";
    client_fixture world({}, s);
    BOOST_TEST(world.get(server.url())->body == "direct");
}

BOOST_AUTO_TEST_SUITE_END()
