#pragma once
/// @file
/// Stands between an operator and a real service and does what that cannot be made to do: lose answers, come late,
/// refuse. What no rule is for passes unchanged, streams too.

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace potoo::test {

class fault_proxy
{
  public:
    /// @param upstream `http://host:port`, `https://host:port` (any certificate will do) or `unix:/path/to.sock`
    explicit fault_proxy(const std::string& upstream);
    ~fault_proxy();

    fault_proxy(const fault_proxy&) = delete;
    fault_proxy& operator=(const fault_proxy&) = delete;

    /// `http://127.0.0.1:port`
    [[nodiscard]] const std::string& url() const noexcept;

    enum class fault
    {
        answers, ///< itself; the service hears nothing
        loses,   ///< the service's answer: the connection is closed instead
        delays,  ///< hands the request to the service later, when its sender may have gone
    };

    struct rule
    {
        std::function<bool(std::string_view method, std::string_view target)> applies;
        int times = 1; ///< then it is used up
        fault what = fault::answers;
        std::string answer{}; ///< `429 Too Many Requests\r\nRetry-After: 1\r\n` – status line and headers, no body
        std::string body{};
        std::chrono::milliseconds delay{};
    };

    /// Rules are tried in the order in which they were added.
    void add(rule r);

    /// `METHOD target` of each request so far.
    [[nodiscard]] std::vector<std::string> requests() const;

  private:
    class server;

    std::unique_ptr<server> server_;
};

} // namespace potoo::test
