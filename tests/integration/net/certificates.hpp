#pragma once
/// @file
/// Certificates made by the `openssl` program when a test needs them.

#include <memory>
#include <string>

typedef struct ssl_ctx_st SSL_CTX;

namespace potoo::test {

/// In a temporary directory: a CA (`ca.pem`), certificates it signed for localhost and 127.0.0.1 (`server`), for
/// another name
/// (`other`), for a client (`client`), and one that signed itself (`self`); each `NAME.pem` with `NAME.key`.
class certificates
{
  public:
    certificates();
    ~certificates();
    certificates(const certificates&) = delete;
    certificates& operator=(const certificates&) = delete;

    std::string file(const std::string& name) const { return directory_ + "/" + name; }

    /// For a server. Valid as long as this.
    SSL_CTX* context(const std::string& name, bool ask_client = false);

  private:
    void run(const std::string& arguments) const;
    void sign(const std::string& name, const std::string& subject, const std::string& alternative) const;

    std::string directory_;
    std::shared_ptr<void> contexts_;
};

/// Made once for all tests of a program.
certificates& shared_certificates();

} // namespace potoo::test
