#include "tests/integration/net/certificates.hpp"
#include "tests/integration/net/client_fixture.hpp"

#include <fmt/format.h>

#include <fstream>
#include <iterator>

using namespace potoo;
using namespace potoo::test;

namespace {

void answers_all(peer& p, int)
{
    for (;;) {
        p.read_request();
        p.answer("secret");
    }
}

http_options trusting(bool own_certificate = false)
{
    certificates& c = shared_certificates();
    http_options o;
    o.ca_file = c.file("ca.pem");
    if (own_certificate) {
        o.certificate_file = c.file("client.pem");
        o.key_file = c.file("client.key");
    }
    return o;
}

std::string text_of(const std::string& name)
{
    std::ifstream in(shared_certificates().file(name));
    return {std::istreambuf_iterator<char>(in), {}};
}

http_options trusting_by_text()
{
    http_options o;
    o.ca_pem = text_of("ca.pem");
    o.certificate_pem = text_of("client.pem");
    o.key_pem = text_of("client.key");
    return o;
}

/// Sends one request to a server with that certificate.
struct attempt
{
    scripted_server server;
    client_fixture world;
    http_result result;

    attempt(const std::string& certificate, http_options options, bool ask_client = false)
        : server(answers_all, shared_certificates().context(certificate, ask_client)), world(std::move(options)),
          result(world.get(server.url()))
    {}

    std::string detail() const { return world.client.last_error_detail(); }
};

bool contains(const std::string& text, std::string_view part)
{
    BOOST_TEST_MESSAGE(text);
    return text.find(part) != std::string::npos;
}

} // namespace

BOOST_AUTO_TEST_SUITE(tls)

BOOST_AUTO_TEST_CASE(server_of_a_trusted_ca_is_believed_and_its_connection_kept)
{
    attempt a("server", trusting());
    BOOST_TEST_REQUIRE(a.result.has_value(), a.detail());
    BOOST_TEST(a.result->body == "secret");
    BOOST_TEST(a.world.get(a.server.url())->body == "secret");
    BOOST_TEST(a.world.get(fmt::format("https://localhost:{}/", a.server.port()))->body == "secret");
    BOOST_TEST(a.world.client.connections_opened() == 2u);
}

BOOST_AUTO_TEST_CASE(self_signed_certificate_is_refused_and_named)
{
    attempt a("self", {});
    BOOST_TEST(failed_with(a.result, http_error::tls_failed));
    BOOST_TEST(surely_not_sent(a.result.error()));
    BOOST_TEST(contains(a.detail(), "certificate verify failed: self-signed certificate (host 127.0.0.1)"));
}

BOOST_AUTO_TEST_CASE(unknown_ca_is_refused)
{
    attempt a("server", {});
    BOOST_TEST(failed_with(a.result, http_error::tls_failed));
    BOOST_TEST(contains(a.detail(), "certificate verify failed"));
}

BOOST_AUTO_TEST_CASE(certificate_for_another_host_is_refused)
{
    attempt a("other", trusting());
    BOOST_TEST(failed_with(a.result, http_error::tls_failed));
    BOOST_TEST(contains(a.detail(), "IP address mismatch"));
    const auto by_name = a.world.get(fmt::format("https://localhost:{}/", a.server.port()));
    BOOST_TEST(failed_with(by_name, http_error::tls_failed));
    BOOST_TEST(contains(a.detail(), "hostname mismatch"));
}

BOOST_AUTO_TEST_CASE(anything_is_believed_when_told_so)
{
    http_options o;
    o.verify_certificate = false;
    attempt a("self", o);
    BOOST_TEST_REQUIRE(a.result.has_value(), a.detail());
}

BOOST_AUTO_TEST_CASE(client_certificate_is_shown)
{
    attempt a("server", trusting(true), true);
    BOOST_TEST_REQUIRE(a.result.has_value(), a.detail());
}

BOOST_AUTO_TEST_CASE(server_that_misses_a_client_certificate_is_a_failure_of_tls)
{
    attempt a("server", trusting(), true);
    BOOST_TEST(failed_with(a.result, http_error::tls_failed));
    BOOST_TEST(contains(a.detail(), "certificate required"));
}

BOOST_AUTO_TEST_CASE(file_that_cannot_be_used_is_named)
{
    http_options o;
    o.ca_file = "/no/such/ca.pem";
    attempt a("server", o);
    BOOST_TEST(failed_with(a.result, http_error::tls_failed));
    BOOST_TEST(contains(a.detail(), "CA file /no/such/ca.pem"));
    http_options key = trusting(true);
    key.key_file = shared_certificates().file("ca.key");
    attempt b("server", key);
    BOOST_TEST(contains(b.detail(), "key file " + key.key_file));
}

BOOST_AUTO_TEST_CASE(certificates_may_be_given_as_text)
{
    attempt a("server", trusting_by_text(), true);
    BOOST_TEST_REQUIRE(a.result.has_value(), a.detail());
    http_options together = trusting_by_text();
    together.certificate_pem += together.key_pem;
    together.key_pem.clear();
    attempt b("server", together, true);
    BOOST_TEST_REQUIRE(b.result.has_value(), b.detail());
    http_options mixed = trusting_by_text();
    mixed.key_pem.clear();
    mixed.key_file = shared_certificates().file("client.key");
    attempt c("server", mixed, true);
    BOOST_TEST_REQUIRE(c.result.has_value(), c.detail());
}

BOOST_AUTO_TEST_CASE(every_certificate_of_a_text_is_believed)
{
    http_options o = trusting_by_text();
    o.ca_pem = text_of("self.pem") + "\nsome words between\n" + o.ca_pem;
    BOOST_TEST(attempt("server", o).result.has_value());
    BOOST_TEST(attempt("self", o).result.has_value());
}

BOOST_AUTO_TEST_CASE(text_that_cannot_be_used_is_named)
{
    const auto refusal_of = [](std::string http_options::* member, std::string text) {
        http_options o = trusting_by_text();
        o.*member = std::move(text);
        attempt a("server", o);
        BOOST_TEST(failed_with(a.result, http_error::tls_failed));
        return a.detail();
    };
    const std::string broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    BOOST_TEST(contains(refusal_of(&http_options::ca_pem, "no PEM"),
                        "cannot use the CA certificate given as text: there is no PEM certificate in it"));
    BOOST_TEST(contains(refusal_of(&http_options::ca_pem, broken), "cannot use the CA certificate given as text: "));
    BOOST_TEST(contains(refusal_of(&http_options::ca_pem, text_of("ca.pem") + broken),
                        "cannot use the CA certificate given as text: "));
    BOOST_TEST(contains(refusal_of(&http_options::certificate_pem, "x"),
                        "cannot use the certificate given as text: there is no PEM certificate in it"));
    BOOST_TEST(contains(refusal_of(&http_options::key_pem, "x"),
                        "cannot use the key given as text: there is no PEM private key in it"));
    BOOST_TEST(contains(refusal_of(&http_options::key_pem, text_of("ca.key")), "cannot use the key given as text: "));
    BOOST_TEST(contains(refusal_of(&http_options::certificate_pem, ""), "a key is given without a certificate"));
    BOOST_TEST(contains(refusal_of(&http_options::ca_file, "x"), "both as a file and as text"));
    BOOST_TEST(contains(refusal_of(&http_options::certificate_file, "x"), "both as a file and as text"));
    BOOST_TEST(contains(refusal_of(&http_options::key_file, "x"), "both as a file and as text"));
}

BOOST_AUTO_TEST_CASE(server_name_is_what_the_certificate_must_be_for)
{
    http_options o = trusting();
    o.server_name = "localhost";
    attempt a("server", o);
    BOOST_TEST_REQUIRE(a.result.has_value(), a.detail());
    o.server_name = "wrong.example";
    attempt b("server", o);
    BOOST_TEST(failed_with(b.result, http_error::tls_failed));
    BOOST_TEST(contains(b.detail(), "hostname mismatch (host wrong.example)"));
    o.server_name = "other.example";
    attempt c("other", o);
    BOOST_TEST_REQUIRE(c.result.has_value(), c.detail());
}

BOOST_AUTO_TEST_CASE(stream_over_tls_that_never_pauses_ends_at_the_deadline)
{
    scripted_server server(
        [](peer& p, int) {
            p.read_request();
            p.send("HTTP/1.1 200 OK\r\n\r\n");
            for (;;)
                p.send(std::string(200'000, 'x'));
        },
        shared_certificates().context("server"));
    client_fixture world(trusting());
    http_request r = request_to(server.url());
    r.deadline = world.soon();
    r.body_sink = [](std::string_view) { return true; };
    BOOST_TEST(failed_with(world.send(std::move(r)), http_error::timed_out));
}

BOOST_AUTO_TEST_CASE(server_that_speaks_no_tls_is_a_failure_of_tls)
{
    scripted_server server([](peer& p, int) {
        p.read_bytes(1);
        p.send("HTTP/1.1 400 Bad Request\r\n\r\n");
    });
    client_fixture world;
    const auto r = world.get(fmt::format("https://127.0.0.1:{}/", server.port()));
    BOOST_TEST(failed_with(r, http_error::tls_failed));
    BOOST_TEST(contains(world.client.last_error_detail(), "wrong version number"));
}

BOOST_AUTO_TEST_CASE(deadline_during_the_handshake_means_nothing_was_sent)
{
    scripted_server server([](peer& p, int) { p.wait_for_end(); });
    client_fixture world;
    http_request r = request_to(fmt::format("https://127.0.0.1:{}/", server.port()));
    r.deadline = world.soon();
    BOOST_TEST(failed_with(world.send(r), http_error::timed_out_before_send));
}

BOOST_AUTO_TEST_CASE(body_cut_off_without_goodbye_is_lost)
{
    scripted_server server(
        [](peer& p, int number) {
            p.read_request();
            p.send("HTTP/1.1 200 OK\r\n\r\npart of it");
            if (number == 1)
                p.cut();
        },
        shared_certificates().context("server"));
    client_fixture world(trusting());
    BOOST_TEST(failed_with(world.get(server.url()), http_error::connection_lost));
    BOOST_TEST(world.get(server.url())->body == "part of it");
}

BOOST_AUTO_TEST_CASE(kept_connection_that_was_closed_is_noticed_before_sending)
{
    scripted_server server(
        [](peer& p, int) {
            p.read_request();
            p.answer("ok");
        },
        shared_certificates().context("server"));
    client_fixture world(trusting());
    BOOST_TEST(world.send(request_to(server.url(), "POST", "x"))->body == "ok");
    server.wait_for_ended(1);
    BOOST_TEST(world.send(request_to(server.url(), "POST", "x"))->body == "ok");
}

BOOST_AUTO_TEST_CASE(large_bodies_go_both_ways)
{
    const std::string large(5'000'000, 'x');
    scripted_server server(
        [](peer& p, int) {
            const std::string request = p.read_request();
            p.answer(std::string_view(request).substr(request.find("\r\n\r\n") + 4));
        },
        shared_certificates().context("server"));
    client_fixture world(trusting());
    const auto r = world.send(request_to(server.url(), "POST", large));
    BOOST_TEST_REQUIRE(r.has_value());
    BOOST_CHECK(r->body == large);
}

BOOST_AUTO_TEST_SUITE_END()
