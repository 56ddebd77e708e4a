#include "engine/net/http_client_beast.hpp"
#include "tests/integration/net/certificates.hpp"
#include "tests/integration/server/web_world.hpp"

#include <potoo/concurrency.hpp>

#include <boost/asio/ssl.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/websocket.hpp>
#include <boost/beast/websocket/ssl.hpp>

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

using secure_stream = boost::beast::websocket::stream<boost::asio::ssl::stream<boost::asio::ip::tcp::socket>>;

task<> echoes(web::websocket& s)
{
    for (;;) {
        auto message = co_await s.receive();
        if (!message)
            co_return;
        auto copy = std::make_shared<const std::string>(std::move(*message));
        co_await s.send(std::move(copy));
    }
}

task<web::reply> echoing()
{
    web::reply r;
    r.talk = echoes;
    co_return r;
}

task<> open(secure_stream& s)
{
    co_await s.next_layer().async_handshake(boost::asio::ssl::stream_base::client, use_task);
    auto done = co_await s.async_handshake("here", "/", use_task);
    BOOST_TEST_REQUIRE(done.has_value());
}

task<> write_many(secure_stream& s, std::size_t n)
{
    const std::string message(10'000, 'm');
    for (std::size_t i = 0; i < n; ++i)
        co_await s.async_write(boost::asio::buffer(message), use_task);
}

task<std::size_t> read_many(secure_stream& s, std::size_t n)
{
    std::size_t whole = 0;
    for (std::size_t i = 0; i < n; ++i) {
        boost::beast::flat_buffer input;
        auto read = co_await s.async_read(input, use_task);
        whole += read && *read == 10'000 ? 1 : 0;
    }
    co_return whole;
}

/// Writes while it reads, so that both directions are full.
task<std::size_t> echo_many(secure_stream& s, std::size_t n)
{
    auto writing = write_many(s, n);
    auto reading = read_many(s, n);
    auto both = co_await all(std::move(writing), std::move(reading));
    co_return std::get<1>(both);
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

BOOST_AUTO_TEST_CASE(websocket_over_tls_carries_both_ways_at_once)
{
    web_world w(with_certificate("server"));
    w.handler.answering = [](web::request) { return echoing(); };
    boost::asio::ssl::context context(boost::asio::ssl::context::tls_client);
    context.load_verify_file(shared_certificates().file("ca.pem"));
    context.set_verify_mode(boost::asio::ssl::verify_peer);
    raw_client raw = w.connect();
    secure_stream stream(std::move(raw.socket()), context);
    w.run(open(stream));
    BOOST_TEST(w.server->stats().websockets == 1u);
    BOOST_TEST(w.run(echo_many(stream, 300)) == 300u);
    w.server.reset();
}

BOOST_AUTO_TEST_SUITE_END()
