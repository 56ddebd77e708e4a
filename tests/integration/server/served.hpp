#pragma once
// `potoo server` as it is run, on a free port, and who asks it over HTTP.

#include "tests/integration/cli/program.hpp"

#include <potoo/json.hpp>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace potoo::server::test {

struct answer
{
    unsigned status = 0;
    std::string type; ///< Content-Type
    std::string body;

    /// Of the body. Fails the test when it is no JSON.
    [[nodiscard]] json::value document() const;
};

/// Asks once, over a connection of its own. Fails the test when nobody answers.
/// @param address `127.0.0.1:PORT`
[[nodiscard]] answer ask(const std::string& address, const std::string& method, const std::string& target,
                         const std::string& body = {}, const std::string& token = {});

class served
{
  public:
    /// In the workspace's folder: DAG files in `dags`, state in `state`. Returns when it answers.
    explicit served(const cli::test::workspace& where, std::vector<std::string> more = {});

    [[nodiscard]] const std::string& address() const noexcept { return address_; }

    [[nodiscard]] cli::test::program& program() noexcept { return program_; }

    [[nodiscard]] answer get(const std::string& target) const { return ask(address_, "GET", target); }

    [[nodiscard]] answer post(const std::string& target, const std::string& body = "{}") const
    {
        return ask(address_, "POST", target, body);
    }

    /// Follows the event stream from `cursor` (empty = from the beginning) until an event of that type has come, of
    /// that run unless that is empty. @return all events by then, that one last
    [[nodiscard]] std::vector<json::object> events_until(const std::string& type, const std::string& run,
                                                         std::string cursor = "0") const;

    /// SIGTERM, and its end.
    [[nodiscard]] cli::test::result stop();

    /// SIGKILL.
    void kill();

  private:
    cli::test::program program_;
    std::string address_;
};

} // namespace potoo::server::test
