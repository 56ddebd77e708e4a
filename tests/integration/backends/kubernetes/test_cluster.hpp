#pragma once
/// @file
/// A namespace of its own in the real cluster, with a proxy before the API that does what that cannot be made to do.

#include "tests/integration/backends/fault_proxy.hpp"
#include "tests/integration/backends/service.hpp"
#include "tests/integration/conformance/trial_engine.hpp"

#include <potoo/json.hpp>

#include <filesystem>
#include <string>
#include <string_view>

namespace potoo::test {

struct needs_kubernetes : needs_service
{
    needs_kubernetes() : needs_service("POTOO_TEST_KUBECONFIG", "Kubernetes") {}
};

class test_cluster
{
  public:
    test_cluster();
    ~test_cluster();

    test_cluster(const test_cluster&) = delete;
    test_cluster& operator=(const test_cluster&) = delete;

    /// Lets `KUBECONFIG` name a file that leads to the proxy, with this `user:`, in YAML's short form.
    void use(std::string_view user = "{token: admintok}");

    [[nodiscard]] const std::string& name_space() const noexcept { return name_space_; }

    [[nodiscard]] const std::filesystem::path& folder() const noexcept { return folder_; }

    /// The API itself, without the proxy.
    [[nodiscard]] const std::string& server() const noexcept { return server_; }

    fault_proxy& proxy() noexcept { return proxy_; }

    /// Asks the API as its administrator, not through the proxy. @throws std::runtime_error unless it answers 2xx
    json::value ask(std::string_view method, const std::string& path, const json::value& body = nullptr);

    /// What lies under the namespace: `jobs`, `jobs/NAME`, `pods`, …
    [[nodiscard]] std::string path(std::string_view what) const;

    /// No more than so many of it: `pods`, `count/jobs.batch`.
    void limit(std::string_view what, int most);

    /// A task that runs the command, in YAML as `command:` takes it. @param more lines of its `with`, indented by two
    [[nodiscard]] std::string task_text(std::string_view command, std::string_view more = {}) const;

    /// The same as a DAG of one task.
    [[nodiscard]] std::string dag_text(std::string_view command, std::string_view more = {}) const;

    /// Requests through the proxy whose `METHOD target` has this in it.
    [[nodiscard]] std::size_t requests_with(std::string_view part) const;

  private:
    std::string server_;
    fault_proxy proxy_;
    side_client side_;
    std::string name_space_;
    std::filesystem::path folder_;
};

/// A rule for requests of that method whose target has this in it.
[[nodiscard]] fault_proxy::rule when(std::string_view method, std::string_view part, int times,
                                     fault_proxy::fault what = fault_proxy::fault::answers);

} // namespace potoo::test
