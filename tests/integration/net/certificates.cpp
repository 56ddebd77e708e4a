#include "tests/integration/net/certificates.hpp"

#include <fmt/format.h>

#include <openssl/ssl.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>

namespace potoo::test {
namespace {

constexpr const char* new_key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";

int select_http1(SSL*, const unsigned char** out, unsigned char* size, const unsigned char* in, unsigned n, void*)
{
    static constexpr unsigned char offered[] = {2, 'h', '2', 8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
    unsigned char* chosen = nullptr;
    if (SSL_select_next_proto(&chosen, size, offered, sizeof(offered), in, n) != OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

} // namespace

certificates::certificates()
{
    std::string pattern = (std::filesystem::temp_directory_path() / "potoo-tls-XXXXXX").string();
    if (!::mkdtemp(pattern.data()))
        throw std::runtime_error("mkdtemp");
    directory_ = pattern;
    run(fmt::format("req -x509 {} -days 2 -subj /CN=test-ca -keyout {} -out {}", new_key, file("ca.key"),
                    file("ca.pem")));
    run(fmt::format(
        "req -x509 {} -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost,IP:127.0.0.1 -keyout {} -out {}",
        new_key, file("self.key"), file("self.pem")));
    sign("server", "localhost", "DNS:localhost,IP:127.0.0.1");
    sign("other", "other.example", "DNS:other.example");
    sign("client", "client", "DNS:client");
}

certificates::~certificates()
{
    std::error_code ignored; // a left-over directory in /tmp harms nobody
    std::filesystem::remove_all(directory_, ignored);
}

void certificates::sign(const std::string& name, const std::string& subject, const std::string& alternative) const
{
    std::ofstream(file(name + ".ext")) << "subjectAltName=" << alternative << '\n';
    run(fmt::format("req {} -subj /CN={} -keyout {} -out {}", new_key, subject, file(name + ".key"),
                    file(name + ".csr")));
    run(fmt::format("x509 -req -days 2 -in {} -CA {} -CAkey {} -CAcreateserial -extfile {} -out {}",
                    file(name + ".csr"), file("ca.pem"), file("ca.key"), file(name + ".ext"), file(name + ".pem")));
}

void certificates::run(const std::string& arguments) const
{
    const std::string command = fmt::format("openssl {} 2>>{}", arguments, file("log"));
    if (std::system(command.c_str()) != 0)
        throw std::runtime_error("failed: " + command);
}

SSL_CTX* certificates::context(const std::string& name, bool ask_client)
{
    SSL_CTX* c = SSL_CTX_new(TLS_server_method());
    if (SSL_CTX_use_certificate_file(c, file(name + ".pem").c_str(), SSL_FILETYPE_PEM) != 1 ||
        SSL_CTX_use_PrivateKey_file(c, file(name + ".key").c_str(), SSL_FILETYPE_PEM) != 1)
        throw std::runtime_error("cannot load " + name);
    SSL_CTX_set_alpn_select_cb(c, select_http1, nullptr);
    if (ask_client) {
        SSL_CTX_load_verify_file(c, file("ca.pem").c_str());
        SSL_CTX_set_verify(c, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
    }
    contexts_ = std::shared_ptr<void>(c, [before = contexts_](void* p) { SSL_CTX_free(static_cast<SSL_CTX*>(p)); });
    return c;
}

certificates& shared_certificates()
{
    static certificates all;
    return all;
}

} // namespace potoo::test
