#include "engine/net/http_client_beast.hpp"
#include "tests/integration/net/certificates.hpp"
#include "tests/integration/server/web_world.hpp"

#include <filesystem>
#include <fstream>

using namespace potoo;
using namespace potoo::test;
using namespace std::chrono_literals;

namespace {

web::server_options with_certificate(const std::string& name)
{
    web::server_options o;
    o.certificate_file = shared_certificates().file(name + ".pem");
    o.key_file = shared_certificates().file(name + ".key");
    return o;
}

template <class World>
boost::system::result<http_response> fetch(World& w, std::string body = {})
{
    http_options trusting;
    trusting.ca_file = shared_certificates().file("ca.pem");
    net::beast_http_client client(w.loop, trusting, {});
    http_request r;
    r.url = "https://" + w.server->address() + "/x";
    r.method = "POST";
    r.body = std::move(body);
    auto result = w.run(client.send(std::move(r)));
    if (!result)
        BOOST_TEST_MESSAGE(client.last_error_detail());
    return result;
}

} // namespace

BOOST_AUTO_TEST_SUITE(web_tls)

BOOST_AUTO_TEST_CASE(request_over_tls_is_answered)
{
    web_world w(with_certificate("server"));
    w.handler.most_body = 3'000'000;
    const auto small = fetch(w, "hello");
    BOOST_TEST_REQUIRE(small.has_value());
    BOOST_TEST(small->body == "POST /x hello");
    BOOST_TEST(w.handler.asked.at(0).secure);
    const auto large = fetch(w, std::string(2'000'000, 'x'));
    BOOST_TEST_REQUIRE(large.has_value());
    BOOST_TEST(large->body.size() > 2'000'000u);
}

BOOST_AUTO_TEST_CASE(certificate_is_read_anew)
{
    const std::string certificate = shared_certificates().file("renewed.pem");
    const std::string key = shared_certificates().file("renewed.key");
    namespace fs = std::filesystem;
    const auto install = [&](const std::string& name) {
        fs::copy_file(shared_certificates().file(name + ".pem"), certificate, fs::copy_options::overwrite_existing);
        fs::copy_file(shared_certificates().file(name + ".key"), key, fs::copy_options::overwrite_existing);
    };
    install("self");
    web_world w(with_certificate("renewed"));
    BOOST_TEST(!fetch(w).has_value());
    install("server");
    BOOST_TEST(!fetch(w).has_value());
    w.server->reload_certificate();
    BOOST_TEST(fetch(w).has_value());
    std::ofstream(certificate) << "nonsense";
    BOOST_CHECK_THROW(w.server->reload_certificate(), std::runtime_error);
    BOOST_TEST(fetch(w).has_value());
}

BOOST_AUTO_TEST_CASE(certificate_that_cannot_be_used_is_named)
{
    web::server_options o = with_certificate("server");
    o.key_file = "/no/such.key";
    try {
        const web_world<> w(o);
        BOOST_ERROR("starts");
    } catch (const std::runtime_error& e) {
        BOOST_TEST(contains(e.what(), "key file /no/such.key"));
    }
    o = {};
    o.key_file = shared_certificates().file("server.key");
    BOOST_CHECK_THROW(web_world<>{o}, std::runtime_error);
}

BOOST_AUTO_TEST_CASE(client_without_tls_is_closed)
{
    web_world w(with_certificate("server"));
    w.ask(get("/"));
    BOOST_TEST(w.handler.asked.empty());
    BOOST_TEST(w.server->stats().open == 0u);
    BOOST_TEST(fetch(w).has_value());
}

BOOST_AUTO_TEST_CASE(handshake_has_a_limit)
{
    web_world<virtual_loop> w(with_certificate("server"));
    raw_client c = w.connect();
    c.send("\x16\x03\x01");
    w.run(c.read_all());
    BOOST_TEST(w.loop.elapsed() >= 10s);
    BOOST_TEST(w.server->stats().open == 0u);
}

BOOST_AUTO_TEST_SUITE_END()
