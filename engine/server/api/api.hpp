#pragma once
/// @file
/// The HTTP API: lets in, finds the route, checks what was sent against what the route declares, calls its handler, and
/// says what was wrong where that ends badly.

#include "engine/server/access/gate.hpp"
#include "engine/server/api/api_services.hpp"
#include "engine/web/message.hpp"

#include <potoo/task.hpp>
#include <potoo/time.hpp>

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace potoo::server {

struct api_options
{
    access_rules access;
    std::size_t body_bytes = std::size_t{1} << 20;    ///< most that a body may have
    duration keep_audit{std::chrono::hours(24 * 90)}; ///< entries of the audit trail that are older are removed
    std::string version;                              ///< of the program
    std::string public_url;                           ///< under which clients reach it; empty = as they say
    /// Told of every request that was answered, without its query, its body and the secrets in its path. May be empty.
    std::function<void(const web::request&, const std::string& who, unsigned status)> answered;
    std::function<void(std::string_view)> say; ///< told of what went wrong inside; may be empty
};

class api final : public web::handler
{
  public:
    /// What is in `services` must outlive it.
    api(api_services services, api_options options);
    ~api() override;

    [[nodiscard]] std::optional<web::reply> refuse(web::request& head) override;
    [[nodiscard]] std::size_t body_limit(const web::request& head) override;

    /// Who asks was looked up by the head, once: a token that is revoked while the body comes is good for it still.
    [[nodiscard]] task<web::reply> answer(web::request r) override;

    [[nodiscard]] web::reply problem(unsigned status, std::string_view detail) override;

    /// Forgets what is too old: entries of the audit trail, and keys of runs that are gone. Runs until it is told to
    /// stop.
    [[nodiscard]] task<> tend();

  private:
    struct parts;

    std::unique_ptr<parts> parts_;
};

} // namespace potoo::server
