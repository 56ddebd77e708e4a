#pragma once
/// @file
/// Who the engine is to a cluster: tokens that are read again, and programs that are asked for new ones.

#include "cluster_settings.hpp"

#include <potoo/loop.hpp>
#include <potoo/process.hpp>
#include <potoo/task.hpp>
#include <potoo/wait.hpp>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace potoo::kubernetes {

/// Shared by all who speak to one cluster; outlives their requests.
class credentials
{
  public:
    /// @param reread finds the settings anew; may throw, and block: it runs on another thread
    credentials(potoo::loop& l, process_runner& processes, cluster_settings s,
                std::function<cluster_settings()> reread);

    /// Before a request: gets what is not there, or about to expire. @throws failure `credentials_failed`
    [[nodiscard]] task<> refresh_if_due();

    /// After an answer 401: gets new ones. @param refused the version that was refused
    /// @return false when they are the same as before @throws failure `credentials_failed`
    [[nodiscard]] task<bool> renew(std::uint64_t refused);

    /// Takes those of settings that somebody has read anew.
    [[nodiscard]] task<> adopt(cluster_settings s);

    /// For the `Authorization` header; empty when a certificate says it, or nothing.
    [[nodiscard]] const std::string& authorization() const noexcept { return authorization_; }

    /// With the client certificate that belongs to it.
    [[nodiscard]] const http_options& tls() const noexcept { return tls_; }

    /// Grows with every change.
    [[nodiscard]] std::uint64_t version() const noexcept { return version_; }

    /// What must be seen by nobody.
    [[nodiscard]] std::vector<std::string> secrets() const;

  private:
    [[nodiscard]] bool replace(cluster_settings s);
    void take(const cluster_settings& s);
    [[nodiscard]] task<> reread_settings();
    [[nodiscard]] task<> get_anew();
    void use_token(std::string token);
    [[nodiscard]] task<> read_token_file();
    [[nodiscard]] task<> ask_plugin();
    void take_exec_credential(const std::string& text);
    [[nodiscard]] bool due() const;

    potoo::loop& loop_;
    process_runner& processes_;
    cluster_settings settings_;
    std::function<cluster_settings()> reread_;
    semaphore one_at_a_time_{1};
    http_options tls_;
    std::string token_;
    std::string authorization_;
    std::uint64_t version_ = 0;
    bool known_ = false;
    steady_time due_ = steady_time::max(); ///< to be read or asked for again
    steady_time renewed_ = steady_time::min();
};

} // namespace potoo::kubernetes
