#pragma once
/// @file
/// Where the tests find the real services, and a client of their own to look at them from the side.

#include <potoo/http.hpp>
#include <potoo/json.hpp>

#include <memory>
#include <string>
#include <string_view>

namespace potoo::test {

/// What `tests/integration/backends/services env` says. @throws std::runtime_error when the variable is not set
[[nodiscard]] std::string service_setting(const char* variable);

/// The only global fixture of a program that needs a service: without it the program says why and ends with 77, which
/// ctest counts as skipped. `struct needs_docker : needs_service { needs_docker() : needs_service("POTOO_TEST_DOCKER",
/// "Docker") {} }; BOOST_TEST_GLOBAL_FIXTURE(needs_docker);`
struct needs_service
{
    needs_service(const char* variable, const char* name);
};

/// Sends one request after another, and waits for each answer: no part of what is tested.
class side_client
{
  public:
    explicit side_client(http_options options = {});
    ~side_client();

    /// @throws std::runtime_error when no answer comes within a minute
    http_response send(http_request request);

    /// The body of the answer as JSON. @throws std::runtime_error unless its status is 2xx
    json::value json(std::string_view method, std::string url, const json::value& body = nullptr,
                     std::vector<http_header> headers = {});

  private:
    struct parts;

    std::unique_ptr<parts> parts_;
};

/// What a command of the machine prints, without the line's end. @throws std::runtime_error when it fails
[[nodiscard]] std::string output_of_command(const std::string& shell_command);

} // namespace potoo::test
