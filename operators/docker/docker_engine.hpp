#pragma once
/// @file
/// A Docker Engine: where it is, how it is spoken to, and what its refusals mean.

#include <potoo/connection.hpp>
#include <potoo/http.hpp>
#include <potoo/http_failure.hpp>
#include <potoo/json.hpp>
#include <potoo/request_gate.hpp>
#include <potoo/watcher.hpp>

#include <functional>
#include <string>
#include <string_view>

namespace potoo::docker {

struct engine_address
{
    std::string base;   ///< in front of a request's path
    std::string shown;  ///< for people
    std::string source; ///< who said so
    http_options options;
};

/// Looks a variable of the environment up; null when it is not set.
using environment = std::function<const char*(const char*)>;

/// From the connection's `url`, `ca_file`, `certificate_file` and `key_file`; without a `url` from `DOCKER_HOST`,
/// `DOCKER_TLS_VERIFY` and `DOCKER_CERT_PATH`, as Docker's own programs read them; else the usual socket.
/// @throws fatal for what is no such address
[[nodiscard]] engine_address read_address(connection_reader& c, const environment& variable);

/// `unix:///path`, `unix:/path`, `tcp://host:port`, `http://…` or `https://…` as the beginning of URLs.
/// @param secure `tcp://` means TLS
[[nodiscard]] std::string base_of(std::string_view address, bool secure, std::string_view source);

struct engine_request
{
    std::string method;
    std::string target;         ///< without the version, as in `/containers/json`
    json::value body = nullptr; ///< null = none
    duration timeout{60'000};
    http_body_sink sink{};
    std::string purpose; ///< for messages: `cannot …`
};

/// One answer, or why there is none.
struct engine_answer
{
    std::string purpose;
    std::string method;
    std::string url;
    boost::system::result<http_response> got;
    std::string detail;  ///< of the client, when there is none
    std::string whereby; ///< the address, who said it, and as whom it was asked

    /// 0 when there is no answer.
    [[nodiscard]] unsigned status() const noexcept { return got ? got->status : 0; }

    /// What the engine says of it. Empty if it says nothing that is its own: a gateway answers otherwise.
    [[nodiscard]] std::string message() const;

    /// The engine itself refused, and has done nothing.
    [[nodiscard]] bool refused() const;

    /// The body. @throws failure when it is no JSON
    [[nodiscard]] json::value body() const;

    [[nodiscard]] http_failure trouble() const;

    /// The same for a request of which it matters whether it was acted upon.
    [[nodiscard]] http_failure launch_trouble() const;

  private:
    [[nodiscard]] http_failure explained(http_failure f) const;
};

/// Speaks to one engine. Its version is what the engine takes.
class engine_client
{
  public:
    explicit engine_client(engine_address where) : where_(std::move(where)) {}

    /// @param http outlives the request
    [[nodiscard]] task<engine_answer> send(http_client& http, potoo::loop& l, engine_request r);

    [[nodiscard]] const engine_address& where() const noexcept { return where_; }

  private:
    /// @param asked the version that the request went out with @return true when another is to be asked with
    [[nodiscard]] bool adopt_version(const engine_answer& a, std::string_view asked);

    engine_address where_;
    std::string version_ = "1.41";
};

} // namespace potoo::docker
