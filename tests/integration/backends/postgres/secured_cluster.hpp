#pragma once
/// @file
/// A server of the program's own that asks for passwords and speaks TLS.

#include <string>

namespace potoo::test {

class secured_cluster
{
  public:
    static constexpr const char* password = "corr3ct-h0rse";

    /// Started by the first call, stopped at the end of the program. It has the role `reader` with that password.
    [[nodiscard]] static const secured_cluster& get();

    secured_cluster(const secured_cluster&) = delete;
    secured_cluster& operator=(const secured_cluster&) = delete;
    ~secured_cluster();

    [[nodiscard]] int port() const noexcept { return port_; }

    /// As its administrator, by its socket.
    [[nodiscard]] std::string conninfo() const;

    /// Path of the certificate that it shows, which is for `localhost`.
    [[nodiscard]] std::string certificate() const { return directory_ + "/server.crt"; }

  private:
    secured_cluster();

    std::string directory_;
    int port_;
};

} // namespace potoo::test
