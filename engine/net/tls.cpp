#include "engine/net/tls.hpp"

#include <boost/asio/ip/address.hpp>
#include <fmt/format.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <new>

namespace potoo::net {
namespace {

constexpr unsigned char http_1_1[] = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};

constexpr long mode = SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS |
                      SSL_MODE_AUTO_RETRY;

/// The oldest error of this thread's queue, in OpenSSL's words. Empties the queue.
std::string reason_of_failure()
{
    const unsigned long code = ERR_get_error();
    ERR_clear_error();
    if (code == 0)
        return "unknown error";
    if (const char* reason = ERR_reason_error_string(code))
        return reason;
    return fmt::format("error {:#x}", code);
}

problem bad_file(std::string_view what, const std::string& path)
{
    return {http_error::tls_failed, fmt::format("cannot use the {} {}: {}", what, path, reason_of_failure())};
}

bool is_address(const std::string& host)
{
    boost::system::error_code ec;
    boost::asio::ip::make_address(host, ec);
    return !ec;
}

problem twice(std::string_view what)
{
    return {http_error::tls_failed, fmt::format("the {} is given both as a file and as text; give one of them", what)};
}

problem bad_text(std::string_view what, const std::string& why = reason_of_failure())
{
    return {http_error::tls_failed, fmt::format("cannot use the {} given as text: {}", what, why)};
}

/// OpenSSL's way to read PEM from memory. The text outlives it.
struct pem_text
{
    explicit pem_text(const std::string& text) : bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())))
    {
        if (!bio)
            throw std::bad_alloc();
    }

    pem_text(const pem_text&) = delete;
    pem_text& operator=(const pem_text&) = delete;

    ~pem_text() { BIO_free(bio); }

    BIO* bio;
};

// Without it OpenSSL would ask a passphrase on the terminal.
int no_passphrase(char*, int, int, void*)
{
    return -1;
}

using certificate = std::unique_ptr<X509, decltype(&X509_free)>;
using private_key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;

/// Gives each certificate of the text to `take`, which says whether it could be used.
template <class Take>
or_problem<void> read_certificates(std::string_view what, const std::string& text, Take take)
{
    const pem_text pem(text);
    for (std::size_t n = 0;; ++n) {
        const certificate c(PEM_read_bio_X509(pem.bio, nullptr, no_passphrase, nullptr), X509_free);
        const bool ended = !c && ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
        if (ended && n == 0)
            return bad_text(what, "there is no PEM certificate in it");
        if (ended)
            ERR_clear_error();
        if (ended)
            return {};
        if (!c || !take(c.get(), n == 0))
            return bad_text(what);
    }
}

or_problem<void> load_trust(SSL_CTX* context, const http_options& options)
{
    if (!options.verify_certificate)
        return {};
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
    if (!options.ca_file.empty() && !options.ca_pem.empty())
        return twice("CA certificate");
    if (!options.ca_pem.empty()) {
        X509_STORE* store = SSL_CTX_get_cert_store(context);
        return read_certificates("CA certificate", options.ca_pem,
                                 [&](X509* c, bool) { return X509_STORE_add_cert(store, c) == 1; });
    }
    if (options.ca_file.empty()) {
        if (SSL_CTX_set_default_verify_paths(context) != 1)
            return problem(http_error::tls_failed, "cannot load the system's CA certificates: " + reason_of_failure());
    } else if (SSL_CTX_load_verify_file(context, options.ca_file.c_str()) != 1) {
        return bad_file("CA file", options.ca_file);
    }
    return {};
}

or_problem<void> load_certificate(SSL_CTX* context, const http_options& options)
{
    if (options.certificate_pem.empty()) {
        if (SSL_CTX_use_certificate_chain_file(context, options.certificate_file.c_str()) != 1)
            return bad_file("certificate file", options.certificate_file);
        return {};
    }
    return read_certificates("certificate", options.certificate_pem, [&](X509* c, bool first) {
        return (first ? SSL_CTX_use_certificate(context, c) : SSL_CTX_add1_chain_cert(context, c)) == 1;
    });
}

/// A key may stand in one file, or text, with its certificate.
or_problem<void> load_key(SSL_CTX* context, const http_options& options)
{
    if (options.key_pem.empty() && (!options.key_file.empty() || options.certificate_pem.empty())) {
        const std::string& key = options.key_file.empty() ? options.certificate_file : options.key_file;
        if (SSL_CTX_use_PrivateKey_file(context, key.c_str(), SSL_FILETYPE_PEM) != 1)
            return bad_file("key file", key);
        if (SSL_CTX_check_private_key(context) != 1)
            return bad_file("key file", key);
        return {};
    }
    const std::string& text = options.key_pem.empty() ? options.certificate_pem : options.key_pem;
    // OpenSSL only says "unsupported".
    if (text.find("PRIVATE KEY-----") == std::string::npos)
        return bad_text("key", "there is no PEM private key in it");
    const pem_text pem(text);
    const private_key key(PEM_read_bio_PrivateKey(pem.bio, nullptr, no_passphrase, nullptr), EVP_PKEY_free);
    if (!key || SSL_CTX_use_PrivateKey(context, key.get()) != 1 || SSL_CTX_check_private_key(context) != 1)
        return bad_text("key");
    return {};
}

or_problem<void> load_own_certificate(SSL_CTX* context, const http_options& options)
{
    const bool certificate_given = !options.certificate_file.empty() || !options.certificate_pem.empty();
    const bool key_given = !options.key_file.empty() || !options.key_pem.empty();
    if (!certificate_given && !key_given)
        return {};
    if (!certificate_given)
        return problem(http_error::tls_failed, "a key is given without a certificate");
    if (!options.certificate_file.empty() && !options.certificate_pem.empty())
        return twice("certificate");
    if (!options.key_file.empty() && !options.key_pem.empty())
        return twice("key");
    SSL_CTX_set_default_passwd_cb(context, no_passphrase);
    auto loaded = load_certificate(context, options);
    return loaded ? load_key(context, options) : loaded;
}

/// A client that offers protocols gets HTTP/1.1, if it is among them.
int choose_protocol(SSL*, const unsigned char** out, unsigned char* size, const unsigned char* offered,
                    unsigned offered_size, void*)
{
    unsigned char* chosen = nullptr;
    if (SSL_select_next_proto(&chosen, size, http_1_1, sizeof(http_1_1), offered, offered_size) !=
        OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_NOACK;
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

bool refuses_certificate(int alert) noexcept
{
    switch (alert) {
    case SSL_AD_BAD_CERTIFICATE:
    case SSL_AD_UNSUPPORTED_CERTIFICATE:
    case SSL_AD_CERTIFICATE_REVOKED:
    case SSL_AD_CERTIFICATE_EXPIRED:
    case SSL_AD_CERTIFICATE_UNKNOWN:
    case SSL_AD_UNKNOWN_CA:
    case SSL_AD_ACCESS_DENIED:
    case SSL_AD_CERTIFICATE_REQUIRED:
        return true;
    default:
        return false;
    }
}

} // namespace

tls_context::~tls_context()
{
    SSL_CTX_free(context_);
}

or_problem<std::unique_ptr<tls_context>> tls_context::make(const http_options& options)
{
    ERR_clear_error();
    std::unique_ptr<tls_context> out(new tls_context);
    out->context_ = SSL_CTX_new(TLS_client_method());
    if (!out->context_)
        throw std::bad_alloc();
    out->verify_ = options.verify_certificate;
    SSL_CTX_set_min_proto_version(out->context_, TLS1_2_VERSION);
    SSL_CTX_set_mode(out->context_, mode);
    SSL_CTX_set_alpn_protos(out->context_, http_1_1, sizeof(http_1_1));
    auto trust = load_trust(out->context_, options);
    if (!trust)
        return trust.error();
    auto own = load_own_certificate(out->context_, options);
    if (!own)
        return own.error();
    return out;
}

or_problem<std::unique_ptr<tls_context>> tls_context::make_server(const http_options& options)
{
    ERR_clear_error();
    std::unique_ptr<tls_context> out(new tls_context);
    out->context_ = SSL_CTX_new(TLS_server_method());
    if (!out->context_)
        throw std::bad_alloc();
    out->verify_ = false;
    SSL_CTX_set_min_proto_version(out->context_, TLS1_2_VERSION);
    SSL_CTX_set_mode(out->context_, mode);
    SSL_CTX_set_options(out->context_, SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_alpn_select_cb(out->context_, choose_protocol, nullptr);
    auto own = load_own_certificate(out->context_, options);
    if (!own)
        return own.error();
    return out;
}

tls_session::tls_session(const tls_context& server, int socket) : ssl_(SSL_new(server.context_)), socket_(socket)
{
    use_socket();
    SSL_set_accept_state(ssl_);
}

void tls_session::use_socket()
{
    BIO* bio = BIO_new(method());
    if (!ssl_ || !bio)
        throw std::bad_alloc();
    BIO_set_data(bio, this);
    BIO_set_init(bio, 1);
    SSL_set_bio(ssl_, bio, bio);
}

tls_session::tls_session(const tls_context& context, int socket, const std::string& host)
    : ssl_(SSL_new(context.context_)), socket_(socket), host_(host)
{
    use_socket();
    SSL_set_connect_state(ssl_);
    const bool address = is_address(host);
    if (!address)
        SSL_set_tlsext_host_name(ssl_, host.c_str());
    if (!context.verify_)
        return;
    X509_VERIFY_PARAM* rules = SSL_get0_param(ssl_);
    X509_VERIFY_PARAM_set_hostflags(rules, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    const int set = address ? X509_VERIFY_PARAM_set1_ip_asc(rules, host.c_str())
                            : X509_VERIFY_PARAM_set1_host(rules, host.c_str(), host.size());
    // Without the check of the name any valid certificate would do.
    if (set != 1)
        throw std::bad_alloc();
}

tls_session::~tls_session()
{
    SSL_free(ssl_);
}

// OpenSSL's own socket BIO writes in a way that ends the process by SIGPIPE when the peer is gone.
BIO_METHOD* tls_session::method()
{
    static BIO_METHOD* const socket_method = [] {
        BIO_METHOD* m = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "potoo socket");
        BIO_meth_set_write(m, send_through);
        BIO_meth_set_read(m, receive_through);
        BIO_meth_set_ctrl(m, control);
        return m;
    }();
    return socket_method;
}

int tls_session::send_through(BIO* bio, const char* data, int size)
{
    auto* self = static_cast<tls_session*>(BIO_get_data(bio));
    BIO_clear_retry_flags(bio);
    const auto n = ::send(self->socket_, data, static_cast<std::size_t>(size), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n > 0)
        self->bytes_out_ += static_cast<std::uint64_t>(n);
    else if (errno == EAGAIN || errno == EINTR)
        BIO_set_retry_write(bio);
    return static_cast<int>(n);
}

int tls_session::receive_through(BIO* bio, char* data, int size)
{
    auto* self = static_cast<tls_session*>(BIO_get_data(bio));
    BIO_clear_retry_flags(bio);
    const auto n = ::recv(self->socket_, data, static_cast<std::size_t>(size), MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        BIO_set_retry_read(bio);
    if (n == 0)
        BIO_set_flags(bio, BIO_FLAGS_IN_EOF);
    return static_cast<int>(n);
}

long tls_session::control(BIO* bio, int command, long, void*)
{
    switch (command) {
    case BIO_CTRL_FLUSH:
        return 1;
    case BIO_CTRL_EOF:
        return BIO_test_flags(bio, BIO_FLAGS_IN_EOF) != 0;
    default:
        return 0;
    }
}

tls_step tls_session::handshake()
{
    ERR_clear_error();
    errno = 0;
    return step(SSL_do_handshake(ssl_), 0);
}

tls_step tls_session::read(char* to, std::size_t size)
{
    ERR_clear_error();
    errno = 0;
    std::size_t n = 0;
    const int result = SSL_read_ex(ssl_, to, size, &n);
    return step(result, n);
}

tls_step tls_session::write(std::string_view bytes)
{
    ERR_clear_error();
    errno = 0;
    std::size_t n = 0;
    const int result = SSL_write_ex(ssl_, bytes.data(), bytes.size(), &n);
    return step(result, n);
}

tls_step tls_session::step(int result, std::size_t bytes)
{
    const int system_error = errno;
    if (result > 0)
        return {tls_status::done, bytes};
    const int error = SSL_get_error(ssl_, result);
    switch (error) {
    case SSL_ERROR_WANT_READ:
        return {tls_status::wants_read};
    case SSL_ERROR_WANT_WRITE:
        return {tls_status::wants_write};
    case SSL_ERROR_ZERO_RETURN:
        return {tls_status::closed};
    default:
        note_failure(error, system_error);
        return {tls_status::failed};
    }
}

void tls_session::note_failure(int ssl_error, int system_error)
{
    broken_ = true;
    const unsigned long code = ERR_peek_error();
    const int reason = ERR_GET_REASON(code);
    if (ssl_error == SSL_ERROR_SYSCALL && code == 0) {
        failure_ = system_error == 0 ? "the connection was closed" : std::strerror(system_error);
    } else if (reason == SSL_R_CERTIFICATE_VERIFY_FAILED) {
        failure_ = fmt::format("certificate verify failed: {} (host {})",
                               X509_verify_cert_error_string(SSL_get_verify_result(ssl_)), host_);
    } else {
        refused_ = ERR_GET_LIB(code) == ERR_LIB_SSL && reason > SSL_AD_REASON_OFFSET &&
                   refuses_certificate(reason - SSL_AD_REASON_OFFSET);
        failure_ = reason_of_failure();
    }
    ERR_clear_error();
}

bool tls_session::quiet()
{
    char byte = 0;
    ERR_clear_error();
    std::size_t n = 0;
    const int result = SSL_peek_ex(ssl_, &byte, 1, &n);
    const bool quiet = result <= 0 && SSL_get_error(ssl_, result) == SSL_ERROR_WANT_READ;
    broken_ |= result <= 0 && !quiet;
    ERR_clear_error();
    return quiet;
}

void tls_session::close() noexcept
{
    if (broken_ || SSL_in_init(ssl_))
        return;
    SSL_shutdown(ssl_);
    ERR_clear_error();
}

} // namespace potoo::net
